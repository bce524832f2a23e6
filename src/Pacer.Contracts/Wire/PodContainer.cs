namespace Pacer.Contracts.Wire;

public sealed class PodContainer
{
    public string? Name { get; set; }
    public PodExec? Exec { get; set; }
    public PodResources? Resources { get; set; }
    public ResourceLimits? ResourceLimits { get; set; }
    public List<PodEndpoint>? Endpoints { get; set; }
    public LinuxInfo? LinuxInfo { get; set; }
    public PodImage? Image { get; set; }
    public Dictionary<string, EnvironmentValue>? Environment { get; set; }
    public string? User { get; set; }
    public PodHealthCheck? HealthCheck { get; set; }

    /// <summary>Read, but neither kept nor run.</summary>
    public PodCheck? Check { get; set; }
    public List<VolumeMount>? VolumeMounts { get; set; }
    public List<Artifact>? Artifacts { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public PodLifecycle? Lifecycle { get; set; }
    public bool? Tty { get; set; }
}

public sealed class PodExec
{
    public CommandForm? Command { get; set; }
    public bool? OverrideEntrypoint { get; set; }
}

/// <summary>Cores, MiB, MiB, whole GPUs.</summary>
public sealed class PodResources
{
    public double? Cpus { get; set; }
    public double? Mem { get; set; }
    public double? Disk { get; set; }
    public int? Gpus { get; set; }
}

/// <summary>A port of a container.</summary>
public sealed class PodEndpoint
{
    public string? Name { get; set; }
    public int? ContainerPort { get; set; }

    /// <summary>0: any free port of the node.</summary>
    public int? HostPort { get; set; }
    public List<string>? Protocol { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public List<string>? NetworkNames { get; set; }
}

public sealed class PodImage
{
    /// <summary>"DOCKER" is the only one.</summary>
    public string? Kind { get; set; }
    public string? Id { get; set; }
    public PullConfig? PullConfig { get; set; }
    public bool? ForcePull { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
}

/// <summary>Exactly one of <see cref="Http"/>, <see cref="Tcp"/> and <see cref="Exec"/>. Durations in seconds.</summary>
public sealed class PodHealthCheck
{
    public EndpointHttpCheck? Http { get; set; }
    public EndpointTcpCheck? Tcp { get; set; }
    public ExecCheck? Exec { get; set; }
    public int? GracePeriodSeconds { get; set; }
    public int? IntervalSeconds { get; set; }
    public int? MaxConsecutiveFailures { get; set; }
    public int? TimeoutSeconds { get; set; }
    public int? DelaySeconds { get; set; }
}

/// <summary>Exactly one of <see cref="Http"/>, <see cref="Tcp"/> and <see cref="Exec"/>. Durations in seconds.</summary>
public sealed class PodCheck
{
    public EndpointHttpCheck? Http { get; set; }
    public EndpointTcpCheck? Tcp { get; set; }
    public ExecCheck? Exec { get; set; }
    public int? IntervalSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public int? DelaySeconds { get; set; }
}

public sealed class EndpointHttpCheck
{
    /// <summary>Name of an endpoint of the same container.</summary>
    public string? Endpoint { get; set; }
    public string? Path { get; set; }

    /// <summary>"HTTP" or "HTTPS".</summary>
    public string? Scheme { get; set; }
}

public sealed class EndpointTcpCheck
{
    /// <summary>Name of an endpoint of the same container.</summary>
    public string? Endpoint { get; set; }
}

public sealed class VolumeMount
{
    /// <summary>Name of a volume of the pod.</summary>
    public string? Name { get; set; }

    /// <summary>Path in the container; relative ones lie in its sandbox.</summary>
    public string? MountPath { get; set; }
    public bool? ReadOnly { get; set; }
}

public sealed class PodLifecycle
{
    /// <summary>May have a fraction.</summary>
    public double? KillGracePeriodSeconds { get; set; }
}
