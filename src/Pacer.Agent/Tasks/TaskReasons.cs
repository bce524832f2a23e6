namespace Pacer.Agent.Tasks;

/// <summary>Mesos' names of why a task changed its state.</summary>
internal static class TaskReasons
{
    public const string LaunchFailed = "REASON_CONTAINER_LAUNCH_FAILED";
    public const string MemoryLimit = "REASON_CONTAINER_LIMITATION_MEMORY";
    public const string DiskLimit = "REASON_CONTAINER_LIMITATION_DISK";
    public const string CommandFailed = "REASON_COMMAND_EXECUTOR_FAILED";
    public const string ExecutorTerminated = "REASON_EXECUTOR_TERMINATED";
    public const string AgentRestarted = "REASON_AGENT_RESTARTED";
    public const string Check = "REASON_TASK_CHECK_STATUS_UPDATED";
    public const string HealthCheck = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
    public const string KilledDuringLaunch = "REASON_TASK_KILLED_DURING_LAUNCH";
    public const string TaskInvalid = "REASON_TASK_INVALID";
    public const string TaskUnknown = "REASON_TASK_UNKNOWN";
}
