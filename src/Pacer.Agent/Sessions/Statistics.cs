using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>A container's use as the server is told it. What is not known is left out.</summary>
internal static class Statistics
{
    public static TaskStatistics Of(ContainerUsage usage, long nowMs)
    {
        var told = new TaskStatistics { TimestampMs = nowMs };
        if (usage.CpuTime is { } cpu)
        {
            told.CpuSeconds = cpu.TotalSeconds;
        }
        if (usage.UserTime is { } user)
        {
            told.CpuUserSeconds = user.TotalSeconds;
        }
        if (usage.SystemTime is { } system)
        {
            told.CpuSystemSeconds = system.TotalSeconds;
        }
        if (usage.CpuLimit is { } cores)
        {
            told.CpuLimit = cores;
        }
        if (usage.Throttling is { } throttling)
        {
            told.CpuPeriods = throttling.Periods;
            told.CpuThrottledPeriods = throttling.Throttled;
            told.CpuThrottledSeconds = throttling.ThrottledTime.TotalSeconds;
        }
        if (usage.MemoryBytes is { } memory)
        {
            told.MemoryBytes = memory;
        }
        if (usage.MemoryLimitBytes is { } limit)
        {
            told.MemoryLimitBytes = limit;
        }
        if (usage.Processes is { } processes)
        {
            told.Processes = processes;
        }
        return told;
    }
}
