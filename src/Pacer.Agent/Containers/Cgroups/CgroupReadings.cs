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

    public static ContainerUsage UsageV1(string? cpuNanoseconds, string? memoryUsage, string? memoryStat, string? pids) => new(
        Number(cpuNanoseconds) is { } ns ? TimeSpan.FromTicks(ns / 100) : null,
        WorkingSet(Number(memoryUsage), Value(memoryStat, "total_inactive_file")),
        (int?)Number(pids));

    public static ContainerUsage UsageV2(string? cpuStat, string? memoryCurrent, string? memoryStat, string? pids) => new(
        Value(cpuStat, "usage_usec") is { } us ? TimeSpan.FromMicroseconds(us) : null,
        WorkingSet(Number(memoryCurrent), Value(memoryStat, "inactive_file")),
        (int?)Number(pids));
}
