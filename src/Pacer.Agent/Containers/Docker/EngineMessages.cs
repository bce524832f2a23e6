using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pacer.Agent.Containers.Docker;

// The parts of the Docker Engine API's messages (1.41) that are used here. Member names are the API's own; what is null is not sent.

/// <summary>Body of <c>POST /containers/create</c>.</summary>
internal sealed class CreateContainer
{
    public string? Image { get; set; }
    public List<string>? Cmd { get; set; }
    public List<string>? Entrypoint { get; set; }
    public List<string>? Env { get; set; }
    public string? User { get; set; }
    public string? WorkingDir { get; set; }
    public string? Hostname { get; set; }
    public string? Domainname { get; set; }
    public string? MacAddress { get; set; }
    public string? StopSignal { get; set; }
    public bool Tty { get; set; }
    public bool OpenStdin { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public Dictionary<string, Nothing>? ExposedPorts { get; set; }
    public Dictionary<string, Nothing>? Volumes { get; set; }
    public HostConfig HostConfig { get; set; } = new();
    public NetworkingConfig? NetworkingConfig { get; set; }
}

internal sealed class Nothing;

internal sealed class HostConfig
{
    public List<string>? Binds { get; set; }
    public List<MountPoint>? Mounts { get; set; }
    public string? NetworkMode { get; set; }
    public Dictionary<string, List<PortBinding>>? PortBindings { get; set; }
    public bool? PublishAllPorts { get; set; }
    public bool Privileged { get; set; }
    public bool? Init { get; set; }
    public long? CpuShares { get; set; }
    public long? CpuPeriod { get; set; }
    public long? CpuQuota { get; set; }
    public string? CpusetCpus { get; set; }
    public string? CpusetMems { get; set; }
    public int? BlkioWeight { get; set; }
    public long? Memory { get; set; }
    public long? MemorySwap { get; set; }
    public long? MemoryReservation { get; set; }
    public long? MemorySwappiness { get; set; }
    public bool? OomKillDisable { get; set; }
    public int? OomScoreAdj { get; set; }
    public long? PidsLimit { get; set; }
    public List<string>? CapAdd { get; set; }
    public List<string>? CapDrop { get; set; }
    public List<Device>? Devices { get; set; }
    public List<DeviceRequest>? DeviceRequests { get; set; }
    public List<string>? Dns { get; set; }
    public List<string>? DnsOptions { get; set; }
    public List<string>? DnsSearch { get; set; }
    public List<string>? ExtraHosts { get; set; }
    public List<string>? GroupAdd { get; set; }
    public List<string>? Links { get; set; }
    public string? IpcMode { get; set; }
    public string? PidMode { get; set; }
    [JsonPropertyName("UTSMode")]
    public string? UtsMode { get; set; }
    public string? UsernsMode { get; set; }
    public string? CgroupParent { get; set; }
    public string? CgroupnsMode { get; set; }
    public string? Runtime { get; set; }
    public bool? ReadonlyRootfs { get; set; }
    public List<string>? SecurityOpt { get; set; }
    public long? ShmSize { get; set; }
    public Dictionary<string, string>? StorageOpt { get; set; }
    public Dictionary<string, string>? Sysctls { get; set; }
    public Dictionary<string, string>? Tmpfs { get; set; }
    public List<Ulimit>? Ulimits { get; set; }
    public string? VolumeDriver { get; set; }
    public List<string>? VolumesFrom { get; set; }
    public LogConfig? LogConfig { get; set; }
}

internal sealed record MountPoint(string Type, string? Source, string Target, bool ReadOnly)
{
    public VolumeOptions? VolumeOptions { get; init; }
}

internal sealed record VolumeOptions(VolumeDriver DriverConfig);

internal sealed record VolumeDriver(string Name);

/// <summary>Part of the answer to <c>GET /info</c>.</summary>
internal sealed class DaemonInfo
{
    public DaemonPlugins? Plugins { get; set; }
}

internal sealed class DaemonPlugins
{
    public List<string>? Volume { get; set; }
}

internal sealed record PortBinding(string HostIp, string HostPort);

internal sealed record Device(string PathOnHost, string PathInContainer, string CgroupPermissions);

internal sealed class DeviceRequest
{
    public string Driver { get; set; } = "";
    public int Count { get; set; }
    [JsonPropertyName("DeviceIDs")]
    public List<string>? DeviceIds { get; set; }
    public List<List<string>> Capabilities { get; set; } = [];
}

internal sealed record Ulimit(string Name, long Soft, long Hard);

internal sealed record LogConfig(string Type, Dictionary<string, string> Config);

internal sealed record NetworkingConfig(Dictionary<string, EndpointConfig> EndpointsConfig);

internal sealed class EndpointConfig
{
    public List<string>? Aliases { get; set; }
    [JsonPropertyName("IPAMConfig")]
    public EndpointAddress? Address { get; set; }
}

internal sealed class EndpointAddress
{
    public string? IPv4Address { get; set; }
    public string? IPv6Address { get; set; }
}

internal sealed class CreatedContainer
{
    public string Id { get; set; } = "";
}

/// <summary>Answer to <c>GET /containers/NAME/json</c>.</summary>
internal sealed class InspectedContainer
{
    public string Id { get; set; } = "";
    public ContainerStateReport State { get; set; } = new();
    public InspectedConfig Config { get; set; } = new();
    public HostConfig HostConfig { get; set; } = new();
    public NetworkSettings NetworkSettings { get; set; } = new();
}

internal sealed class ContainerStateReport
{
    /// <summary>created, running, paused, restarting, removing, exited or dead; Podman also says initialized, stopped and configured.</summary>
    public string Status { get; set; } = "";
    public bool Running { get; set; }
    public int Pid { get; set; }
    public int ExitCode { get; set; }
    [JsonPropertyName("OOMKilled")]
    public bool OomKilled { get; set; }
    public string? Error { get; set; }
}

internal sealed class InspectedConfig
{
    public bool Tty { get; set; }
    public string? StopSignal { get; set; }
    public string? User { get; set; }
}

internal sealed class NetworkSettings
{
    public Dictionary<string, AttachedNetwork>? Networks { get; set; }
}

internal sealed class AttachedNetwork
{
    [JsonPropertyName("IPAddress")]
    public string? Address { get; set; }
    [JsonPropertyName("GlobalIPv6Address")]
    public string? Address6 { get; set; }
}

internal sealed class ListedContainer
{
    public string Id { get; set; } = "";
    public Dictionary<string, string>? Labels { get; set; }
}

internal sealed class InspectedImage
{
    public string Id { get; set; } = "";
}

/// <summary>One line of what a pull answers.</summary>
internal sealed class PullProgress
{
    [JsonPropertyName("error")]
    public string? Error { get; set; }
}

internal sealed class WaitResult
{
    public int StatusCode { get; set; }
}

internal sealed class CreateExec
{
    public bool AttachStdin { get; set; }
    public bool AttachStdout { get; set; }
    public bool AttachStderr { get; set; }
    public bool Tty { get; set; }
    public List<string>? Cmd { get; set; }
    public List<string>? Env { get; set; }
    public string? User { get; set; }
}

internal sealed class CreatedExec
{
    public string Id { get; set; } = "";
}

internal sealed record StartExec(bool Detach, bool Tty);

internal sealed class InspectedExec
{
    public bool Running { get; set; }
    public int? ExitCode { get; set; }
    public int Pid { get; set; }
}

internal sealed class UsageReport
{
    [JsonPropertyName("cpu_stats")]
    public CpuReport? Cpu { get; set; }
    [JsonPropertyName("memory_stats")]
    public MemoryReport? Memory { get; set; }
    [JsonPropertyName("pids_stats")]
    public PidsReport? Pids { get; set; }
}

internal sealed class CpuReport
{
    [JsonPropertyName("cpu_usage")]
    public CpuTimes? Usage { get; set; }
    [JsonPropertyName("throttling_data")]
    public ThrottlingReport? Throttling { get; set; }
}

/// <summary>Nanoseconds.</summary>
internal sealed class CpuTimes
{
    [JsonPropertyName("total_usage")]
    public ulong Total { get; set; }
    [JsonPropertyName("usage_in_usermode")]
    public ulong User { get; set; }
    [JsonPropertyName("usage_in_kernelmode")]
    public ulong System { get; set; }
}

internal sealed class ThrottlingReport
{
    [JsonPropertyName("periods")]
    public long Periods { get; set; }
    [JsonPropertyName("throttled_periods")]
    public long Throttled { get; set; }
    [JsonPropertyName("throttled_time")]
    public ulong Nanoseconds { get; set; }
}

internal sealed class MemoryReport
{
    [JsonPropertyName("usage")]
    public ulong? Usage { get; set; }
    [JsonPropertyName("stats")]
    public Dictionary<string, ulong>? Details { get; set; }
}

internal sealed class PidsReport
{
    [JsonPropertyName("current")]
    public int? Current { get; set; }
}

internal sealed class ListedNetwork
{
    public string Name { get; set; } = "";
    public string? Driver { get; set; }
}

internal sealed class EngineProblem
{
    [JsonPropertyName("message")]
    public string? Message { get; set; }
}

/// <summary>Header <c>X-Registry-Auth</c>.</summary>
internal sealed class RegistryAuth
{
    [JsonPropertyName("username")]
    public string? User { get; set; }
    [JsonPropertyName("password")]
    public string? Password { get; set; }
    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; set; }
    [JsonPropertyName("serveraddress")]
    public string? Registry { get; set; }
}

internal sealed class InspectedNetwork
{
    public string? Driver { get; set; }
    [JsonPropertyName("IPAM")]
    public AddressPlan? Ipam { get; set; }
}

internal sealed class AddressPlan
{
    public List<AddressRange>? Config { get; set; }
}

internal sealed class AddressRange
{
    public string? Gateway { get; set; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CreateContainer))]
[JsonSerializable(typeof(CreatedContainer))]
[JsonSerializable(typeof(DaemonInfo))]
[JsonSerializable(typeof(InspectedContainer))]
[JsonSerializable(typeof(List<ListedContainer>))]
[JsonSerializable(typeof(InspectedImage))]
[JsonSerializable(typeof(PullProgress))]
[JsonSerializable(typeof(WaitResult))]
[JsonSerializable(typeof(CreateExec))]
[JsonSerializable(typeof(CreatedExec))]
[JsonSerializable(typeof(StartExec))]
[JsonSerializable(typeof(InspectedExec))]
[JsonSerializable(typeof(UsageReport))]
[JsonSerializable(typeof(List<ListedNetwork>))]
[JsonSerializable(typeof(InspectedNetwork))]
[JsonSerializable(typeof(EngineProblem))]
[JsonSerializable(typeof(RegistryAuth))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
[JsonSerializable(typeof(DockerRecord))]
internal sealed partial class EngineJson : JsonSerializerContext;
