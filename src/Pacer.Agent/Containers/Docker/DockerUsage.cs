namespace Pacer.Agent.Containers.Docker;

/// <summary>A container's use as the daemon reports it.</summary>
internal static class DockerUsage
{
    public static ContainerUsage Of(UsageReport report, HostConfig host)
    {
        var cpu = report.Cpu?.Usage;
        var throttling = report.Cpu?.Throttling;
        return new ContainerUsage(Time(cpu?.Total), Memory(report.Memory), report.Pids?.Current)
        {
            UserTime = Time(cpu?.User),
            SystemTime = Time(cpu?.System),
            CpuLimit = host is { CpuQuota: > 0, CpuPeriod: > 0 } ? (double)host.CpuQuota / host.CpuPeriod : null,
            MemoryLimitBytes = host.Memory is > 0 ? host.Memory : null,
            Throttling = throttling is { Periods: > 0 } ? (throttling.Periods, throttling.Throttled, Time(throttling.Nanoseconds)!.Value) : null,
        };
    }

    // Without file cache that the kernel could drop, as `docker stats` counts it; the name depends on the version of cgroups.
    private static long? Memory(MemoryReport? memory)
    {
        if (memory?.Usage is not { } usage)
        {
            return null;
        }
        var cache = memory.Details?.GetValueOrDefault("total_inactive_file") is { } old and > 0 ? old : memory.Details?.GetValueOrDefault("inactive_file") ?? 0;
        return (long)(usage - Math.Min(usage, cache));
    }

    private static TimeSpan? Time(ulong? nanoseconds) => nanoseconds is { } count ? TimeSpan.FromTicks((long)(count / 100)) : null;
}
