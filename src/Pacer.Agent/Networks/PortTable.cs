using System.Net;

namespace Pacer.Agent.Networks;

/// <summary>
/// The agent's nftables table and what is in it. Changes are small transactions; when one does not fit what the kernel has (someone
/// flushed all rules, say), the whole table is written anew.
/// </summary>
internal sealed class PortTable(NetworkTools tools, NetworkNaming naming)
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, (PortTranslation Port, string Owner)> _ports = new(StringComparer.Ordinal);
    private IReadOnlyList<BridgeRange> _bridges = [];
    private IPEndPoint? _dns;
    private bool _written;

    /// <summary>Writes the table for these bridges, with the ports that it has.</summary>
    public Task SetBridgesAsync(IReadOnlyList<BridgeRange> bridges) => WithGateAsync(() =>
    {
        _bridges = bridges;
        return WriteAllAsync();
    });

    /// <summary>Where DNS questions of containers to their bridge's address go; null: to whom listens there.</summary>
    public Task SetDnsAsync(IPEndPoint? dns) => WithGateAsync(async () =>
    {
        if (Equals(_dns, dns))
        {
            return;
        }
        _dns = dns;
        if (_written)
        {
            if (!await tools.TryAsync("nft", ["-f", "-"], FirewallScript.ChangeDns(naming.Table, _bridges, dns)).ConfigureAwait(false))
            {
                await WriteAllAsync().ConfigureAwait(false);
            }
            await ForgetFlowsAsync(53).ConfigureAwait(false);
        }
    });

    /// <summary>
    /// Opens ports for a member. One that still leads to another member is taken over: its number has been given out anew, so the
    /// other has ended and will be removed in a moment.
    /// </summary>
    public Task AddAsync(string owner, IReadOnlyList<PortTranslation> ports) => ports.Count == 0 ? Task.CompletedTask : WithGateAsync(async () =>
    {
        var replaced = new List<PortTranslation>();
        foreach (var port in ports)
        {
            if (_ports.TryGetValue(port.Key, out var other))
            {
                replaced.Add(other.Port);
            }
            _ports[port.Key] = (port, owner);
        }
        await ChangeAsync(replaced, ports).ConfigureAwait(false);
    });

    /// <summary>Closes all ports that lead to a member.</summary>
    public Task RemoveAsync(string owner) => WithGateAsync(async () =>
    {
        var removed = _ports.Values.Where(entry => entry.Owner == owner).Select(entry => entry.Port).ToList();
        foreach (var port in removed)
        {
            _ports.Remove(port.Key);
        }
        if (removed.Count > 0)
        {
            await ChangeAsync(removed, []).ConfigureAwait(false);
        }
    });

    /// <summary>After a crash: exactly this, whatever the kernel has.</summary>
    public Task RestoreAsync(IReadOnlyList<BridgeRange> bridges, IEnumerable<(PortTranslation Port, string Owner)> ports) => WithGateAsync(() =>
    {
        _bridges = bridges;
        _ports.Clear();
        foreach (var entry in ports)
        {
            _ports[entry.Port.Key] = entry;
        }
        return WriteAllAsync();
    });

    /// <summary>The kernel has the table, as far as we know.</summary>
    public bool IsWritten => _written;

    /// <summary>Writes the table again if someone has removed it, or it could not be written before.</summary>
    public Task EnsureAsync() => WithGateAsync(async () =>
    {
        if (_bridges.Count + _ports.Count > 0
            && (!_written || !await tools.TryAsync("nft", ["list", "table", "ip", naming.Table]).ConfigureAwait(false)))
        {
            await WriteAllAsync().ConfigureAwait(false);
        }
    });

    /// <summary>Drops the table.</summary>
    public Task DropAsync() => WithGateAsync(async () =>
    {
        _ports.Clear();
        _bridges = [];
        _written = false;
        await tools.DemandAsync("nft", ["-f", "-"], FirewallScript.Remove(naming.Table)).ConfigureAwait(false);
    });

    private async Task ChangeAsync(IReadOnlyCollection<PortTranslation> removed, IReadOnlyCollection<PortTranslation> added)
    {
        if (!_written || !await tools.TryAsync("nft", ["-f", "-"], FirewallScript.Change(naming.Table, removed, added)).ConfigureAwait(false))
        {
            await WriteAllAsync().ConfigureAwait(false);
        }
        await ForgetFlowsAsync(removed.Concat(added)).ConfigureAwait(false);
    }

    private async Task WriteAllAsync()
    {
        await tools.DemandAsync("nft", ["-f", "-"], FirewallScript.Whole(naming.Table, _bridges, [.. _ports.Values.Select(entry => entry.Port)], _dns))
            .ConfigureAwait(false);
        _written = true;
    }

    // TCP flows end with their connections; a UDP flow that the kernel knows goes where it went before, for as long as packets come.
    private async Task ForgetFlowsAsync(IEnumerable<PortTranslation> ports)
    {
        foreach (var port in ports.Where(port => port.Protocol == "udp").Select(port => port.HostPort).Distinct())
        {
            await ForgetFlowsAsync(port).ConfigureAwait(false);
        }
    }

    private Task ForgetFlowsAsync(int port) =>
        tools.ForgetFlowsAsync(["-p", "udp", "--orig-port-dst", port.ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    private async Task WithGateAsync(Func<Task> work)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }
}
