using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>A node while places for one run spec are looked for: what it has left for the spec's role, and what was taken meanwhile.</summary>
internal sealed class Candidate
{
    private Resources _used;

    public Candidate(AgentNode node, AgentUsage usage, string role)
    {
        Node = node;
        Usage = usage;
        _used = usage.Resources;
        Unreserved = node.Resources - usage.Resources;
        foreach (var reservation in node.Reservations)
        {
            // What a role holds beyond its reservation (which may have shrunk) weighs on everybody.
            var within = Resources.Min(usage.Reserved.GetValueOrDefault(reservation.Role), reservation.Resources);
            Unreserved = Unreserved - reservation.Resources + within;
            if (reservation.Role == role)
            {
                Reserved = reservation.Resources - within;
            }
        }
    }

    public AgentNode Node { get; }
    public AgentUsage Usage { get; }

    /// <summary>Free resources that belong to nobody; negative when the node shrank below what it holds.</summary>
    public Resources Unreserved { get; private set; }

    /// <summary>Free resources of the role's reservation.</summary>
    public Resources Reserved { get; private set; }

    /// <summary>Instances of the run spec on this node.</summary>
    public int Own { get; set; }

    /// <summary>Bytes that volumes have of the node's disks, by path; kept up for run specs that ask for such disks.</summary>
    public Dictionary<string, long> DiskUse { get; } = new(StringComparer.Ordinal);

    /// <summary>Host ports given out meanwhile; null: none.</summary>
    public HashSet<int>? Taken { get; private set; }

    /// <summary>The waiting nodes of a group that this one stands for; see <see cref="CandidateQueue"/>.</summary>
    public CandidateGroup? StandsFor { get; set; }

    /// <summary>The larger of the used shares of CPU and memory, in millionths.</summary>
    public long UsedShare => NodeLoad.ShareOf(Node, _used);

    /// <summary>Takes what an instance needs; tells how much of it comes from the reservation, which is used first.</summary>
    public Resources Take(Resources asked, bool mayUseReserved, ValueList<int> ports, ValueList<DiskShare> disks)
    {
        foreach (var share in disks)
        {
            UseDisk(share);
        }
        var reserved = mayUseReserved ? Resources.Min(asked, Reserved) : Resources.None;
        Reserved -= reserved;
        Unreserved -= asked - reserved;
        _used += asked;
        Own++;
        foreach (var port in ports)
        {
            (Taken ??= []).Add(port);
        }
        return reserved;
    }

    public void UseDisk(DiskShare share) => DiskUse[share.Path] = DiskUse.GetValueOrDefault(share.Path) + share.SizeBytes;
}
