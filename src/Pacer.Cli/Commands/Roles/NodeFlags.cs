using System.CommandLine;
using Pacer.Agent;
using Pacer.Agent.Disks;
using Pacer.Agent.Node;

namespace Pacer.Cli.Commands.Roles;

/// <summary>Flags of one node: what it offers and how it runs containers.</summary>
internal sealed class NodeFlags(Surroundings surroundings)
{
    private const long MostHours = 1_000_000;

    // As often as Mesos looks.
    private static readonly TimeSpan DiskLookInterval = TimeSpan.FromSeconds(15);

    private readonly Flag _hostname = new(surroundings, "--hostname", "PACER_HOSTNAME", "NAME", "Name of this node", "the machine's");
    private readonly Flag _address = new(surroundings, "--address", "PACER_ADDRESS", "IP", "Address that others reach this node by", "found out");
    private readonly Flag _cpus = new(surroundings, "--cpus", "PACER_CPUS", "CORES", "Cores to offer", "all");
    private readonly Flag _mem = new(surroundings, "--mem", "PACER_MEM", "MIB", "Memory to offer, MiB", "the machine's less 10 %");
    private readonly Flag _disk = new(surroundings, "--disk", "PACER_DISK", "MIB", "Disk to offer, MiB", "what is free less 10 %");
    private readonly Flag _ports = new(surroundings, "--ports", "PACER_PORTS", "RANGES", "Ports to hand out to tasks", "31000-32000");
    private readonly Option<string[]> _attributes = new("--attribute") { Description = "Attribute for placement constraints; may be given several times (PACER_ATTRIBUTES: K=V,K=V)", HelpName = "K=V" };
    private readonly Flag _gpus = new(surroundings, "--gpus", "PACER_GPUS", "N", "GPUs to offer", "all NVIDIA GPUs there are");
    private readonly Option<string[]> _reserve = new("--reserve") { Description = "Part that only apps of a role may use, such as dev:cpus=2,mem=1024; may be given several times (PACER_RESERVE: separated by ;)", HelpName = "ROLE:cpus=N,mem=MIB,…" };
    private readonly Option<string[]> _volumeDisks = new("--volume-disk") { Description = "Disk for persistent volumes beside the agent's own; may be given several times (PACER_VOLUME_DISKS: separated by ;)", HelpName = "mount|path:DIR[,size=MIB][,profile=NAME]" };
    private readonly Flag _diskLimits = new(surroundings, "--disk-limits", "PACER_DISK_LIMITS", "KIND", "quota: as the file system can; kill: also end tasks that take more than they may", "quota");
    private readonly Flag _region = new(surroundings, "--region", "PACER_REGION", "NAME", "Fault domain: region");
    private readonly Flag _zone = new(surroundings, "--zone", "PACER_ZONE", "NAME", "Fault domain: zone");
    private readonly Flag _isolation = new(surroundings, "--isolation", "PACER_ISOLATION", "KIND", "auto: the best that works here; oci: crun and conmon or nothing; process: none", "auto");
    private readonly Flag _parallel = new(surroundings, "--launch-parallelism", "PACER_LAUNCH_PARALLELISM", "N", "Containers started at the same time", "4 a core");
    private readonly Flag _logSize = new(surroundings, "--log-max-mib", "PACER_LOG_MAX_MIB", "MIB", "Size at which a task's log file is rotated, MiB", "10");
    private readonly Flag _logKeep = new(surroundings, "--log-keep", "PACER_LOG_KEEP", "N", "Rotated files kept of each log", "3");
    private readonly Flag _fetchCache = new(surroundings, "--fetch-cache-mib", "PACER_FETCH_CACHE_MIB", "MIB", "Size of the cache for fetched files, MiB", "2048");
    private readonly Flag _dockerSocket = new(surroundings, "--docker-socket", "PACER_DOCKER_SOCKET", "PATH", "Socket of the Docker daemon (or Podman) for apps of type DOCKER; auto: the usual places; none", "auto");
    private readonly Flag _dockerConfig = new(surroundings, "--docker-config", "PACER_DOCKER_CONFIG", "FILE", "Logins for registries, in the form of Docker's config.json");
    private readonly Flag _insecure = new(surroundings, "--insecure-registries", "PACER_INSECURE_REGISTRIES", "HOSTS", "Registries with any certificate or none: HOST[:PORT],…");
    private readonly Flag _mirrors = new(surroundings, "--registry-mirrors", "PACER_REGISTRY_MIRRORS", "LIST", "Asked before a registry itself: REGISTRY=URL,…");
    private readonly Flag _imageKeep = new(surroundings, "--image-keep-hours", "PACER_IMAGE_KEEP_HOURS", "HOURS", "How long an image stays that no task uses", "168");
    private readonly Flag _imageCache = new(surroundings, "--image-cache-mib", "PACER_IMAGE_CACHE_MIB", "MIB", "Size of all images above which unused ones go, MiB", "20480");
    private readonly Flag _bridgeSubnet = new(surroundings, "--bridge-subnet", "PACER_BRIDGE_SUBNET", "CIDR", "IPv4 subnet of the bridge network", "one that no route touches");
    private readonly Option<string[]> _networks = new("--network") { Description = "Container network on a bridge of this node; may be given several times (PACER_NETWORKS: NAME=CIDR,…)", HelpName = "NAME=CIDR" };
    private readonly Flag _localVolumes = new(surroundings, "--local-volumes", "PACER_LOCAL_VOLUMES", "DIR", "Where external volumes of driver local lie: a directory of this node, or storage that all nodes have there", "none");
    private readonly Option<string[]> _volumeDrivers = new("--volume-driver") { Description = "Program that mounts external volumes of a driver; may be given several times (PACER_VOLUME_DRIVERS: NAME=PROGRAM,…)", HelpName = "NAME=PROGRAM" };
    private readonly Flag _cniConfig = new(surroundings, "--cni-config-dir", "PACER_CNI_CONFIG_DIR", "DIR", "CNI configurations to offer as container networks", "none");
    private readonly Flag _cniPlugins = new(surroundings, "--cni-plugin-dirs", "PACER_CNI_PLUGIN_DIRS", "DIRS", "Where CNI plugins are, with colons between", "/opt/cni/bin:/usr/lib/cni");

    private readonly Flag _containerDns = new(surroundings, "--container-dns", "PACER_CONTAINER_DNS", "WHERE", "Whom containers ask for names: auto: Pacer's DNS server of this node; off: the node's nameservers; or ADDR:PORT", "auto");
    private readonly Flag _vips = new(surroundings, "--vips", "PACER_VIPS", "KIND", "Virtual IPs: auto: by the kernel if it can; kernel: or nothing; user: by this process; off", "auto");
    private readonly Flag _seccomp = new(surroundings, "--seccomp-profiles", "PACER_SECCOMP_PROFILES", "DIR", "Directory of seccomp profiles in Docker's form, a file each");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_hostname, _address, _cpus, _mem, _disk, _gpus, _ports, _attributes, _reserve, _volumeDisks, _diskLimits, _region, _zone, _isolation, _parallel, _logSize, _logKeep, _fetchCache,
            _dockerSocket, _dockerConfig, _insecure, _mirrors, _imageKeep, _imageCache, _bridgeSubnet, _networks, _cniConfig, _cniPlugins, _containerDns, _vips, _localVolumes, _volumeDrivers, _seccomp])
        {
            command.Add(option);
        }
    }

    public AgentOptions Options(ParseResult parse, string join, string? joinToken, string workDirectory, string runDirectory, string logLevel) => new()
    {
        Join = join,
        JoinToken = joinToken,
        WorkDir = workDirectory,
        RunDir = runDirectory,
        Hostname = Given(parse, _hostname),
        Address = Given(parse, _address),
        Cpus = Given(parse, _cpus) is null ? null : FlagValue.Number(parse, _cpus, "2"),
        MemoryMiB = Given(parse, _mem) is null ? null : FlagValue.Whole(parse, _mem, "4096"),
        DiskMiB = Given(parse, _disk) is null ? null : FlagValue.Whole(parse, _disk, "10000"),
        Ports = FlagValue.PortRanges(parse, _ports),
        Attributes = Pairs(parse, _attributes, "PACER_ATTRIBUTES", "a name and a value such as rack=r1"),
        Gpus = Given(parse, _gpus) is null ? null : (int)Math.Min(FlagValue.Whole(parse, _gpus, "1")!.Value, 1_000_000),
        Reservations = Several(parse, _reserve, "PACER_RESERVE", text => NodeReservation.Parse(text)),
        VolumeDisks = Several(parse, _volumeDisks, "PACER_VOLUME_DISKS", text => VolumeDisk.Parse(text)),
        DiskLookInterval = FlagValue.OneOf(parse, _diskLimits, "quota", "kill") == "kill" ? DiskLookInterval : null,
        Region = Given(parse, _region),
        Zone = Given(parse, _zone),
        Isolation = FlagValue.OneOf(parse, _isolation, "auto", "oci", "process"),
        LaunchParallelism = Given(parse, _parallel) is null ? 0 : (int)FlagValue.Whole(parse, _parallel, "8")!.Value,
        LogMaxBytes = FlagValue.Whole(parse, _logSize, "10")!.Value * 1024 * 1024,
        LogKeep = (int)FlagValue.Whole(parse, _logKeep, "3")!.Value,
        FetchCacheBytes = FlagValue.Whole(parse, _fetchCache, "2048")!.Value * 1024 * 1024,
        DockerSocket = parse.GetValue(_dockerSocket) is { Length: > 0 } socket ? socket : "auto",
        DockerConfig = Given(parse, _dockerConfig) is { } file ? Path.GetFullPath(file) : null,
        InsecureRegistries = Listed(parse, _insecure),
        RegistryMirrors = Listed(parse, _mirrors),
        ImageKeep = TimeSpan.FromHours(Math.Min(FlagValue.Whole(parse, _imageKeep, "168")!.Value, MostHours)),
        ImageCacheBytes = FlagValue.Whole(parse, _imageCache, "20480")!.Value * 1024 * 1024,
        SeccompProfiles = Given(parse, _seccomp) is { } profiles ? Path.GetFullPath(profiles) : null,
        BridgeSubnet = Given(parse, _bridgeSubnet),
        Networks = Pairs(parse, _networks, "PACER_NETWORKS", "a name and a subnet such as lan=10.80.0.0/24"),
        LocalVolumes = Given(parse, _localVolumes) is { } volumes ? Path.GetFullPath(volumes) : null,
        VolumeDrivers = Pairs(parse, _volumeDrivers, "PACER_VOLUME_DRIVERS", "a name and a program such as nas=/usr/local/bin/nas-volume")
            .ToDictionary(pair => pair.Key, pair => Path.GetFullPath(pair.Value), StringComparer.Ordinal),
        CniConfigDir = Given(parse, _cniConfig),
        CniPluginDirs = parse.GetValue(_cniPlugins)!,
        ContainerDns = parse.GetValue(_containerDns) is { Length: > 0 } where ? where : "auto",
        Vips = FlagValue.OneOf(parse, _vips, "auto", "kernel", "user", "off"),
        LogLevel = logLevel,
    };

    /// <summary>Null when neither flag nor variable was given: a default in words is for people only.</summary>
    private static string? Given(ParseResult parse, Flag flag) =>
        parse.GetValue(flag) is { Length: > 0 } text && text != flag.Standard ? text : null;

    private static string[] Listed(ParseResult parse, Flag flag) =>
        Given(parse, flag)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private string[] Several(ParseResult parse, Option<string[]> option, string variable, Action<string> check)
    {
        var given = parse.GetValue(option) is { Length: > 0 } flags
            ? flags
            : surroundings.Variable(variable)?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        foreach (var text in given)
        {
            try
            {
                check(text);
            }
            catch (AgentException exception)
            {
                throw CliException.Usage(exception.Message);
            }
        }
        return given;
    }

    private Dictionary<string, string> Pairs(ParseResult parse, Option<string[]> option, string variable, string example)
    {
        var given = parse.GetValue(option) is { Length: > 0 } flags
            ? flags
            : surroundings.Variable(variable)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in given)
        {
            var equals = pair.IndexOf('=');
            if (equals <= 0)
            {
                throw CliException.Usage($"{option.Name} (or {variable}): '{pair}' is not valid. Give {example}.");
            }
            pairs[pair[..equals]] = pair[(equals + 1)..];
        }
        return pairs;
    }
}
