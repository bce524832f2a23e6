namespace Pacer.Contracts.Wire;

/// <summary>Persistent volumes by app or pod, then by id.</summary>
public sealed class VolumeList
{
    public List<VolumeInfo>? Volumes { get; set; }
}

/// <summary>A persistent volume: data of one instance on one node.</summary>
public sealed class VolumeInfo
{
    public string? Id { get; set; }

    /// <summary>Of an app's instance; absent where it is a pod's, or nobody's.</summary>
    public string? App { get; set; }
    public string? Pod { get; set; }

    /// <summary>Container path of an app's volume, name of a pod's.</summary>
    public string? Name { get; set; }

    /// <summary>The only instance that may use it; absent: none may any more.</summary>
    public string? Instance { get; set; }

    /// <summary>The instance's latest task, or one of them; absent before the first.</summary>
    public string? Task { get; set; }
    public string? NodeId { get; set; }
    public string? Hostname { get; set; }

    /// <summary>"connected", "disconnected", "lost", or "removed": forgotten by the server.</summary>
    public string? NodeState { get; set; }

    /// <summary>MiB; absent when nobody knows it any more.</summary>
    public double? Size { get; set; }

    /// <summary>"root", "path" or "mount".</summary>
    public string? Type { get; set; }

    /// <summary>Where the disk is on the node; absent: the agent's own.</summary>
    public string? Disk { get; set; }

    /// <summary>
    /// "in-use" (its instance runs), "waiting" (its instance is to run there again), "suspended" (kept for an instance that is not wanted now),
    /// "wiping" or "unclaimed" (its instance was forgotten with its node).
    /// </summary>
    public string? State { get; set; }
}
