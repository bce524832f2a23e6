namespace Pacer.Server.Api.Json;

/// <summary>Words with a closed set of values. Read in any case, kept and written in this one.</summary>
internal static class EnumTexts
{
    public static readonly string[] ContainerTypes = ["MESOS", "DOCKER"];
    public static readonly string[] DockerNetworks = ["BRIDGE", "HOST", "NONE", "USER"];
    public static readonly string[] NetworkModes = ["container", "container/bridge", "host"];
    public static readonly string[] PortProtocols = ["tcp", "udp", "udp,tcp", "tcp,udp"];
    public static readonly string[] HealthProtocols = ["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS"];
    public static readonly string[] HttpSchemes = ["HTTP", "HTTPS"];
    public static readonly string[] IpProtocols = ["IPv4", "IPv6"];
    public static readonly string[] KillSelections = ["YOUNGEST_FIRST", "OLDEST_FIRST"];
    public static readonly string[] ImageKinds = ["DOCKER"];
    public static readonly string[] PodScalings = ["fixed"];
    public static readonly string[] ReadModes = ["RO", "RW"];
    public static readonly string[] TaskLostBehaviors = ["WAIT_FOREVER", "RELAUNCH_AFTER_TIMEOUT"];
    public static readonly string[] VolumeTypes = ["root", "path", "mount"];
    public static readonly string[] IpcModes = ["PRIVATE", "SHARE_PARENT"];
    public static readonly string[] AccessModes =
        ["SINGLE_NODE_WRITER", "SINGLE_NODE_READER_ONLY", "MULTI_NODE_READER_ONLY", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER"];
    public static readonly string[] AccessTypes = ["block", "mount"];
    public static readonly string[] ConstraintOperators = ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"];

    public static readonly string[] TaskStates =
    [
        "TASK_ERROR", "TASK_FAILED", "TASK_FINISHED", "TASK_KILLED", "TASK_KILLING", "TASK_RUNNING", "TASK_STAGING", "TASK_STARTING",
        "TASK_UNREACHABLE", "TASK_UNKNOWN", "TASK_GONE", "TASK_DROPPED",
    ];
    public static readonly string[] Conditions =
    [
        "Error", "Failed", "Finished", "Killed", "Killing", "Running", "Staging", "Starting", "Unreachable", "UnreachableInactive", "Gone",
        "Dropped", "Unknown",
    ];
    public static readonly string[] DeploymentActions =
    [
        "StartApplication", "StopApplication", "ScaleApplication", "RestartApplication", "StartPod", "StopPod", "ScalePod", "RestartPod",
    ];

    /// <summary>The spelling to keep; a text that is none of the values is left as it is.</summary>
    public static string? Canonical(string? text, string[] values)
    {
        foreach (var value in values)
        {
            if (value.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }
        return text;
    }
}
