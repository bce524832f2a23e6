namespace Pacer.Agent.Networks;

/// <summary>The bridges of the networks that the agent makes itself: made when the first task needs one.</summary>
internal sealed class NodeBridges(NetworkSettings settings, NetworkNaming naming, NetworkTools tools, AttachmentStore store, PortTable ports, ForwardRules forward)
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly SortedDictionary<string, BridgeRange> _known = new(StringComparer.Ordinal);

    public bool IsOwn(string network) => network == NetworkNaming.BridgeNetwork || settings.Own.ContainsKey(network);

    public IReadOnlyList<string> Interfaces
    {
        get
        {
            lock (_known)
            {
                return [.. _known.Values.Select(range => range.Bridge)];
            }
        }
    }

    /// <summary>A network's bridge, up and with its rules; made if it is not there.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    /// <exception cref="NetworkException">No subnet is free for it.</exception>
    public async Task<BridgeRange> EnsureAsync(string network)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var known = Find(network);
            if (known is { } there && await tools.LinkExistsAsync(there.Bridge).ConfigureAwait(false))
            {
                return there;
            }
            return await MakeAsync(network, known?.Subnet).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>After a crash: keeps the bridges of these networks as they were, and removes the others.</summary>
    public async Task RestoreAsync(IReadOnlySet<string> used)
    {
        foreach (var record in store.LoadBridges())
        {
            if (used.Contains(record.Network) && Subnet.TryParse(record.Subnet, out var subnet))
            {
                lock (_known)
                {
                    _known[record.Network] = new BridgeRange(naming.Bridge(record.Network), subnet);
                }
                await RaiseAsync(record.Network, new BridgeRange(naming.Bridge(record.Network), subnet)).ConfigureAwait(false);
            }
        }
        store.SaveBridges(Records());
    }

    public IReadOnlyList<BridgeRange> Ranges()
    {
        lock (_known)
        {
            return [.. _known.Values];
        }
    }

    /// <summary>Removes all of them.</summary>
    public async Task RemoveAllAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var bridge in Interfaces)
            {
                if (await tools.LinkExistsAsync(bridge).ConfigureAwait(false))
                {
                    await tools.DemandAsync("ip", ["link", "del", bridge]).ConfigureAwait(false);
                }
            }
            lock (_known)
            {
                _known.Clear();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<BridgeRange> MakeAsync(string network, Subnet? earlier)
    {
        BridgeRange range;
        // Two agents that start at once must not choose the same subnet: each sees the other's only once it is made.
        using (await HoldMachineAsync().ConfigureAwait(false))
        {
            var subnet = earlier ?? (settings.Own.TryGetValue(network, out var own) ? own : settings.BridgeSubnet)
                ?? AddressPool.Choose([.. await tools.RoutesAsync("").ConfigureAwait(false), .. settings.Own.Values], naming.Seed)
                ?? throw new NetworkException("no subnet is free for the bridge network on this node; name one with the agent's --bridge-subnet");
            range = new BridgeRange(naming.Bridge(network), subnet);
            lock (_known)
            {
                _known[network] = range;
            }
            store.SaveBridges(Records());
            await RaiseAsync(network, range).ConfigureAwait(false);
        }
        await ports.SetBridgesAsync(Ranges()).ConfigureAwait(false);
        await forward.EnsureAsync(Interfaces).ConfigureAwait(false);
        return range;
    }

    /// <summary>Makes the interface, or completes what a crash left half made.</summary>
    private async Task RaiseAsync(string network, BridgeRange range)
    {
        if (!await tools.LinkExistsAsync(range.Bridge).ConfigureAwait(false))
        {
            await tools.DemandAsync("ip", ["link", "add", range.Bridge, "address", naming.HardwareAddress(network), "type", "bridge"]).ConfigureAwait(false);
        }
        await tools.DemandAsync("ip", ["-batch", "-"], LinkScript.Bridge(range.Bridge, range.Subnet)).ConfigureAwait(false);
        // Forwarding is the machine's; the loopback permission only this bridge's, for 127.0.0.1:PORT on the node.
        await tools.DemandAsync("/bin/sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > \"/proc/sys/net/ipv4/conf/$0/route_localnet\"", range.Bridge])
            .ConfigureAwait(false);
    }

    private BridgeRange? Find(string network)
    {
        lock (_known)
        {
            return _known.TryGetValue(network, out var range) ? range : null;
        }
    }

    private IReadOnlyList<BridgeRecord> Records()
    {
        lock (_known)
        {
            return [.. _known.Select(entry => new BridgeRecord(entry.Key, entry.Value.Subnet.ToString()))];
        }
    }

    private static async Task<IDisposable> HoldMachineAsync()
    {
        var deadline = Environment.TickCount64 + (long)LockPatience.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FileStream("/run/pacer-networks.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Environment.TickCount64 < deadline)
            {
                await Task.Delay(LockPause).ConfigureAwait(false);
            }
        }
    }
}
