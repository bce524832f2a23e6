using System.Globalization;

namespace Pacer.Scenarios;

/// <summary>What the kernel was told about the containers of a pod.</summary>
public sealed class PodLimitScenarios(OneNode cluster) : PodScenario<OneNode>(cluster)
{
    private const string Command = "cat /proc/self/cgroup > cgroup; exec sleep 1000";

    [Fact(DisplayName = "LIMITS-05: a pod's container with unlimited CPU has no quota")]
    public async Task LIMITS_05()
    {
        var ids = await LaunchAsync(Container("one", Command, "\"resourceLimits\":{\"cpus\":\"unlimited\"}"));
        Assert.Equal("-1", Read(ids[0], "cpu", "cpu.cfs_quota_us", "cpu.max"));
    }

    [Fact(DisplayName = "LIMITS-06: a pod's container with a CPU limit has a higher quota than one without")]
    public async Task LIMITS_06()
    {
        var ids = await LaunchAsync(Container("plain", Command), Container("limited", Command, "\"resourceLimits\":{\"cpus\":0.5}"));
        Assert.True(Number(Read(ids[1], "cpu", "cpu.cfs_quota_us", "cpu.max")) > Number(Read(ids[0], "cpu", "cpu.cfs_quota_us", "cpu.max")));
    }

    [Fact(DisplayName = "LIMITS-08: a pod's container with a memory limit has more than one without")]
    public async Task LIMITS_08()
    {
        var ids = await LaunchAsync(Container("plain", Command), Container("limited", Command, "\"resourceLimits\":{\"mem\":256}"));
        var limited = Number(Read(ids[1], "memory", "memory.limit_in_bytes", "memory.max"));
        Assert.Equal(256L << 20, limited);
        Assert.True(limited > Number(Read(ids[0], "memory", "memory.limit_in_bytes", "memory.max")));
    }

    private async Task<List<string>> LaunchAsync(params string[] containers)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "limits need root");
        await DeployAsync(Pod("/pod", containers));
        var ids = TaskIds(Instances(await StableAsync("/pod")).Single());
        foreach (var id in ids)
        {
            await Waiting.UntilAsync(() => Task.FromResult(new FileInfo(Path.Combine(Sandbox(id), "cgroup")) is { Exists: true, Length: > 0 }), "the container runs");
        }
        return ids;
    }

    // The value of cgroup v1's file, or of v2's, where "max" is no limit.
    private string Read(string taskId, string controller, string file, string file2)
    {
        foreach (var line in File.ReadLines(Path.Combine(Sandbox(taskId), "cgroup")).Select(line => line.Split(':', 3)))
        {
            if (line[1].Split(',').Contains(controller))
            {
                return File.ReadAllText($"/sys/fs/cgroup/{line[1]}{line[2]}/{file}").Trim();
            }
            if (line[1].Length == 0 && File.Exists($"/sys/fs/cgroup{line[2]}/{file2}"))
            {
                return File.ReadAllText($"/sys/fs/cgroup{line[2]}/{file2}").Split(' ')[0].Trim().Replace("max", "-1", StringComparison.Ordinal);
            }
        }
        throw new FileNotFoundException($"{taskId} is in no cgroup with {file}");
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
