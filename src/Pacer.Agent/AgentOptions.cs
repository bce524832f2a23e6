namespace Pacer.Agent;

/// <summary>Settings of one node. Each has a command-line flag and an environment variable (docs/configuration.md).</summary>
public sealed record AgentOptions
{
    /// <summary>Where the server listens for agents: <c>HOST:PORT</c>, or <c>unix:/path/agent.sock</c> on the same machine.</summary>
    public required string Join { get; init; }

    /// <summary>Kept over reboots: agent id, checkpoints, sandboxes, exit files, fetch cache.</summary>
    public required string WorkDir { get; init; }

    /// <summary>Bundles and runtime state, gone at reboot: a directory on tmpfs (the agent mounts one there if it is not, and may).</summary>
    public required string RunDir { get; init; }

    public string? JoinToken { get; init; }

    /// <summary>Null: the machine's name.</summary>
    public string? Hostname { get; init; }

    /// <summary>IP address that others reach this node by; null: 127.0.0.1 when joined locally, else the address the stream leaves from.</summary>
    public string? Address { get; init; }

    /// <summary>Null: all cores of the machine.</summary>
    public double? Cpus { get; init; }

    /// <summary>MiB; null: the machine's memory less 10 %, at least half of it.</summary>
    public long? MemoryMiB { get; init; }

    /// <summary>MiB; null: free space of the work directory's file system less 10 %.</summary>
    public long? DiskMiB { get; init; }

    /// <summary>Ranges like <c>31000-32000,33000-33100</c>.</summary>
    public string Ports { get; init; } = "31000-32000";

    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>GPUs to offer, at most those that are there; null: all NVIDIA GPUs of the machine.</summary>
    public int? Gpus { get; init; }

    /// <summary>Directory in whose <c>dev</c> and <c>proc</c> GPUs are looked for.</summary>
    internal string GpuRoot { get; init; } = "/";

    /// <summary>Parts that only apps of one role may use, like <c>dev:cpus=2,mem=1024,ports=31000-31099</c>; each counts in what is offered.</summary>
    public IReadOnlyList<string> Reservations { get; init; } = [];

    /// <summary>Disks for persistent volumes beside the agent's own, like <c>mount:/mnt/ssd,profile=fast</c>.</summary>
    public IReadOnlyList<string> VolumeDisks { get; init; } = [];

    /// <summary>
    /// How often the agent looks for tasks that take more of a disk than they may, and ends them; null: never. Where the file system has
    /// project quotas, they can't take more in the first place.
    /// </summary>
    public TimeSpan? DiskLookInterval { get; init; }

    public string? Region { get; init; }
    public string? Zone { get; init; }

    /// <summary>"auto" (best that works here), "oci" (crun + conmon or refuse to start), "process" (no isolation).</summary>
    public string Isolation { get; init; } = "auto";

    /// <summary>Path of the socket of a Docker daemon (or Podman), "auto" (the usual places) or "none".</summary>
    public string DockerSocket { get; init; } = "none";

    /// <summary>A Docker container whose process has ended counts as lost when its daemon does not tell how within this time.</summary>
    public TimeSpan DockerLostAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many containers are started at the same time; 0: four a core.</summary>
    public int LaunchParallelism { get; init; }

    /// <summary>A log file is rotated above this size; bytes.</summary>
    public long LogMaxBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Rotated files kept of each log.</summary>
    public int LogKeep { get; init; } = 3;

    /// <summary>Size limit of the fetch cache; bytes.</summary>
    public long FetchCacheBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>File in the form of Docker's <c>config.json</c> with logins for registries; null: none.</summary>
    public string? DockerConfig { get; init; }

    /// <summary>Registries (<c>HOST[:PORT]</c>) that may have any certificate, or speak plain HTTP.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary><c>REGISTRY=URL</c>: the URL is asked before the registry itself, in the order given.</summary>
    public IReadOnlyList<string> RegistryMirrors { get; init; } = [];

    /// <summary>An image that no task used for so long is removed.</summary>
    public TimeSpan ImageKeep { get; init; } = TimeSpan.FromDays(7);

    /// <summary>When all images take more than this, those that were not used for longest are removed; bytes on disk.</summary>
    public long ImageCacheBytes { get; init; } = 20L * 1024 * 1024 * 1024;

    /// <summary>IPv4 subnet of the bridge network, like <c>10.66.4.0/22</c>; null: one that no route of the machine touches.</summary>
    public string? BridgeSubnet { get; init; }

    /// <summary>Container networks that the agent makes on bridges of its own: IPv4 subnets by name.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();

    /// <summary>Directory of CNI configurations, each a container network; null: none.</summary>
    public string? CniConfigDir { get; init; }

    /// <summary>Directories of CNI plugins, with colons between them.</summary>
    public string CniPluginDirs { get; init; } = "/opt/cni/bin:/usr/lib/cni";

    /// <summary>Whom containers ask for names: "auto" (Pacer's DNS server of this node, where it answers), "off" (the node's nameservers), or <c>ADDRESS:PORT</c>.</summary>
    public string ContainerDns { get; init; } = "auto";

    /// <summary>How virtual IPs are made: "auto" (by the kernel if it can), "kernel" (or refuse to start), "user" (by this process), "off".</summary>
    public string Vips { get; init; } = "auto";

    /// <summary>Directory of seccomp profiles in Docker's form, each a file by its name; null: only the default one.</summary>
    public string? SeccompProfiles { get; init; }

    /// <summary>Directory of the external volumes of driver <c>local</c>; null: the node has no such driver.</summary>
    public string? LocalVolumes { get; init; }

    /// <summary>Programs that mount external volumes, by the name of the driver that each is.</summary>
    public IReadOnlyDictionary<string, string> VolumeDrivers { get; init; } = new Dictionary<string, string>();

    public string LogLevel { get; init; } = "warn";
}
