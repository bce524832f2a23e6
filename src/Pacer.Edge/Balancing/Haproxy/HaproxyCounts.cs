using System.Net;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Sums over the processes that HAProxy has and had.</summary>
internal sealed class HaproxyCounts
{
    public sealed class Sum
    {
        public long Current { get; set; }
        public long Queued { get; set; }
        public long Total { get; set; }
        public long Received { get; set; }
        public long Sent { get; set; }
        public long Failures { get; set; }
        public long Retries { get; set; }
        public long[] Answers { get; } = new long[6];

        /// <summary>It gets new requests from the newest process.</summary>
        public bool Ready { get; set; }
    }

    private readonly Dictionary<string, Sum> _backends = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Proxy, string Address), Sum> _servers = [];

    public long Open { get; private set; }

    public long Total { get; private set; }

    public long Refused { get; private set; }

    public Sum Backend(string proxy) => _backends.TryGetValue(proxy, out var sum) ? sum : _backends[proxy] = new Sum();

    public Sum Server(string proxy, IPEndPoint address) => Server(proxy, address.ToString());

    /// <param name="newest">Of the process that takes new connections.</param>
    public void Add(IEnumerable<HaproxyRow> rows, bool newest)
    {
        foreach (var row in rows)
        {
            if (row.Name == HaproxyRow.OfFrontend)
            {
                Open += row.Current;
                Total += newest ? row.Total : 0;
                Refused += newest ? row.Refused : 0;
                continue;
            }
            var sum = row.IsServer ? Server(row.Proxy, row.Address) : Backend(row.Proxy);
            sum.Current += row.Current;
            sum.Queued += row.Queued;
            if (!newest)
            {
                continue; // its totals were kept when it was replaced
            }
            sum.Ready |= row.IsServer && (row.Status.StartsWith("UP", StringComparison.Ordinal) || row.Status == "no check");
            AddTotals(sum, row.Total, row.Received, row.Sent, row.Failures, row.Retries, row.Answers);
        }
    }

    public void AddTotals(HaproxyCounts others)
    {
        Total += others.Total;
        Refused += others.Refused;
        foreach (var (proxy, sum) in others._backends)
        {
            AddTotals(Backend(proxy), sum.Total, sum.Received, sum.Sent, sum.Failures, sum.Retries, sum.Answers);
        }
        foreach (var ((proxy, address), sum) in others._servers)
        {
            AddTotals(Server(proxy, address), sum.Total, sum.Received, sum.Sent, sum.Failures, sum.Retries, sum.Answers);
        }
    }

    /// <summary>Keeps the sums of these servers and their backends alone.</summary>
    public void Forget(IReadOnlySet<(string Proxy, string Address)> others)
    {
        var proxies = others.Select(server => server.Proxy).ToHashSet(StringComparer.Ordinal);
        _backends.Keys.Where(proxy => !proxies.Contains(proxy)).ToList().ForEach(proxy => _backends.Remove(proxy));
        _servers.Keys.Where(server => !others.Contains(server)).ToList().ForEach(server => _servers.Remove(server));
    }

    private Sum Server(string proxy, string address) => _servers.TryGetValue((proxy, address), out var sum) ? sum : _servers[(proxy, address)] = new Sum();

    private static void AddTotals(Sum sum, long total, long received, long sent, long failures, long retries, long[] answers)
    {
        sum.Total += total;
        sum.Received += received;
        sum.Sent += sent;
        sum.Failures += failures;
        sum.Retries += retries;
        for (var i = 0; i < answers.Length; i++)
        {
            sum.Answers[i] += answers[i];
        }
    }
}
