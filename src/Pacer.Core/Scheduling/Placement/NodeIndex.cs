using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>A node and the larger of its used shares of CPU and memory, in millionths.</summary>
public readonly record struct NodeLoad(long Share, AgentId Id) : IComparable<NodeLoad>
{
    public static NodeLoad Of(AgentNode node, Resources used) => new(ShareOf(node, used), node.Id);

    public static long ShareOf(AgentNode node, Resources used) => Math.Max(
        Part(node.Resources.CpuMillis, used.CpuMillis), Part(node.Resources.MemoryBytes, used.MemoryBytes));

    public int CompareTo(NodeLoad other)
    {
        var byShare = Share.CompareTo(other.Share);
        return byShare != 0 ? byShare : Id.CompareTo(other.Id);
    }

    private static long Part(long total, long used) => total <= 0 ? 0 : (long)((Int128)used * 1_000_000 / total);
}

/// <summary>
/// Nodes that take new instances, ordered by load and by the values that constraints ask for, so that a place is found by looking at
/// a few of them. Kept with every change of a node or of what it holds.
/// </summary>
public sealed record NodeIndex
{
    public static readonly NodeIndex Empty = new();

    /// <summary>Open nodes, least loaded first.</summary>
    public ImmutableSortedSet<NodeLoad> ByLoad { get; init; } = ImmutableSortedSet<NodeLoad>.Empty;

    /// <summary>Open nodes by field (hostname, @region, @zone, attributes) and its value.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ImmutableSortedSet<AgentId>>> ByField { get; init; } =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, ImmutableSortedSet<AgentId>>>(StringComparer.Ordinal);

    /// <summary>Nodes that are being emptied, in contact or not.</summary>
    public ImmutableSortedSet<AgentId> Draining { get; init; } = ImmutableSortedSet<AgentId>.Empty;

    private static readonly ImmutableSortedDictionary<string, ImmutableSortedSet<AgentId>> NoValues =
        ImmutableSortedDictionary.Create<string, ImmutableSortedSet<AgentId>>(StringComparer.Ordinal);

    /// <summary>A node came, changed (both given) or went.</summary>
    internal NodeIndex Put(AgentNode? before, AgentNode? after, Resources used)
    {
        var wasOpen = before is { IsOpen: true };
        var isOpen = after is { IsOpen: true };
        var byLoad = ByLoad;
        if (wasOpen)
        {
            byLoad = byLoad.Remove(NodeLoad.Of(before!, used));
        }
        if (isOpen)
        {
            byLoad = byLoad.Add(NodeLoad.Of(after!, used));
        }
        var byField = ByField;
        if (wasOpen != isOpen || (isOpen && !SameFields(before!, after!)))
        {
            byField = wasOpen ? MoveFields(byField, before!, add: false) : byField;
            byField = isOpen ? MoveFields(byField, after!, add: true) : byField;
        }
        var draining = after?.Drain is not null ? Draining.Add(after.Id) : before is not null ? Draining.Remove(before.Id) : Draining;
        return new NodeIndex { ByLoad = byLoad, ByField = byField, Draining = draining };
    }

    /// <summary>What a node holds changed. A node that is not known has no place here.</summary>
    internal NodeIndex Move(AgentNode? node, Resources before, Resources after)
    {
        if (node is not { IsOpen: true })
        {
            return this;
        }
        var (old, moved) = (NodeLoad.Of(node, before), NodeLoad.Of(node, after));
        return old == moved ? this : this with { ByLoad = ByLoad.Remove(old).Add(moved) };
    }

    /// <summary>The name under which a constraint's field is indexed.</summary>
    internal static string NameOf(string field) => field == "@hostname" ? "hostname" : field;

    /// <summary>Whether constraints see the same in both.</summary>
    internal static bool SameFields(AgentNode a, AgentNode b) =>
        a.Hostname == b.Hostname && a.Region == b.Region && a.Zone == b.Zone
        && (ReferenceEquals(a.Attributes, b.Attributes) || a.Attributes.SequenceEqual(b.Attributes));

    private static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ImmutableSortedSet<AgentId>>> MoveFields(
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ImmutableSortedSet<AgentId>>> fields, AgentNode node, bool add)
    {
        Move("hostname", node.Hostname);
        Move("@region", node.Region);
        Move("@zone", node.Zone);
        foreach (var name in node.Attributes.Keys)
        {
            if (name is not ("hostname" or "@hostname" or "@region" or "@zone")) // these never mean an attribute
            {
                Move(name, node.Attributes[name]);
            }
        }
        return fields;

        void Move(string field, string? value)
        {
            if (value is null)
            {
                return;
            }
            var values = fields.GetValueOrDefault(field, NoValues);
            var nodes = values.GetValueOrDefault(value, ImmutableSortedSet<AgentId>.Empty);
            nodes = add ? nodes.Add(node.Id) : nodes.Remove(node.Id);
            values = nodes.IsEmpty ? values.Remove(value) : values.SetItem(value, nodes);
            fields = values.IsEmpty ? fields.Remove(field) : fields.SetItem(field, values);
        }
    }
}
