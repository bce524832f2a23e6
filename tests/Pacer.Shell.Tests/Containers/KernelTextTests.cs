using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Users;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>Texts of /proc, /sys and /etc, and the rules over them.</summary>
public sealed class KernelTextTests
{
    private const string Hybrid =
        """
        31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """;

    [Fact]
    public void Layout_Hybrid_FindsSharedMountsAndUnified()
    {
        var layout = CgroupLayout.Parse(Hybrid);
        Assert.Equal(CgroupVersion.Hybrid, layout.Version);
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct/p/c", layout.Directory("cpuacct", "/p/c"));
        Assert.Null(layout.Directory("pids", "/p/c"));
        Assert.Equal(
            ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"], layout.Hierarchies);
    }

    [Fact]
    public void Layout_V2AndNone_AreTold()
    {
        var v2 = CgroupLayout.Parse("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        Assert.Equal((CgroupVersion.V2, "/sys/fs/cgroup/p/c"), (v2.Version, v2.Directory("memory", "/p/c")));
        Assert.Equal(CgroupVersion.None, CgroupLayout.Parse("30 23 0:26 / / rw - ext4 /dev/vda rw\n").Version);
    }

    [Theory]
    [InlineData(137, 1L, false, true)]
    [InlineData(137, 0L, true, false)]
    [InlineData(137, null, true, true)]
    [InlineData(137, null, false, false)]
    [InlineData(3, 5L, true, false)]
    public void OutOfMemory_CodeAndCounter_BothHaveToSaySo(int code, long? kills, bool marker, bool expected) =>
        Assert.Equal(expected, CgroupReadings.IsOutOfMemory(code, kills, marker));

    [Fact]
    public void Usage_BothVersions_SubtractInactiveFileCache()
    {
        var expected = new ContainerUsage(TimeSpan.FromSeconds(2), 700, 4)
        {
            UserTime = TimeSpan.FromSeconds(1.5),
            SystemTime = TimeSpan.FromSeconds(0.5),
            CpuLimit = 1.5,
            MemoryLimitBytes = 4096,
            Throttling = (10, 3, TimeSpan.FromSeconds(0.25)),
        };
        Assert.Equal(expected, CgroupReadings.UsageV1(Files(
            ("cpuacct.usage", "2000000000\n"), ("cpuacct.stat", "user 150\nsystem 50\n"), ("memory.usage_in_bytes", "1000\n"),
            ("memory.stat", "inactive_file 1\ntotal_inactive_file 300\n"), ("pids.current", "4\n"), ("cpu.cfs_quota_us", "150000\n"),
            ("cpu.cfs_period_us", "100000\n"), ("memory.limit_in_bytes", "4096\n"), ("cpu.stat", "nr_periods 10\nnr_throttled 3\nthrottled_time 250000000\n"))));
        Assert.Equal(expected, CgroupReadings.UsageV2(Files(
            ("cpu.stat", "usage_usec 2000000\nuser_usec 1500000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 250000\n"),
            ("memory.current", "1000\n"), ("memory.stat", "anon 5\ninactive_file 300\n"), ("pids.current", "4\n"), ("cpu.max", "150000 100000\n"),
            ("memory.max", "4096\n"))));
    }

    [Fact]
    public void Usage_NothingReadableOrNoLimits_IsUnknown()
    {
        var unknown = new ContainerUsage(null, null, null);
        Assert.Equal(unknown, CgroupReadings.UsageV1(Files()));
        Assert.Equal(unknown, CgroupReadings.UsageV2(Files()));
        Assert.Equal(unknown, CgroupReadings.UsageV1(Files(
            ("cpu.cfs_quota_us", "-1\n"), ("cpu.cfs_period_us", "100000\n"), ("memory.limit_in_bytes", "9223372036854771712\n"))));
        Assert.Equal(unknown, CgroupReadings.UsageV2(Files(("cpu.max", "max 100000\n"), ("memory.max", "max\n"))));
    }

    private static Func<string, string, string?> Files(params (string Name, string Text)[] files) =>
        (_, name) => files.FirstOrDefault(file => file.Name == name).Text;

    [Theory]
    [InlineData(1000, 1024, 100)]
    [InlineData(100, 102, 10)]
    [InlineData(0, 2, 1)]
    public void Limits_CpuMillis_GiveSharesAndWeight(long millis, long shares, long weight)
    {
        var limits = CgroupLimits.Of(new("c", "t", [], new Dictionary<string, string>(), null, "/", "h", millis, 1, null, null));
        Assert.Equal((shares, weight, 1000L), (limits.CpuShares, limits.CpuWeight, limits.CpuQuotaMicroseconds));
    }

    [Fact]
    public void UserDatabase_NameUidAndGroups_AreFound()
    {
        var users = new UserDatabase("root:x:0:0::/root:/bin/sh\napp:x:100:200:App:/srv/app:/bin/sh\n", "app:x:200:\nlogs:x:300:web,app\nx:x:301:apple\n");
        Assert.Equal((100u, 200u, "/srv/app"), (users.Find("app")!.Uid, users.Find("app")!.Gid, users.Find("app")!.Home));
        Assert.Equal([300u], users.Find("100")!.Groups);
        Assert.Equal((5000u, 5000u), (users.Find("5000")!.Uid, users.Find("5000")!.Gid));
        Assert.Null(users.Find("ghost"));
        Assert.Null(users.Find("-1"));
    }

    [Fact]
    public void StartTicks_CommandNameWithBracketsAndBlanks_IsRead()
    {
        const string rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        Assert.Equal(4242ul, ProcessIdentity.StartTicksOf("7 (a) b (c) S" + rest));
        Assert.Null(ProcessIdentity.StartTicksOf("7 (a) Z" + rest));
    }

    [Fact]
    public void Record_WrittenAndParsed_IsTheSame()
    {
        var record = new ContainerRecord("boot", new(1, 2), new(3, 4));
        Assert.Equal(record, ContainerRecord.Parse(record.ToString()));
        Assert.Null(ContainerRecord.Parse("1 boot 1 2 3"));
    }

    [Fact]
    public void Capabilities_OnlyRootGetsThoseTheAgentHas()
    {
        Assert.Equal(["CAP_CHOWN", "CAP_KILL"], Capabilities.For(ContainerUser.Root, 0x21));
        Assert.Empty(Capabilities.For(new(1, 1, [], null, null), ulong.MaxValue));
        Assert.Equal(0xa00425fbul, Capabilities.Parse("Name:\tx\nCapBnd:\t00000000a00425fb\n", "CapBnd"));
    }

    [Fact]
    public void Environment_Merge_ReplacesAndDropsImpossibleNames()
    {
        var merged = ContainerEnvironment.Merge(["A=1", "B=2"], new Dictionary<string, string> { ["B"] = "3", ["x=y"] = "4" });
        Assert.Equal(["A=1", "B=3"], merged);
    }
}
