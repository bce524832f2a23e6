namespace Pacer.Contracts.Wire;

/// <summary>
/// An app as the REST API speaks it (Marathon's v2 JSON), for requests, partial updates and responses alike: every member is
/// optional here, and absence (null) is told apart from emptiness. Sizes are MiB, durations seconds.
/// Deprecated members are only read; a response never carries them.
/// </summary>
public class App
{
    public string? Id { get; set; }
    public string? Cmd { get; set; }
    public List<string>? Args { get; set; }
    public string? User { get; set; }
    public Dictionary<string, EnvironmentValue>? Env { get; set; }
    public int? Instances { get; set; }
    public double? Cpus { get; set; }
    public double? Mem { get; set; }
    public double? Disk { get; set; }
    public int? Gpus { get; set; }
    public string? Executor { get; set; }
    public ExecutorResources? ExecutorResources { get; set; }
    public ResourceLimits? ResourceLimits { get; set; }

    /// <summary>Each is [field, operator] or [field, operator, value].</summary>
    public List<List<string>>? Constraints { get; set; }
    public List<Artifact>? Fetch { get; set; }
    public int? BackoffSeconds { get; set; }
    public double? BackoffFactor { get; set; }
    public int? MaxLaunchDelaySeconds { get; set; }
    public Container? Container { get; set; }
    public List<HealthCheck>? HealthChecks { get; set; }
    public AppCheck? Check { get; set; }
    public List<ReadinessCheck>? ReadinessChecks { get; set; }
    public List<string>? Dependencies { get; set; }
    public UpgradeStrategy? UpgradeStrategy { get; set; }
    public UnreachableStrategy? UnreachableStrategy { get; set; }
    public string? KillSelection { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public List<string>? AcceptedResourceRoles { get; set; }
    public string? Role { get; set; }
    public Residency? Residency { get; set; }
    public bool? RequirePorts { get; set; }
    public Dictionary<string, SecretSource>? Secrets { get; set; }
    public int? TaskKillGracePeriodSeconds { get; set; }
    public bool? Tty { get; set; }
    public List<Network>? Networks { get; set; }
    public List<PortDefinition>? PortDefinitions { get; set; }

    /// <summary>Deprecated: <see cref="PortDefinitions"/>.</summary>
    public List<int>? Ports { get; set; }

    /// <summary>Deprecated: <see cref="Fetch"/>.</summary>
    public List<string>? Uris { get; set; }

    /// <summary>Deprecated: <see cref="Networks"/> and the container's port mappings.</summary>
    public IpAddressConfig? IpAddress { get; set; }

    /// <summary>Set by the server. In a partial update: the stored version to go back to.</summary>
    public string? Version { get; set; }
    public VersionInfo? VersionInfo { get; set; }
}

/// <summary>When the app was last scaled and when its configuration last changed.</summary>
public sealed class VersionInfo
{
    public string? LastScalingAt { get; set; }
    public string? LastConfigChangeAt { get; set; }
}

/// <summary>Bounds of a rolling upgrade, both as shares of the instance count in 0..1.</summary>
public sealed class UpgradeStrategy
{
    public double? MinimumHealthCapacity { get; set; }
    public double? MaximumOverCapacity { get; set; }
}

/// <summary>Deprecated and without effect; shown for apps with persistent volumes.</summary>
public sealed class Residency
{
    public long? RelaunchEscalationTimeoutSeconds { get; set; }
    public string? TaskLostBehavior { get; set; }
}

public sealed class SecretSource
{
    public string? Source { get; set; }
}

/// <summary>Something to put into the sandbox before the task starts.</summary>
public sealed class Artifact
{
    public string? Uri { get; set; }
    public bool? Extract { get; set; }
    public bool? Executable { get; set; }
    public bool? Cache { get; set; }
    public string? DestPath { get; set; }
}
