namespace Pacer.Contracts.Wire;

/// <summary>An app with what is known of its tasks, as GET shows it. What was not asked for is absent.</summary>
public sealed class AppInfo : App
{
    public int? TasksStaged { get; set; }
    public int? TasksRunning { get; set; }
    public int? TasksHealthy { get; set; }
    public int? TasksUnhealthy { get; set; }
    public List<Identifiable>? Deployments { get; set; }
    public List<ReadinessResult>? ReadinessCheckResults { get; set; }
    public List<AppTask>? Tasks { get; set; }
    public TaskFailureInfo? LastTaskFailure { get; set; }
    public TaskStatistics? TasksStats { get; set; }
}

public sealed class AppList
{
    public List<AppInfo>? Apps { get; set; }
}

public sealed class SingleApp
{
    public AppInfo? App { get; set; }
}

public sealed class VersionList
{
    public List<string>? Versions { get; set; }
}

public sealed class Identifiable
{
    public string? Id { get; set; }
}

public sealed class ReadinessResult
{
    public string? Name { get; set; }
    public string? TaskId { get; set; }
    public bool Ready { get; set; }
    public ReadinessResponse? LastResponse { get; set; }
}

public sealed class ReadinessResponse
{
    public int Status { get; set; }
    public string? ContentType { get; set; }
    public string? Body { get; set; }
}

/// <summary>The last task of the app that failed.</summary>
public sealed class TaskFailureInfo
{
    public string? AppId { get; set; }
    public string? Host { get; set; }
    public string? Message { get; set; }
    public string? State { get; set; }
    public string? TaskId { get; set; }
    public string? Timestamp { get; set; }
    public string? Version { get; set; }
    public string? SlaveId { get; set; }
}

/// <summary>Groups without a task are absent.</summary>
public sealed class TaskStatistics
{
    public StatisticsGroup? StartedAfterLastScaling { get; set; }
    public StatisticsGroup? WithLatestConfig { get; set; }
    public StatisticsGroup? WithOutdatedConfig { get; set; }
    public StatisticsGroup? TotalSummary { get; set; }
}

public sealed class StatisticsGroup
{
    public Statistics? Stats { get; set; }
}

public sealed class Statistics
{
    public TaskCounts? Counts { get; set; }
    public TaskLifeTime? LifeTime { get; set; }
}

public sealed class TaskCounts
{
    public int Staged { get; set; }
    public int Running { get; set; }
    public int Healthy { get; set; }
    public int Unhealthy { get; set; }
}

public sealed class TaskLifeTime
{
    public double AverageSeconds { get; set; }
    public double MedianSeconds { get; set; }
}
