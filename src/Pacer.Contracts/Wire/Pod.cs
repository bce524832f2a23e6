namespace Pacer.Contracts.Wire;

/// <summary>
/// A pod as the REST API speaks it: containers that live and end together on one node. Every member is optional here, and absence (null)
/// is told apart from emptiness. Sizes are MiB, durations seconds.
/// </summary>
public sealed class Pod
{
    public string? Id { get; set; }
    public Dictionary<string, string>? Labels { get; set; }

    /// <summary>Set by the server.</summary>
    public string? Version { get; set; }
    public string? User { get; set; }
    public Dictionary<string, EnvironmentValue>? Environment { get; set; }
    public List<PodContainer>? Containers { get; set; }
    public Dictionary<string, SecretSource>? Secrets { get; set; }
    public List<PodVolume>? Volumes { get; set; }
    public List<Network>? Networks { get; set; }
    public PodScaling? Scaling { get; set; }
    public PodScheduling? Scheduling { get; set; }
    public ExecutorResources? ExecutorResources { get; set; }
    public string? Role { get; set; }
    public LinuxInfo? LinuxInfo { get; set; }
    public bool? LegacySharedCgroups { get; set; }
}

public sealed class PodScaling
{
    /// <summary>"fixed" is the only one.</summary>
    public string? Kind { get; set; }
    public int? Instances { get; set; }
}

public sealed class PodScheduling
{
    public PodBackoff? Backoff { get; set; }
    public UpgradeStrategy? Upgrade { get; set; }
    public PodPlacement? Placement { get; set; }
    public string? KillSelection { get; set; }
    public UnreachableStrategy? UnreachableStrategy { get; set; }
}

/// <summary>Seconds, with fractions.</summary>
public sealed class PodBackoff
{
    public double? Backoff { get; set; }
    public double? BackoffFactor { get; set; }
    public double? MaxLaunchDelay { get; set; }
}

public sealed class PodPlacement
{
    public List<PodConstraint>? Constraints { get; set; }
    public List<string>? AcceptedResourceRoles { get; set; }
}

public sealed class PodConstraint
{
    public string? FieldName { get; set; }
    public string? Operator { get; set; }
    public string? Value { get; set; }
}

/// <summary>
/// Something that containers of a pod mount. Its kind follows from the member that is present: <see cref="Host"/>,
/// <see cref="Persistent"/>, <see cref="Secret"/>, else an ephemeral directory of the instance.
/// </summary>
public sealed class PodVolume
{
    public string? Name { get; set; }

    /// <summary>Path on the node, or relative to the instance's sandbox.</summary>
    public string? Host { get; set; }
    public PersistentVolume? Persistent { get; set; }
    public string? Secret { get; set; }
}
