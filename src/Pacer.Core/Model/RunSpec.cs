namespace Pacer.Core.Model;

public enum RunSpecKind { App, Pod }

/// <summary>What a node must offer to run a spec's containers.</summary>
public enum RuntimeKind { Mesos, Docker, MesosImage }

public enum KillSelection { YoungestFirst, OldestFirst }

/// <summary>Whether instances that need no GPU may use nodes with free ones.</summary>
public enum GpuScheduling { Restricted, Unrestricted }

public enum ConstraintOperator { Unique, Cluster, GroupBy, Like, Unlike, MaxPer, Is }

/// <summary>A rule on one field of the node: <c>hostname</c>, <c>@region</c>, <c>@zone</c> or an attribute's name.</summary>
public sealed record Constraint(string Field, ConstraintOperator Operator, string? Value);

/// <summary>Launch delay after failures: first <see cref="Initial"/>, then times <see cref="Factor"/>, never above <see cref="Max"/>.</summary>
public sealed record BackoffPolicy(TimeSpan Initial, double Factor, TimeSpan Max)
{
    public static readonly BackoffPolicy Default = new(TimeSpan.FromSeconds(1), 1.15, TimeSpan.FromSeconds(300));
}

/// <summary>Bounds of a rolling upgrade, both as shares of the instance count in 0..1.</summary>
public sealed record UpgradeStrategy(double MinimumHealthCapacity, double MaximumOverCapacity)
{
    public static readonly UpgradeStrategy Default = new(1, 1);
}

/// <summary>When an instance on a lost node is replaced and when it is forgotten.</summary>
public sealed record UnreachableStrategy(TimeSpan InactiveAfter, TimeSpan ExpungeAfter)
{
    public static readonly UnreachableStrategy Default = new(TimeSpan.Zero, TimeSpan.Zero);
}

/// <summary>
/// One port of a spec. <see cref="ServicePort"/> 0 asks the core to assign one. <see cref="HostPort"/>: null = no port of the node,
/// 0 = any free one, else exactly that one. With host networking <see cref="ContainerPort"/> is 0.
/// </summary>
public sealed record PortSpec(int ServicePort, int? HostPort, int ContainerPort, string Protocol, string? Name);

/// <summary>
/// What the user asks to run, in one version: an app or a pod. The core knows only what it decides on; everything else stays in
/// <see cref="Definition"/>, the canonical JSON text (normalised, without <c>instances</c>, <c>version</c>, <c>versionInfo</c> and with
/// service ports written as 0), which the core compares for change and otherwise passes through.
/// </summary>
public sealed record RunSpec(
    RunSpecId Id,
    RunSpecKind Kind,
    string Definition,
    int Instances,
    Resources Resources,
    RuntimeKind Runtime,
    ValueList<string> Containers,
    ValueList<PortSpec> Ports,
    bool RequirePorts,
    ValueList<Constraint> Constraints,
    ValueList<string> Dependencies,
    BackoffPolicy Backoff,
    UpgradeStrategy Upgrade,
    UnreachableStrategy? Unreachable,
    KillSelection KillSelection,
    string Role,
    ValueList<string> AcceptedRoles,
    int HealthChecks,
    bool HasReadinessCheck,
    Timestamp Version,
    Timestamp LastScalingAt,
    Timestamp LastConfigChangeAt)
{
    /// <summary>Networks that a node must have for it, as in <see cref="AgentNode.Networks"/>; none: it shares the node's own.</summary>
    public ValueList<string> Networks { get; init; } = [];

    /// <summary>Drivers of external volumes that a node must have for it, as in <see cref="AgentNode.VolumeDrivers"/>.</summary>
    public ValueList<string> VolumeDrivers { get; init; } = [];

    /// <summary>Names of external volumes that no other run spec may use.</summary>
    public ValueList<string> ExclusiveVolumes { get; init; } = [];

    /// <summary>Canonical JSON of a part of the definition whose change is none of the configuration; null: there is none.</summary>
    public string? ExecutorResources { get; init; }

    /// <summary>Overrides the cluster's policy for this run spec; null: as the cluster has it.</summary>
    public GpuScheduling? GpuScheduling { get; init; }

    /// <summary>Its instances keep data on their nodes.</summary>
    public bool IsResident { get; init; }

    /// <summary>Names of its persistent volumes: container paths of an app, volume names of a pod.</summary>
    public ValueList<string> PersistentVolumes { get; init; } = [];

    /// <summary>What those of its persistent volumes ask for that do not lie on the agent's own disk.</summary>
    public ValueList<DiskRequest> Disks { get; init; } = [];

    /// <summary>
    /// How many of the health checks watch each of <see cref="Containers"/>, in their order; empty: each has all of them.
    /// </summary>
    public ValueList<int> ContainerHealthChecks { get; init; } = [];

    /// <summary>
    /// Whether both describe the same containers: everything but the instance count, the version stamps and the executor's resources.
    /// </summary>
    public bool SameConfigAs(RunSpec other) =>
        this == other with
        {
            Instances = Instances,
            Version = Version,
            LastScalingAt = LastScalingAt,
            LastConfigChangeAt = LastConfigChangeAt,
            ExecutorResources = ExecutorResources,
        };
}
