namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Counts over all workers of a HAProxy, those too that are gone or only finish what they have. Not for several threads at once.</summary>
internal sealed class WorkerCounts(HaproxyProcess process)
{
    private readonly HaproxyCounts _earlier = new();

    /// <summary>What the newest worker had counted for a place when another server came to it.</summary>
    private readonly Dictionary<(string Proxy, string Slot), HaproxyRow> _before = [];

    public async Task<HaproxyCounts> ReadAsync(CancellationToken cancellationToken)
    {
        var counts = new HaproxyCounts();
        counts.AddTotals(_earlier);
        try
        {
            var newest = true;
            foreach (var worker in await process.WorkersAsync() ?? [])
            {
                counts.Add(await RowsAsync(worker, newest, cancellationToken), newest);
                newest = false;
            }
        }
        catch (IOException)
        {
            // It has just ended; the rest of the status says so.
        }
        return counts;
    }

    /// <summary>Other servers are about to come to these places.</summary>
    public async Task PassOnAsync(IReadOnlySet<(string Proxy, string Slot)> places)
    {
        if (places.Count == 0 || await process.WorkersAsync() is not [var worker, ..])
        {
            return;
        }
        foreach (var row in (await process.StatisticsAsync(worker, CancellationToken.None)).Where(row => places.Contains((row.Proxy, row.Name))))
        {
            _before[(row.Proxy, row.Name)] = row;
        }
    }

    /// <summary>Keeps what the newest worker counted, which is about to be replaced.</summary>
    public async Task KeepAsync()
    {
        try
        {
            if (await process.WorkersAsync() is [var worker, ..])
            {
                var counts = new HaproxyCounts();
                counts.Add(await RowsAsync(worker, true, CancellationToken.None), true);
                _earlier.AddTotals(counts);
            }
        }
        catch (IOException)
        {
            // Then the numbers begin again.
        }
    }

    /// <summary>A new worker counts from 0. What is not in its configuration is forgotten.</summary>
    public void Begin(HaproxyConfiguration configuration)
    {
        _before.Clear();
        _earlier.Forget(configuration.Proxies.SelectMany(proxy => proxy.Slots.Select(slot => (proxy.Name, slot.Address?.ToString() ?? ""))).ToHashSet());
    }

    private async Task<IEnumerable<HaproxyRow>> RowsAsync(int worker, bool newest, CancellationToken cancellationToken)
    {
        var rows = await process.StatisticsAsync(worker, cancellationToken);
        return newest ? rows.Select(row => _before.TryGetValue((row.Proxy, row.Name), out var before) ? row.Since(before) : row) : rows;
    }
}
