using System.Net;

namespace Pacer.Edge.Dns.Forwarding;

/// <summary>Which servers to ask for a name that is not ours, the one that failed least first.</summary>
internal sealed class Upstreams(DnsOptions options, TimeProvider time, string resolvConf = "/etc/resolv.conf")
{
    private const int MaxFailures = 8;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, int> _failures = [];
    private IReadOnlyList<IPEndPoint> _system = [];
    private DateTime _writtenAt;
    private long _lookedAt;
    private bool _looked;

    /// <summary>Where we listen: never asked.</summary>
    public IReadOnlyList<IPEndPoint> Own { get; set; } = [];

    public IReadOnlyList<IPEndPoint> For(ReadOnlySpan<char> name)
    {
        var servers = OfZone(name) ?? (options.Upstreams.Count > 0 ? options.Upstreams : System());
        lock (_gate)
        {
            return [.. servers.Where(server => !Own.Contains(server)).OrderBy(server => _failures.GetValueOrDefault(server))];
        }
    }

    public void Succeeded(IPEndPoint server)
    {
        lock (_gate)
        {
            _failures.Remove(server);
        }
    }

    public void Failed(IPEndPoint server)
    {
        lock (_gate)
        {
            _failures[server] = Math.Min(MaxFailures, _failures.GetValueOrDefault(server) + 1);
        }
    }

    private IReadOnlyList<IPEndPoint>? OfZone(ReadOnlySpan<char> name)
    {
        IReadOnlyList<IPEndPoint>? best = null;
        var length = -1;
        foreach (var (zone, servers) in options.ZoneUpstreams)
        {
            if (zone.Length > length && name.EndsWith(zone, StringComparison.Ordinal) && (name.Length == zone.Length || name[^(zone.Length + 1)] == '.'))
            {
                (best, length) = (servers, zone.Length);
            }
        }
        return best;
    }

    // The file changes when the machine moves between networks.
    private IReadOnlyList<IPEndPoint> System()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_looked && time.GetElapsedTime(_lookedAt, now) < LookAgain)
            {
                return _system;
            }
            (_looked, _lookedAt) = (true, now);
            try
            {
                var writtenAt = File.GetLastWriteTimeUtc(resolvConf);
                if (writtenAt != _writtenAt)
                {
                    _system = Read(File.ReadLines(resolvConf));
                    _writtenAt = writtenAt;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What was read last stays.
            }
            return _system;
        }
    }

    internal static IReadOnlyList<IPEndPoint> Read(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) ? new IPEndPoint(address, 53) : null)
            .OfType<IPEndPoint>()];
}
