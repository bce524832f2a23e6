namespace Pacer.Agent.Containers.Cgroups;

internal enum CgroupVersion
{
    None,
    V1,

    /// <summary>Controllers on v1, and an empty v2 hierarchy beside them.</summary>
    Hybrid,
    V2,
}

/// <summary>Where this machine's cgroup hierarchies are mounted.</summary>
/// <param name="Controllers">v1: mount point of each controller (several may share one); empty on v2.</param>
/// <param name="Unified">Mount point of the v2 hierarchy; null on pure v1.</param>
internal sealed record CgroupLayout(CgroupVersion Version, IReadOnlyDictionary<string, string> Controllers, string? Unified)
{
    private static readonly string[] V1Controllers =
        ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb", "net_cls", "net_prio", "perf_event", "rdma", "misc"];

    /// <summary>Every distinct mount point.</summary>
    public IReadOnlyList<string> Hierarchies { get; } =
        [.. Controllers.Values.Concat(Unified is null ? [] : [Unified]).Distinct(StringComparer.Ordinal)];

    public static CgroupLayout Detect() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <summary>Reads the text of /proc/self/mountinfo.</summary>
    public static CgroupLayout Parse(string mountInfo)
    {
        var controllers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string? unified = null;
        foreach (var line in mountInfo.Split('\n'))
        {
            // id parent major:minor root MOUNTPOINT options [optional ...] - TYPE source SUPEROPTIONS
            var halves = line.Split(" - ", 2);
            var left = halves[0].Split(' ');
            if (halves.Length < 2 || left.Length < 5)
            {
                continue;
            }

            var right = halves[1].Split(' ');
            var mountPoint = left[4].Replace("\\040", " ", StringComparison.Ordinal);
            if (right[0] == "cgroup2")
            {
                unified = mountPoint;
            }
            else if (right[0] == "cgroup" && right.Length > 2)
            {
                foreach (var option in right[2].Split(','))
                {
                    if (V1Controllers.Contains(option) || option.StartsWith("name=", StringComparison.Ordinal))
                    {
                        controllers[option] = mountPoint;
                    }
                }
            }
        }

        var version = (unified, controllers.ContainsKey("memory") || controllers.ContainsKey("cpu")) switch
        {
            (null, false) => CgroupVersion.None,
            (null, true) => CgroupVersion.V1,
            (_, true) => CgroupVersion.Hybrid,
            (_, false) => CgroupVersion.V2,
        };
        return new(version, controllers, unified);
    }

    /// <summary>The directory that holds files of this controller for the cgroup; null where the machine has no such controller.</summary>
    public string? Directory(string controller, string cgroup) => Version switch
    {
        CgroupVersion.V2 => Unified + cgroup,
        CgroupVersion.None => null,
        _ => Controllers.TryGetValue(controller, out var mount) ? mount + cgroup : null,
    };
}
