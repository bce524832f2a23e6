using System.Text.Json;

namespace Pacer.Contracts.Wire;

/// <summary>
/// A volume of an app. Its kind follows from the member that is present: <see cref="Persistent"/>, <see cref="External"/>,
/// <see cref="Secret"/>, else a host volume.
/// </summary>
public sealed class Volume
{
    public string? ContainerPath { get; set; }
    public string? HostPath { get; set; }

    /// <summary>"RO" or "RW".</summary>
    public string? Mode { get; set; }
    public PersistentVolume? Persistent { get; set; }
    public ExternalVolume? External { get; set; }
    public string? Secret { get; set; }
}

/// <summary>Sizes in MiB.</summary>
public sealed class PersistentVolume
{
    /// <summary>"root", "path" or "mount".</summary>
    public string? Type { get; set; }
    public long? Size { get; set; }
    public long? MaxSize { get; set; }
    public string? ProfileName { get; set; }
    public List<List<string>>? Constraints { get; set; }
}

public sealed class ExternalVolume
{
    /// <summary>GiB; provider "dvdi" only.</summary>
    public long? Size { get; set; }
    public string? Name { get; set; }
    public string? Provider { get; set; }

    /// <summary>Provider "dvdi": texts by key. Provider "csi": an object of its own shape (<see cref="CsiOptions"/>).</summary>
    public JsonElement? Options { get; set; }
    public bool? Shared { get; set; }
}

public sealed class CsiOptions
{
    public string? PluginName { get; set; }
    public CsiCapability? Capability { get; set; }
    public Dictionary<string, string>? NodeStageSecret { get; set; }
    public Dictionary<string, string>? NodePublishSecret { get; set; }
    public Dictionary<string, string>? VolumeContext { get; set; }
}

public sealed class CsiCapability
{
    public string? AccessMode { get; set; }
    public string? AccessType { get; set; }
    public string? FsType { get; set; }
    public List<string>? MountFlags { get; set; }
}
