namespace Pacer.Contracts.Wire;

public sealed class Container
{
    /// <summary>"MESOS" or "DOCKER".</summary>
    public string? Type { get; set; }
    public DockerContainer? Docker { get; set; }
    public LinuxInfo? LinuxInfo { get; set; }
    public List<Volume>? Volumes { get; set; }
    public List<PortMapping>? PortMappings { get; set; }
}

public sealed class DockerContainer
{
    public string? Image { get; set; }
    public bool? ForcePullImage { get; set; }
    public bool? Privileged { get; set; }
    public List<DockerParameter>? Parameters { get; set; }
    public PullConfig? PullConfig { get; set; }

    /// <summary>Deprecated and refused.</summary>
    public DockerCredential? Credential { get; set; }

    /// <summary>Deprecated: the app's networks.</summary>
    public string? Network { get; set; }

    /// <summary>Deprecated: the container's port mappings.</summary>
    public List<PortMapping>? PortMappings { get; set; }
}

public sealed class DockerParameter
{
    public string? Key { get; set; }
    public string? Value { get; set; }
}

public sealed class PullConfig
{
    public string? Secret { get; set; }
}

public sealed class DockerCredential
{
    public string? Principal { get; set; }
    public string? Secret { get; set; }
}

public sealed class LinuxInfo
{
    public Seccomp? Seccomp { get; set; }
    public IpcInfo? IpcInfo { get; set; }
}

public sealed class Seccomp
{
    public string? ProfileName { get; set; }
    public bool? Unconfined { get; set; }
}

public sealed class IpcInfo
{
    /// <summary>"PRIVATE" or "SHARE_PARENT".</summary>
    public string? Mode { get; set; }

    /// <summary>MiB.</summary>
    public int? ShmSize { get; set; }
}
