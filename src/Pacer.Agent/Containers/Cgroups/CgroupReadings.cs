using System.Globalization;

namespace Pacer.Agent.Containers.Cgroups;

/// <summary>What the kernel's cgroup files say, and the rules over them. Pure: takes file texts.</summary>
internal static class CgroupReadings
{
    /// <summary>The number behind a key in a file of <c>key value</c> lines.</summary>
    public static long? Value(string? text, string key)
    {
        foreach (var line in (text ?? "").Split('\n'))
        {
            if (line.Length > key.Length && line[key.Length] == ' ' && line.StartsWith(key, StringComparison.Ordinal))
            {
                return Number(line[(key.Length + 1)..]);
            }
        }

        return null;
    }

    public static long? Number(string? text) =>
        long.TryParse(text?.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>
    /// A container was ended by its memory limit when its first process was killed (137, also through a shell) and the kernel counted
    /// an OOM kill. Another code with a count means that only a child died and the command lived on.
    /// </summary>
    /// <param name="oomKills">Null when the cgroup is gone: then the monitor's marker decides.</param>
    public static bool IsOutOfMemory(int exitCode, long? oomKills, bool monitorSawOom) =>
        exitCode == 137 && (oomKills is { } kills ? kills > 0 : monitorSawOom);

    /// <summary>Memory that the kernel could not give back at once: use less inactive file cache.</summary>
    public static long? WorkingSet(long? usage, long? inactiveFile) =>
        usage is { } used ? Math.Max(0, used - (inactiveFile ?? 0)) : null;

    /// <param name="read">Text of a file of a controller; null when it can't be read.</param>
    public static ContainerUsage UsageV1(Func<string, string, string?> read)
    {
        var memory = read("memory", "memory.stat");
        var times = read("cpuacct", "cpuacct.stat");
        var throttling = read("cpu", "cpu.stat");
        return new(
            Number(read("cpuacct", "cpuacct.usage")) is { } ns ? TimeSpan.FromTicks(ns / 100) : null,
            WorkingSet(Number(read("memory", "memory.usage_in_bytes")), Value(memory, "total_inactive_file")),
            (int?)Number(read("pids", "pids.current")))
        {
            UserTime = Ticks(Value(times, "user")),
            SystemTime = Ticks(Value(times, "system")),
            CpuLimit = Cores(Number(read("cpu", "cpu.cfs_quota_us")), Number(read("cpu", "cpu.cfs_period_us"))),
            MemoryLimitBytes = Number(read("memory", "memory.limit_in_bytes")) is { } limit and < NoLimitV1 ? limit : null,
            Throttling = Value(throttling, "nr_periods") is { } periods && Value(throttling, "throttled_time") is { } throttled
                ? (periods, Value(throttling, "nr_throttled") ?? 0, TimeSpan.FromTicks(throttled / 100))
                : null,
        };
    }

    /// <param name="read">Text of a file of a controller; null when it can't be read.</param>
    public static ContainerUsage UsageV2(Func<string, string, string?> read)
    {
        var cpu = read("cpu", "cpu.stat");
        var cap = (read("cpu", "cpu.max") ?? "").Split(' ');
        return new(
            Microseconds(Value(cpu, "usage_usec")),
            WorkingSet(Number(read("memory", "memory.current")), Value(read("memory", "memory.stat"), "inactive_file")),
            (int?)Number(read("pids", "pids.current")))
        {
            UserTime = Microseconds(Value(cpu, "user_usec")),
            SystemTime = Microseconds(Value(cpu, "system_usec")),
            CpuLimit = cap.Length == 2 ? Cores(Number(cap[0]), Number(cap[1])) : null,
            MemoryLimitBytes = Number(read("memory", "memory.max")),
            Throttling = Value(cpu, "nr_periods") is { } periods && Microseconds(Value(cpu, "throttled_usec")) is { } throttled
                ? (periods, Value(cpu, "nr_throttled") ?? 0, throttled)
                : null,
        };
    }

    // The kernel's word for "none": the highest multiple of a page.
    private const long NoLimitV1 = long.MaxValue / 4096 * 4096;

    // USER_HZ is 100 on every architecture that Linux reports it for.
    private static TimeSpan? Ticks(long? userHz) => userHz is { } ticks ? TimeSpan.FromMilliseconds(ticks * 10) : null;

    private static TimeSpan? Microseconds(long? value) => value is { } microseconds ? TimeSpan.FromMicroseconds(microseconds) : null;

    private static double? Cores(long? quota, long? period) => quota is > 0 && period is > 0 ? (double)quota / period : null;
}
