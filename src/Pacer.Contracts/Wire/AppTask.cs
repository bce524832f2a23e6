namespace Pacer.Contracts.Wire;

/// <summary>A task of an app as the API lists it.</summary>
public sealed class AppTask
{
    public string? Id { get; set; }
    public string? AppId { get; set; }
    public string? Host { get; set; }
    public string? SlaveId { get; set; }

    /// <summary>A Mesos state name, "TASK_RUNNING" for one.</summary>
    public string? State { get; set; }
    public string? StagedAt { get; set; }
    public string? StartedAt { get; set; }

    /// <summary>Version of the app it was started from.</summary>
    public string? Version { get; set; }
    public List<int>? Ports { get; set; }
    public List<int>? ServicePorts { get; set; }
    public List<TaskIpAddress>? IpAddresses { get; set; }
    public List<HealthInfo>? HealthCheckResults { get; set; }

    /// <summary>Absent without a check, or without a result.</summary>
    public CheckResultInfo? CheckResult { get; set; }
    public List<LocalVolume>? LocalVolumes { get; set; }
    public string? Region { get; set; }
    public string? Zone { get; set; }
    public string? Role { get; set; }
}

public sealed class TaskIpAddress
{
    public string? IpAddress { get; set; }

    /// <summary>"IPv4" or "IPv6".</summary>
    public string? Protocol { get; set; }
}

public sealed class HealthInfo
{
    public bool Alive { get; set; }
    public int ConsecutiveFailures { get; set; }
    public string? FirstSuccess { get; set; }
    public string? LastSuccess { get; set; }
    public string? LastFailure { get; set; }
    public string? LastFailureCause { get; set; }
    public string? InstanceId { get; set; }
}

/// <summary>Last result of the generic check; exactly one is there.</summary>
public sealed class CheckResultInfo
{
    public HttpCheckResult? Http { get; set; }
    public TcpCheckResult? Tcp { get; set; }
    public CommandCheckResult? Command { get; set; }
}

public sealed class HttpCheckResult
{
    public int StatusCode { get; set; }
}

public sealed class TcpCheckResult
{
    public bool Succeeded { get; set; }
}

public sealed class CommandCheckResult
{
    public int ExitCode { get; set; }
}

public sealed class LocalVolume
{
    public string? RunSpecId { get; set; }
    public string? ContainerPath { get; set; }
    public string? Uuid { get; set; }
    public string? PersistenceId { get; set; }
}

public sealed class TaskList
{
    public List<AppTask>? Tasks { get; set; }
}

public sealed class SingleTask
{
    public AppTask? Task { get; set; }
}

/// <summary>Body of a bulk kill: ids of tasks.</summary>
public sealed class DeleteTasks
{
    public List<string>? Ids { get; set; }
}

/// <summary>Answer to every call that starts a deployment.</summary>
public sealed class DeploymentResult
{
    public string? Version { get; set; }
    public string? DeploymentId { get; set; }
}
