using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pacer.Contracts.Vips;

namespace Pacer.Agent.Vips;

/// <summary>An address, a protocol ("tcp" or "udp") and a port that connections are made to.</summary>
internal readonly record struct VipKey(IPAddress Address, string Protocol, int Port)
{
    public bool IsIPv6 => Address.AddressFamily == AddressFamily.InterNetworkV6;

    public override string ToString() => $"{Protocol} {new IPEndPoint(Address, Port)}";
}

/// <summary>What a virtual IP leads to on one node.</summary>
/// <param name="Serving">Get new connections; in order.</param>
/// <param name="Alive">Those, and backends that keep the flows that they have.</param>
internal sealed record VipTargets(ImmutableArray<IPEndPoint> Serving, ImmutableArray<IPEndPoint> Alive)
{
    public bool Equals(VipTargets? other) => other is not null && Serving.SequenceEqual(other.Serving) && Alive.SequenceEqual(other.Alive);

    public override int GetHashCode() => Serving.Length;
}

/// <summary>All virtual IPs as one node is to have them. Pure.</summary>
internal sealed record VipPlan(ImmutableDictionary<VipKey, VipTargets> Targets, string Range)
{
    public static VipPlan Empty { get; } = new(ImmutableDictionary<VipKey, VipTargets>.Empty, VipRange.Standard);

    /// <summary>Every address that a virtual IP has, with or without backends.</summary>
    public ImmutableHashSet<IPAddress> Addresses => [.. Targets.Keys.Select(key => key.Address)];

    /// <summary>
    /// Networks that have to be this machine's own, so that programs on it find a way there, and find nobody where there is no virtual
    /// IP. Those of names are routed as a whole.
    /// </summary>
    public ImmutableSortedSet<string> Routes
    {
        get
        {
            var named = IPNetwork.Parse(Range);
            var named6 = IPNetwork.Parse(VipRange.Network6);
            return [.. Addresses.Select(address => named.Contains(address) ? Range
                : named6.Contains(address) ? VipRange.Network6
                : address + (address.AddressFamily == AddressFamily.InterNetwork ? "/32" : "/128"))
                // All of it is this machine's own anyway.
                .Where(route => !route.StartsWith("127.", StringComparison.Ordinal))];
        }
    }

    /// <param name="nodeId">The node that the plan is for: its own tasks are reached past its ports.</param>
    public static VipPlan Of(VipTable table, string range, string nodeId)
    {
        var targets = ImmutableDictionary.CreateBuilder<VipKey, VipTargets>();
        foreach (var vip in table.Vips)
        {
            foreach (var address in vip.Addresses)
            {
                var backends = vip.Backends.Where(backend => backend.Address.AddressFamily == address.AddressFamily).ToList();
                targets[new VipKey(address, vip.Protocol, vip.Port)] = new VipTargets(
                    Places(backends.Where(backend => backend.Serves), nodeId), Places(backends, nodeId));
            }
        }
        return new VipPlan(targets.ToImmutable(), range);
    }

    private static ImmutableArray<IPEndPoint> Places(IEnumerable<VipBackend> backends, string nodeId) =>
    [
        .. backends.Select(backend => backend.NodeId == nodeId ? new IPEndPoint(backend.OwnAddress, backend.OwnPort) : new IPEndPoint(backend.Address, backend.Port))
            .Distinct()
            .OrderBy(place => place.ToString(), StringComparer.Ordinal),
    ];
}

/// <summary>The way from one plan to another: only what is different.</summary>
/// <param name="Set">New targets of these; for one that has none in the old plan, it is new.</param>
internal sealed record VipChange(
    ImmutableDictionary<VipKey, VipTargets> Set, ImmutableHashSet<VipKey> Removed, ImmutableHashSet<IPAddress> AddressesAdded, ImmutableHashSet<IPAddress> AddressesRemoved)
{
    public bool IsEmpty => Set.IsEmpty && Removed.IsEmpty && AddressesAdded.IsEmpty && AddressesRemoved.IsEmpty;

    public static VipChange Between(VipPlan from, VipPlan to)
    {
        var (before, after) = (from.Addresses, to.Addresses);
        return new VipChange(
            to.Targets.Where(entry => !from.Targets.TryGetValue(entry.Key, out var old) || !old.Equals(entry.Value)).ToImmutableDictionary(),
            [.. from.Targets.Keys.Where(key => !to.Targets.ContainsKey(key))],
            after.Except(before),
            before.Except(after));
    }

    public VipPlan ApplyTo(VipPlan plan) => plan with { Targets = plan.Targets.RemoveRange(Removed).SetItems(Set) };
}

/// <summary>A UDP flow that the kernel would go on sending where nobody is.</summary>
/// <param name="Backend">Null: flows that lead to nobody, from a time when the virtual IP had no backend.</param>
internal readonly record struct StaleFlow(VipKey Vip, IPEndPoint? Backend)
{
    /// <summary>
    /// Flows that must be forgotten after a change: those of backends that are gone, for as long as packets come a flow never ends by
    /// itself; and those that were refused for want of a backend.
    /// </summary>
    public static IEnumerable<StaleFlow> After(VipPlan before, VipPlan after)
    {
        foreach (var (key, old) in before.Targets.Where(entry => entry.Key.Protocol == "udp"))
        {
            var now = after.Targets.GetValueOrDefault(key);
            foreach (var gone in old.Alive.Where(backend => now is null || !now.Alive.Contains(backend)))
            {
                yield return new StaleFlow(key, gone);
            }
        }
        foreach (var (key, now) in after.Targets.Where(entry => entry.Key.Protocol == "udp" && entry.Value.Serving.Length > 0))
        {
            if (before.Targets.GetValueOrDefault(key) is not { Serving.Length: > 0 })
            {
                yield return new StaleFlow(key, null);
            }
        }
    }

    /// <summary>Which it is, as <c>conntrack -D</c> takes it.</summary>
    public IReadOnlyList<string> Arguments =>
    [
        "-f", Vip.IsIPv6 ? "ipv6" : "ipv4", "-p", "udp", "--orig-dst", Vip.Address.ToString(), "--orig-port-dst", Number(Vip.Port),
        "--reply-src", (Backend?.Address ?? Vip.Address).ToString(), "--reply-port-src", Number(Backend?.Port ?? Vip.Port),
    ];

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
