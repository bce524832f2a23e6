using System.Text.Json.Serialization;

namespace Pacer.Agent.ExternalVolumes;

/// <summary>An external volume, as its driver is asked for it. The same name means the same data on every node.</summary>
/// <param name="Size">GiB; null: the driver's own choice.</param>
internal sealed record VolumeRequest(string Name, long? Size, IReadOnlyDictionary<string, string> Options)
{
    /// <summary>Several tasks use it at the same time.</summary>
    public bool Shared { get; init; }
}

/// <summary>Brings external volumes to this node and takes them away again. Both are repeated after failures and restarts, and must not mind.</summary>
internal interface IVolumeDriver
{
    /// <summary>Its program, by which a later agent finds it; null: there is nothing to take away.</summary>
    string? Program { get; }

    /// <summary>Makes the volume if it is not there, and returns the path on this node where it is. Throws <see cref="VolumeException"/>.</summary>
    Task<string> MountAsync(VolumeRequest volume, CancellationToken cancellationToken);

    /// <summary>No task of this node uses it any more; its data stays. Throws <see cref="VolumeException"/>.</summary>
    Task UnmountAsync(VolumeRequest volume, CancellationToken cancellationToken);
}

/// <summary>A driver could not do what it was asked for; the message says why, without the volume's name.</summary>
internal sealed class VolumeException(string message) : Exception(message);

/// <summary>A volume that may be mounted on this node. Written before its driver is asked, removed when the driver has taken it away.</summary>
internal sealed record MountRecord(int Version, string Driver, string Program, VolumeRequest Volume);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VolumeRequest))]
[JsonSerializable(typeof(MountRecord))]
internal sealed partial class ExternalVolumeJson : JsonSerializerContext;
