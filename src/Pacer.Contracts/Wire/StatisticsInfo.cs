using System.Text.Json.Serialization;

namespace Pacer.Contracts.Wire;

/// <summary>What a task's container uses, with the names that Mesos' <c>/monitor/statistics</c> has for it. What the node can't tell is absent.</summary>
public sealed class StatisticsInfo
{
    /// <summary>Unix time in seconds, the node's clock.</summary>
    [JsonPropertyName("timestamp")]
    public double Timestamp { get; set; }

    /// <summary>User and system time together, finer than the two: not one of Mesos' names.</summary>
    [JsonPropertyName("cpus_time_secs")]
    public double? CpusTimeSecs { get; set; }

    [JsonPropertyName("cpus_user_time_secs")]
    public double? CpusUserTimeSecs { get; set; }

    [JsonPropertyName("cpus_system_time_secs")]
    public double? CpusSystemTimeSecs { get; set; }

    /// <summary>Cores; absent: no cap.</summary>
    [JsonPropertyName("cpus_limit")]
    public double? CpusLimit { get; set; }

    [JsonPropertyName("cpus_nr_periods")]
    public long? CpusNrPeriods { get; set; }

    [JsonPropertyName("cpus_nr_throttled")]
    public long? CpusNrThrottled { get; set; }

    [JsonPropertyName("cpus_throttled_time_secs")]
    public double? CpusThrottledTimeSecs { get; set; }

    /// <summary>Without file cache that the kernel could drop.</summary>
    [JsonPropertyName("mem_total_bytes")]
    public long? MemTotalBytes { get; set; }

    [JsonPropertyName("mem_limit_bytes")]
    public long? MemLimitBytes { get; set; }

    [JsonPropertyName("processes")]
    public int? Processes { get; set; }
}
