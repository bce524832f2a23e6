namespace Pacer.Agent.Containers.Cgroups;

/// <summary>A plan's resources as the kernel takes them.</summary>
/// <param name="CpuShares">v1 scale, 2 to 262144; 1024 a CPU.</param>
/// <param name="CpuQuotaMicroseconds">Of each period; null: no cap.</param>
/// <param name="MemoryBytes">Memory and swap together; null: no cap.</param>
internal sealed record CgroupLimits(long CpuShares, long? CpuQuotaMicroseconds, long? MemoryBytes, long? Pids)
{
    public const long PeriodMicroseconds = 100_000;
    private const long LeastQuotaMicroseconds = 1_000;
    private const long LeastMemoryBytes = 32L * 1024 * 1024;

    public static CgroupLimits Of(ContainerPlan plan) => new(
        Math.Clamp(plan.CpuMillis * 1024 / 1000, 2, 262_144),
        plan.CpuLimitMillis is { } limit ? Math.Max(LeastQuotaMicroseconds, limit * PeriodMicroseconds / 1000) : null,
        plan.MemoryLimitBytes is { } memory ? Math.Max(LeastMemoryBytes, memory) : null,
        plan.PidsLimit);

    /// <summary>
    /// The v2 weight: 100 for a whole CPU, so that a container competes with what else runs on the machine as it would on v1
    /// (the runtimes' own conversion gives 39 and loses against every default cgroup).
    /// </summary>
    public long CpuWeight => Math.Clamp((CpuShares * 100 + 512) / 1024, 1, 10_000);
}
