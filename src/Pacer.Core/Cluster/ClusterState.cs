using System.Collections.Immutable;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>
/// Everything the cluster is and wants, as one immutable value: the loop steps it, every read is served from it.
/// The first block of tables is stored; the second block is derived from it by <see cref="Apply"/> and never stored.
/// </summary>
public sealed record ClusterState
{
    public static readonly ClusterState Empty = new();

    /// <summary>Grows by one with every committed batch; the ETag of reads. Not stored: it restarts from the store's own count.</summary>
    public long Index { get; init; }

    public Timestamp RootVersion { get; init; }
    public ImmutableSortedDictionary<RunSpecId, RunSpec> RunSpecs { get; init; } = ImmutableSortedDictionary<RunSpecId, RunSpec>.Empty;

    /// <summary>History of each run spec by version, the current one included.</summary>
    public ImmutableSortedDictionary<RunSpecId, ImmutableSortedDictionary<Timestamp, RunSpec>> Versions { get; init; } =
        ImmutableSortedDictionary<RunSpecId, ImmutableSortedDictionary<Timestamp, RunSpec>>.Empty;

    /// <summary>Groups by path, also those that hold nothing.</summary>
    public ImmutableSortedDictionary<string, Group> Groups { get; init; } =
        ImmutableSortedDictionary.Create<string, Group>(StringComparer.Ordinal);

    /// <summary>What the last changes of the root replaced, by the version they led to; <see cref="RootHistory"/> reads it.</summary>
    public ImmutableSortedDictionary<Timestamp, RootChange> RootChanges { get; init; } = ImmutableSortedDictionary<Timestamp, RootChange>.Empty;

    /// <summary>Instances by run spec, then by id; also those of run specs that are no longer wanted.</summary>
    public ImmutableSortedDictionary<RunSpecId, ImmutableSortedDictionary<InstanceId, Instance>> Instances { get; init; } =
        ImmutableSortedDictionary<RunSpecId, ImmutableSortedDictionary<InstanceId, Instance>>.Empty;

    public ImmutableSortedDictionary<AgentId, AgentNode> Agents { get; init; } = ImmutableSortedDictionary<AgentId, AgentNode>.Empty;
    public ImmutableSortedDictionary<DeploymentId, Deployment> Deployments { get; init; } = ImmutableSortedDictionary<DeploymentId, Deployment>.Empty;
    public ImmutableSortedDictionary<RunSpecId, LaunchDelay> LaunchDelays { get; init; } = ImmutableSortedDictionary<RunSpecId, LaunchDelay>.Empty;
    public ImmutableSortedDictionary<RunSpecId, TaskFailure> TaskFailures { get; init; } = ImmutableSortedDictionary<RunSpecId, TaskFailure>.Empty;

    /// <summary>By name.</summary>
    public ImmutableSortedDictionary<string, SealedSecret> Secrets { get; init; } =
        ImmutableSortedDictionary.Create<string, SealedSecret>(StringComparer.Ordinal);

    /// <summary>Derived: what each node's instances hold.</summary>
    public ImmutableSortedDictionary<AgentId, AgentUsage> Usage { get; init; } = ImmutableSortedDictionary<AgentId, AgentUsage>.Empty;

    /// <summary>Derived: nodes in the orders in which places are looked for.</summary>
    public NodeIndex NodeIndex { get; init; } = NodeIndex.Empty;

    /// <summary>Derived: instances that wait for a place, by run spec; a run spec without any is absent.</summary>
    public ImmutableSortedDictionary<RunSpecId, ImmutableSortedSet<InstanceId>> Pending { get; init; } =
        ImmutableSortedDictionary<RunSpecId, ImmutableSortedSet<InstanceId>>.Empty;

    /// <summary>Derived: which deployment changes a run spec; never more than one at a time.</summary>
    public ImmutableSortedDictionary<RunSpecId, DeploymentId> LockedBy { get; init; } = ImmutableSortedDictionary<RunSpecId, DeploymentId>.Empty;

    /// <summary>Derived: groups that contain run specs, with how many are below each. "/" is not in it.</summary>
    public ImmutableSortedDictionary<string, int> GroupSizes { get; init; } =
        ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>Derived: service ports in use, with how many ports of run specs have each.</summary>
    public ImmutableSortedDictionary<int, int> ServicePorts { get; init; } = ImmutableSortedDictionary<int, int>.Empty;

    /// <summary>Derived: when to look at which entity again, soonest first.</summary>
    public ImmutableSortedSet<Deadline> Deadlines { get; init; } = ImmutableSortedSet<Deadline>.Empty;

    /// <summary>When <see cref="Input.Tick"/> is due; null when nothing waits for time to pass.</summary>
    public Timestamp? NextDeadline => Deadlines.IsEmpty ? null : Deadlines.Min!.At;

    /// <summary>The root always exists, and a group exists as long as anything is in it.</summary>
    public bool HasGroup(string id) => id == "/" || Groups.ContainsKey(id) || GroupSizes.ContainsKey(id);

    public ImmutableSortedDictionary<InstanceId, Instance> InstancesOf(RunSpecId id) =>
        Instances.GetValueOrDefault(id, ImmutableSortedDictionary<InstanceId, Instance>.Empty);

    public Instance? Instance(InstanceId id) => InstancesOf(id.RunSpecId).GetValueOrDefault(id);

    /// <summary>The definition an instance was made from; null when neither current nor in the history.</summary>
    public RunSpec? RunSpecOf(Instance instance)
    {
        if (RunSpecs.TryGetValue(instance.RunSpecId, out var current) && current.Version == instance.RunSpecVersion)
        {
            return current;
        }
        return Versions.TryGetValue(instance.RunSpecId, out var history) ? history.GetValueOrDefault(instance.RunSpecVersion) : null;
    }

    public IEnumerable<Instance> AllInstances => Instances.Values.SelectMany(byId => byId.Values);

    /// <summary>The deployment that changes this run spec right now.</summary>
    public Deployment? DeploymentOf(RunSpecId id) => LockedBy.TryGetValue(id, out var deployment) ? Deployments.GetValueOrDefault(deployment) : null;
}

/// <summary>What the instances on a node hold.</summary>
public sealed record AgentUsage(Resources Resources, ImmutableSortedSet<int> Ports, ImmutableSortedSet<InstanceId> Instances)
{
    /// <summary>By role: the part of <see cref="Resources"/> that comes from the node's reservations; a role that uses none is absent.</summary>
    public ImmutableSortedDictionary<string, Resources> Reserved { get; init; } = NothingReserved;

    private static readonly ImmutableSortedDictionary<string, Resources> NothingReserved =
        ImmutableSortedDictionary.Create<string, Resources>(StringComparer.Ordinal);

    public static readonly AgentUsage Empty = new(Resources.None, ImmutableSortedSet<int>.Empty, ImmutableSortedSet<InstanceId>.Empty);
}

public enum DeadlineKind { Instance, Agent, LaunchDelay }

/// <summary>A moment at which an entity wants to be looked at again.</summary>
public sealed record Deadline(Timestamp At, DeadlineKind Kind, string Key) : IComparable<Deadline>
{
    public int CompareTo(Deadline? other)
    {
        if (other is null)
        {
            return 1;
        }
        var byTime = At.CompareTo(other.At);
        if (byTime != 0)
        {
            return byTime;
        }
        var byKind = ((int)Kind).CompareTo((int)other.Kind);
        return byKind != 0 ? byKind : string.CompareOrdinal(Key, other.Key);
    }
}
