using System.Net;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Since when servers get no more requests for good. Safe for many threads.</summary>
internal sealed class DrainingServers(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Proxy, string Address), DateTimeOffset> _since = [];

    /// <param name="ran">What ran until now.</param>
    /// <param name="table">What is wanted from now on.</param>
    public void Note(IEnumerable<HaproxyProxy> ran, RoutingTable table)
    {
        var now = time.GetUtcNow();
        var serving = table.Backends.ToDictionary(backend => (backend.ServiceId, backend.PortIndex), backend => backend.Servers.Where(server => server.Standing != ServerStanding.Draining).Select(server => server.Address).ToHashSet());
        lock (_lock)
        {
            foreach (var proxy in ran)
            {
                var kept = serving.GetValueOrDefault((proxy.Backend.ServiceId, proxy.Backend.PortIndex));
                foreach (var address in proxy.Slots.Select(slot => slot.Address).OfType<IPEndPoint>())
                {
                    if (kept?.Contains(address) == true)
                    {
                        _since.Remove((proxy.Name, address.ToString()));
                    }
                    else
                    {
                        _since.TryAdd((proxy.Name, address.ToString()), now);
                    }
                }
            }
        }
    }

    /// <summary>Ends connections to those that have drained for that long.</summary>
    public async Task CutAsync(TimeSpan longest, HaproxyProcess process)
    {
        var overdue = TakeOverdue(longest);
        if (overdue.Count == 0)
        {
            return;
        }
        try
        {
            foreach (var worker in await process.WorkersAsync() ?? [])
            {
                foreach (var row in (await process.StatisticsAsync(worker, CancellationToken.None)).Where(row => row.IsServer && row.Current > 0 && overdue.Contains((row.Proxy, row.Address))))
                {
                    await process.AskAsync(worker, $"shutdown sessions server {row.Proxy}/{row.Name}", CancellationToken.None);
                }
            }
        }
        catch (IOException)
        {
            // Nobody serves them any more.
        }
    }

    private HashSet<(string Proxy, string Address)> TakeOverdue(TimeSpan longest)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            HashSet<(string Proxy, string Address)> overdue = [.. _since.Where(server => now - server.Value >= longest).Select(server => server.Key)];
            overdue.ToList().ForEach(server => _since.Remove(server));
            return overdue;
        }
    }
}
