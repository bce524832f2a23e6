using System.Globalization;

namespace Pacer.Agent.Containers.Docker;

/// <summary>
/// <c>container.docker.parameters</c>: the long options of <c>docker run</c>, which Mesos hands to that program and which are put into the
/// Engine's words here.
/// </summary>
internal static class DockerParameters
{
    private static readonly string[] Bounds = ["publish", "p", "publish-all", "P"];

    private static readonly string[] Own = ["name", "rm", "restart", "detach", "d", "attach", "a", "cidfile", "sig-proxy", "detach-keys", "pull"];

    /// <exception cref="ContainerStartException">Unknown, Pacer's own to decide, or a value that makes no sense.</exception>
    public static void Apply(CreateContainer request, string key, string value)
    {
        var host = request.HostConfig;
        var name = key.TrimStart('-');
        switch (name)
        {
            case "env" or "e":
                Replace(request.Env ??= [], value);
                break;
            case "label" or "l":
                AddLabel(request, value);
                break;
            case "volume" or "v":
                AddVolume(request, value);
                break;
            case "mount":
                (host.Mounts ??= []).Add(Mount(value));
                break;
            case "tmpfs":
                Set(host.Tmpfs ??= [], value, ':');
                break;
            case "volumes-from":
                (host.VolumesFrom ??= []).Add(value);
                break;
            case "volume-driver":
                host.VolumeDriver = value;
                break;
            case "user" or "u":
                request.User = value;
                break;
            case "workdir" or "w":
                request.WorkingDir = value;
                break;
            case "entrypoint":
                request.Entrypoint = [value];
                break;
            case "hostname" or "h":
                request.Hostname = value;
                break;
            case "domainname":
                request.Domainname = value;
                break;
            case "mac-address":
                request.MacAddress = value;
                break;
            case "stop-signal":
                request.StopSignal = value;
                break;
            case "tty" or "t":
                request.Tty = Flag(name, value);
                break;
            case "interactive" or "i":
                request.OpenStdin = Flag(name, value);
                break;
            case "expose":
                (request.ExposedPorts ??= [])[value.Contains('/') ? value : value + "/tcp"] = new Nothing();
                break;
            case "privileged":
                host.Privileged = Flag(name, value);
                break;
            case "init":
                host.Init = Flag(name, value);
                break;
            case "read-only":
                host.ReadonlyRootfs = Flag(name, value);
                break;
            case "net" or "network":
                host.NetworkMode = value;
                break;
            case "network-alias" or "net-alias":
                (Endpoint(request).Aliases ??= []).Add(value);
                break;
            case "ip":
                (Endpoint(request).Address ??= new()).IPv4Address = value;
                break;
            case "ip6":
                (Endpoint(request).Address ??= new()).IPv6Address = value;
                break;
            case "link":
                (host.Links ??= []).Add(value);
                break;
            case "add-host":
                (host.ExtraHosts ??= []).Add(value);
                break;
            case "dns":
                (host.Dns ??= []).Add(value);
                break;
            case "dns-search":
                (host.DnsSearch ??= []).Add(value);
                break;
            case "dns-option" or "dns-opt":
                (host.DnsOptions ??= []).Add(value);
                break;
            case "cap-add":
                (host.CapAdd ??= []).Add(value);
                break;
            case "cap-drop":
                (host.CapDrop ??= []).Add(value);
                break;
            case "security-opt":
                (host.SecurityOpt ??= []).Add(SecurityOption(value));
                break;
            case "group-add":
                (host.GroupAdd ??= []).Add(value);
                break;
            case "device":
                (host.Devices ??= []).Add(Device(value));
                break;
            case "gpus":
                (host.DeviceRequests ??= []).Add(Gpus(value));
                break;
            case "ulimit":
                (host.Ulimits ??= []).Add(Limit(value));
                break;
            case "sysctl":
                Set(host.Sysctls ??= [], value, '=');
                break;
            case "storage-opt":
                Set(host.StorageOpt ??= [], value, '=');
                break;
            case "log-driver":
                host.LogConfig = new LogConfig(value, host.LogConfig is { } known && known.Type == value ? known.Config : []);
                break;
            case "log-opt":
                host.LogConfig = new LogConfig(host.LogConfig!.Type, new Dictionary<string, string>(host.LogConfig.Config, StringComparer.Ordinal));
                Set(host.LogConfig.Config, value, '=');
                break;
            case "ipc":
                host.IpcMode = value;
                break;
            case "pid":
                host.PidMode = value;
                break;
            case "uts":
                host.UtsMode = value;
                break;
            case "userns":
                host.UsernsMode = value;
                break;
            case "cgroup-parent":
                host.CgroupParent = value;
                break;
            case "cgroupns":
                host.CgroupnsMode = value;
                break;
            case "runtime":
                host.Runtime = value;
                break;
            case "shm-size":
                host.ShmSize = Bytes(name, value);
                break;
            case "memory" or "m":
                host.Memory = Bytes(name, value);
                // A limit above the task's own would not fit into its limit of memory and swap together.
                host.MemorySwap = Math.Max(host.MemorySwap ?? 0, host.Memory.Value);
                break;
            case "memory-swap":
                host.MemorySwap = value == "-1" ? -1 : Bytes(name, value);
                break;
            case "memory-reservation":
                host.MemoryReservation = Bytes(name, value);
                break;
            case "memory-swappiness":
                host.MemorySwappiness = Whole(name, value);
                break;
            case "oom-kill-disable":
                host.OomKillDisable = Flag(name, value);
                break;
            case "oom-score-adj":
                host.OomScoreAdj = (int)Whole(name, value);
                break;
            case "pids-limit":
                host.PidsLimit = Whole(name, value);
                break;
            case "cpus":
                host.CpuPeriod = 100_000;
                host.CpuQuota = double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cores) && cores is > 0 and < 100_000
                    ? (long)(cores * 100_000)
                    : throw Wrong(name, value, "a number of cores such as 0.5");
                break;
            case "cpu-shares" or "c":
                host.CpuShares = Whole(name, value);
                break;
            case "cpu-period":
                host.CpuPeriod = Whole(name, value);
                break;
            case "cpu-quota":
                host.CpuQuota = Whole(name, value);
                break;
            case "cpuset-cpus":
                host.CpusetCpus = value;
                break;
            case "cpuset-mems":
                host.CpusetMems = value;
                break;
            case "blkio-weight":
                host.BlkioWeight = (int)Whole(name, value);
                break;
            default:
                throw new ContainerStartException(Bounds.Contains(name)
                    ? $"container.docker.parameters: '{key}' is not taken; ports are published by container.portMappings"
                    : Own.Contains(name)
                        ? $"container.docker.parameters: '{key}' is not taken; Pacer decides that itself"
                        : $"container.docker.parameters: '{key}' is no option of `docker run` that Pacer knows");
        }
    }

    private static void Replace(List<string> environment, string value)
    {
        var name = value.Split('=')[0] + "=";
        environment.RemoveAll(known => known.StartsWith(name, StringComparison.Ordinal));
        environment.Add(value);
    }

    private static void AddLabel(CreateContainer request, string value)
    {
        var parts = value.Split('=', 2);
        if (parts[0].StartsWith("pacer.", StringComparison.Ordinal))
        {
            throw Wrong("label", value, "a name that does not begin with 'pacer.'");
        }
        (request.Labels ??= [])[parts[0]] = parts.Length > 1 ? parts[1] : "";
    }

    // SOURCE:TARGET[:OPTIONS], or a path alone for a volume that lives and dies with the container.
    private static void AddVolume(CreateContainer request, string value)
    {
        if (value.Contains(':'))
        {
            (request.HostConfig.Binds ??= []).Add(value);
        }
        else
        {
            (request.Volumes ??= [])[value] = new Nothing();
        }
    }

    private static MountPoint Mount(string value)
    {
        var parts = value.Split(',').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part.Length > 1 ? part[1] : "true", StringComparer.Ordinal);
        var target = parts.GetValueOrDefault("target") ?? parts.GetValueOrDefault("dst") ?? parts.GetValueOrDefault("destination")
            ?? throw Wrong("mount", value, "type=bind,source=PATH,target=PATH");
        var readOnly = parts.GetValueOrDefault("readonly") ?? parts.GetValueOrDefault("ro");
        return new MountPoint(
            parts.GetValueOrDefault("type") ?? "volume", parts.GetValueOrDefault("source") ?? parts.GetValueOrDefault("src"), target, readOnly is "true" or "1");
    }

    private static Device Device(string value)
    {
        var parts = value.Split(':');
        return parts switch
        {
            [var path] => new Device(path, path, "rwm"),
            [var path, var inside] when inside.StartsWith('/') => new Device(path, inside, "rwm"),
            [var path, var access] => new Device(path, path, access),
            [var path, var inside, var access] => new Device(path, inside, access),
            _ => throw Wrong("device", value, "/dev/NAME[:/dev/NAME[:rwm]]"),
        };
    }

    private static DeviceRequest Gpus(string value)
    {
        var request = new DeviceRequest { Capabilities = [["gpu"]] };
        if (value == "all")
        {
            request.Count = -1;
        }
        else if (value.Trim('"') is var devices && devices.StartsWith("device=", StringComparison.Ordinal))
        {
            request.DeviceIds = [.. devices["device=".Length..].Split(',')];
        }
        else
        {
            request.Count = (int)Whole("gpus", value);
        }
        return request;
    }

    private static Ulimit Limit(string value)
    {
        var parts = value.Split('=', 2);
        var numbers = parts.Length == 2 ? parts[1].Split(':') : [];
        return numbers.Length is 1 or 2 && long.TryParse(numbers[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var soft)
            && long.TryParse(numbers[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var hard)
            ? new Ulimit(parts[0], soft, hard)
            : throw Wrong("ulimit", value, "NAME=SOFT[:HARD]");
    }

    // The Engine takes a profile's text where `docker run` takes the file's name.
    private static string SecurityOption(string value)
    {
        const string seccomp = "seccomp=";
        if (!value.StartsWith(seccomp, StringComparison.Ordinal) || value[seccomp.Length..] is "unconfined" or "builtin")
        {
            return value;
        }
        try
        {
            return seccomp + File.ReadAllText(value[seccomp.Length..]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContainerStartException($"container.docker.parameters: the seccomp profile {value[seccomp.Length..]} can't be read on this node");
        }
    }

    private static EndpointConfig Endpoint(CreateContainer request)
    {
        var network = request.HostConfig.NetworkMode!;
        request.NetworkingConfig ??= new NetworkingConfig([]);
        if (!request.NetworkingConfig.EndpointsConfig.TryGetValue(network, out var endpoint))
        {
            request.NetworkingConfig.EndpointsConfig[network] = endpoint = new EndpointConfig();
        }
        return endpoint;
    }

    private static void Set(Dictionary<string, string> map, string value, char separator)
    {
        var parts = value.Split(separator, 2);
        map[parts[0]] = parts.Length > 1 ? parts[1] : "";
    }

    private static bool Flag(string name, string value) => value switch
    {
        "" or "true" or "1" or "t" or "T" or "TRUE" or "True" => true,
        "false" or "0" or "f" or "F" or "FALSE" or "False" => false,
        _ => throw Wrong(name, value, "true or false"),
    };

    private static long Whole(string name, string value) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong(name, value, "a whole number");

    private static long Bytes(string name, string value)
    {
        var text = value.TrimEnd('b', 'B', 'i');
        var factor = text.Length == 0 ? 0 : char.ToLowerInvariant(text[^1]) switch { 'k' => 1L << 10, 'm' => 1L << 20, 'g' => 1L << 30, 't' => 1L << 40, _ => 1 };
        return double.TryParse(factor > 1 ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * factor is >= 0 and < 1e18
            ? (long)(number * factor)
            : throw Wrong(name, value, "a size such as 64m");
    }

    private static ContainerStartException Wrong(string name, string value, string wanted) =>
        new($"container.docker.parameters: '{value}' is no value for '{name}'; give {wanted}");
}
