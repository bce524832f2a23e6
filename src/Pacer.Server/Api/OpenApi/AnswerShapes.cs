using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.OpenApi;

/// <summary>What answers look like, as tables of the same kind as those that requests are checked with.</summary>
internal static class AnswerShapes
{
    internal static readonly Shape.Text Text = new();
    internal static readonly Shape.Text Moment = new(Format: "date-time");
    internal static readonly Shape.Whole Count = new(0, int.MaxValue);
    internal static readonly Shape.Whole Long = new(0);
    internal static readonly Shape.Number Amount = new(0);
    internal static readonly Shape.Flag Flag = new();
    internal static readonly Shape.List Texts = new(Text);

    internal static readonly Shape.List Ranges = new(new Shape.Record("NumberRange",
        new("begin", Long, Required: true),
        new("end", Long, Required: true)));

    internal static readonly Shape.Record AgentAttribute = new("AgentAttribute",
        new("name", Text, Required: true),
        new("text", Text),
        new("scalar", new Shape.Number()),
        new("ranges", Ranges),
        new("set", Texts));

    private static readonly Shape.List Ports = new(new Shape.Whole(0, 65535));

    public static readonly Shape.Record Error = new("Error",
        new("message", Text, Required: true),
        new("details", new Shape.Anything())
        {
            Note = "What is wrong where, as a list of {path, errors, message}; a text for bodies that are no JSON.",
        },
        new("deployments", new Shape.List(new Shape.Record("Identifiable", new Field("id", Text, Required: true))))
        {
            Note = "The deployments in the way, on a conflict.",
        });

    public static readonly Shape.List Deployments = new(new Shape.Record("AppDeployment", new Field("id", Text, Required: true)));

    public static readonly Shape.Record DeploymentResult = new("DeploymentResult",
        new("version", Moment, Required: true),
        new("deploymentId", Text, Required: true));

    public static readonly Shape.Record VersionInfo = new("VersionInfo",
        new("lastScalingAt", Moment, Required: true),
        new("lastConfigChangeAt", Moment, Required: true));

    private static readonly Shape.Record Health = new("Health",
        new("alive", Flag, Required: true),
        new("consecutiveFailures", Count, Required: true),
        new("firstSuccess", Moment),
        new("lastSuccess", Moment),
        new("lastFailure", Moment),
        new("lastFailureCause", Text),
        new("instanceId", Text, Required: true));

    public static readonly Shape.Record LocalVolume = new("LocalVolumeId",
        new("runSpecId", Text, Required: true),
        new("containerPath", Text, Required: true),
        new("uuid", Text, Required: true),
        new("persistenceId", Text, Required: true));

    public static readonly Shape.Record Task = new("Task",
        new("id", Text, Required: true),
        new("appId", Text, Required: true),
        new("host", Text, Required: true),
        new("slaveId", Text),
        new("state", new Shape.Text(Values: EnumTexts.TaskStates), Required: true),
        new("stagedAt", Moment),
        new("startedAt", Moment),
        new("version", Moment),
        new("ports", Ports),
        new("servicePorts", Ports),
        new("ipAddresses", new Shape.List(new Shape.Record("IpAddr",
            new("ipAddress", Text, Required: true),
            new("protocol", new Shape.Text(Values: EnumTexts.IpProtocols), Required: true)))),
        new("healthCheckResults", new Shape.List(Health)),
        new("checkResult", new Shape.Record("CheckStatus",
            new("http", new Shape.Record("HttpCheckStatus", new Field("statusCode", Count, Required: true))),
            new("tcp", new Shape.Record("TCPCheckStatus", new Field("succeeded", Flag, Required: true))),
            new("command", new Shape.Record("CommandCheckStatus",
                new Field("exitCode", new Shape.Whole(int.MinValue, int.MaxValue), Required: true))))),
        new("localVolumes", new Shape.List(LocalVolume)),
        new("region", Text),
        new("zone", Text),
        new("role", Text, Required: true));

    public static readonly Shape.Record TaskList = new("TaskList", new Field("tasks", new Shape.List(Task), Required: true));

    public static readonly Shape.Record TaskSingle = new("TaskSingle", new Field("task", Task, Required: true));

    private static readonly Shape.Record TaskFailure = new("TaskFailure",
        new("appId", Text, Required: true),
        new("host", Text, Required: true),
        new("message", Text, Required: true),
        new("state", Text, Required: true),
        new("taskId", Text, Required: true),
        new("timestamp", Moment, Required: true),
        new("version", Moment, Required: true),
        new("slaveId", Text));

    private static readonly Shape.Record Stats = new("Stats",
        new Field("stats", new Shape.Record("TaskStats",
            new("counts", new Shape.Record("TaskCounts",
                new("staged", Count, Required: true),
                new("running", Count, Required: true),
                new("healthy", Count, Required: true),
                new("unhealthy", Count, Required: true)), Required: true),
            new("lifeTime", new Shape.Record("TaskLifeTime",
                new("averageSeconds", Amount, Required: true),
                new("medianSeconds", Amount, Required: true)))), Required: true));

    public static readonly Shape.Record ReadinessResult = new("TaskReadinessCheckResult",
        new("name", Text, Required: true),
        new("taskId", Text, Required: true),
        new("ready", Flag, Required: true),
        new("lastResponse", new Shape.Record("ReadinessCheckHttpResponse",
            new("status", Count, Required: true),
            new("contentType", Text, Required: true),
            new("body", Text, Required: true))));

    /// <summary>A definition with what is known of its tasks. Old forms never come back.</summary>
    public static readonly Shape.Record AppInfo = new("AppInfo",
    [
        .. AppSchema.App.Fields.Where(field => field is { ReadOnly: false, Name: not ("uris" or "ports" or "ipAddress" or "version") })
            .Select(field => field with { Required = IsAlwaysShown(field.Name), Default = null, Unsupported = null }),
        new("version", Moment, Required: true),
        new("versionInfo", VersionInfo),
        new("tasksStaged", Count),
        new("tasksRunning", Count),
        new("tasksHealthy", Count),
        new("tasksUnhealthy", Count),
        new("deployments", Deployments),
        new("tasks", new Shape.List(Task)),
        new("lastTaskFailure", TaskFailure),
        new("readinessCheckResults", new Shape.List(ReadinessResult)),
        new("tasksStats", new Shape.Record("TaskStatsByVersion",
            new("startedAfterLastScaling", Stats),
            new("withLatestConfig", Stats),
            new("withOutdatedConfig", Stats),
            new("totalSummary", Stats))),
    ]);

    public static readonly Shape.Record AppSingle = new("AppSingle", new Field("app", AppInfo, Required: true));

    public static readonly Shape.Record AppList = new("AppList", new Field("apps", new Shape.List(AppInfo), Required: true));

    public static readonly Shape.Record AppsOfGroup = new("AppsOfGroup", new Field("*", new Shape.List(AppInfo), Required: true));

    public static readonly Shape.Record VersionList = new("VersionList", new Field("versions", new Shape.List(Moment), Required: true));

    private static bool IsAlwaysShown(string field) => field is "id" or "cpus" or "mem" or "disk" or "gpus" or "instances" or "executor"
        or "backoffSeconds" or "backoffFactor" or "maxLaunchDelaySeconds" or "requirePorts" or "killSelection" or "labels" or "networks"
        or "upgradeStrategy" or "unreachableStrategy" or "role";
}
