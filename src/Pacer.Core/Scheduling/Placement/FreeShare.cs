using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>What is free on a node for one role: its reservation, or ("*") what belongs to nobody.</summary>
public sealed record FreeShare(string Role, Resources Resources, ValueList<PortRange> Ports)
{
    /// <summary>The unreserved share first, then the reservations as the node names them.</summary>
    public static IReadOnlyList<FreeShare> Of(AgentNode node, AgentUsage usage)
    {
        var used = usage.Ports.Select(static port => new PortRange(port, port)).ToList();
        var unreserved = PortRanges.Subtract(node.Ports, node.Reservations.SelectMany(r => r.Ports).Concat(used));
        return
        [
            new("*", new Candidate(node, usage, "*").Unreserved, unreserved),
            .. node.Reservations.Select(r => new FreeShare(r.Role, new Candidate(node, usage, r.Role).Reserved, PortRanges.Subtract(r.Ports, used))),
        ];
    }
}
