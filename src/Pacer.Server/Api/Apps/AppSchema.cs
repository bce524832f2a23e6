using System.Text.Json;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps;

/// <summary>The app's JSON as tables of fields: types, bounds and patterns of the RAML, and what has no effect yet.</summary>
internal static class AppSchema
{
    // Above these, sums over a cluster could overflow; no machine comes near.
    private const double MaxCpus = 1e6;
    private const double MaxMiB = 1e9;

    private static readonly Shape.Text Text = new();
    private static readonly Shape.Text NonEmpty = new(Min: 1);
    private static readonly Shape.Text Name = new(Min: 1, Max: 63, Pattern: TextPatterns.Name);
    private static readonly Shape.Text PortName = new(Min: 1, Pattern: TextPatterns.Name);
    private static readonly Shape.Text LongText = new(Min: 1, Max: 1024);
    private static readonly Shape.Text PathId = new(Min: 1, Max: 4096, Pattern: TextPatterns.PathId);
    private static readonly Shape.Whole Port = new(0, 65535);
    private static readonly Shape.Whole Count = new(0, int.MaxValue);
    private static readonly Shape.Whole Long = new(0);
    private static readonly Shape.Flag Flag = new();
    private static readonly Shape.Map Labels = new(Text);
    private static readonly Shape.Anything Anything = new();

    private static readonly Shape.List Constraints = new(new Shape.List(Text));

    private static readonly Shape.Record PortMapping = new("portMapping",
        new("containerPort", Port),
        new("hostPort", Port),
        new("servicePort", Port),
        new("protocol", OneOf(EnumTexts.PortProtocols)),
        new("name", PortName),
        new("labels", Labels),
        new("networkNames", new Shape.List(Name)));

    private static readonly Shape.Record PortDefinition = new("portDefinition",
        new("port", Port),
        new("protocol", OneOf(EnumTexts.PortProtocols)),
        new("name", PortName),
        new("labels", Labels));

    private static readonly Shape.Record Network = new("network",
        new("name", new Shape.Text(Min: 1, Max: 63, Pattern: TextPatterns.NetworkName), Unsupported: Always("tasks use the network of their node")),
        new("mode", OneOf(EnumTexts.NetworkModes), Unsupported: OtherThanHost),
        new("labels", Labels));

    private static readonly Shape.Record IpAddress = new("ipAddress",
        new("discovery", new Shape.Record("discovery",
            new Field("ports", new Shape.List(new Shape.Record("port",
                new("number", Port),
                new("name", PortName, Required: true),
                new("protocol", OneOf(EnumTexts.PortProtocols)),
                new("labels", Labels)))))),
        new("groups", new Shape.List(Text)),
        new("labels", Labels),
        new("networkName", NonEmpty));

    private static readonly Shape.Record Docker = new("docker",
        new("image", NonEmpty, Required: true),
        new("forcePullImage", Flag),
        new("privileged", Flag),
        new("parameters", new Shape.List(new Shape.Record("parameter",
            new("key", NonEmpty, Required: true),
            new("value", Text, Required: true)))),
        new("pullConfig", new Shape.Record("pullConfig", new Field("secret", NonEmpty, Required: true))),
        new("credential", new Shape.Record("credential",
            new("principal", Text, Required: true),
            new("secret", Text))),
        new("network", OneOf(EnumTexts.DockerNetworks), Unsupported: OtherThanHost),
        new("portMappings", new Shape.List(PortMapping)));

    private static readonly Shape.Record LinuxInfo = new("linuxInfo",
        new("seccomp", new Shape.Record("seccomp",
            new("profileName", Text),
            new("unconfined", Flag))),
        new("ipcInfo", new Shape.Record("ipcInfo",
            new("mode", OneOf(EnumTexts.IpcModes), Required: true),
            new("shmSize", Count))));

    private static readonly Shape.Record Volume = new("volume",
        new("containerPath", NonEmpty, Required: true),
        new("hostPath", NonEmpty),
        new("mode", OneOf(EnumTexts.ReadModes)),
        new("persistent", new Shape.Record("persistent",
            new("type", OneOf(EnumTexts.VolumeTypes)),
            new("size", Long, Required: true),
            new("maxSize", Long),
            new("profileName", Text),
            new("constraints", Constraints))),
        new("external", new Shape.Record("external",
            new("size", Long),
            new("name", Text),
            new("provider", Text),
            new("options", new Shape.Map(Anything)),
            new("shared", Flag))),
        new("secret", NonEmpty));

    private static readonly Shape.Record Container = new("container",
        new("type", OneOf(EnumTexts.ContainerTypes)),
        new("docker", Docker, Unsupported: Always("no node runs images yet, so its tasks wait")),
        new("linuxInfo", LinuxInfo, Unsupported: Always("the container gets the defaults")),
        new("volumes", new Shape.List(Volume), Unsupported: Always("no volume is mounted")),
        new("portMappings", new Shape.List(PortMapping)));

    private static readonly Shape.Record HealthCheck = new("healthCheck",
        new("protocol", OneOf(EnumTexts.HealthProtocols)),
        new("command", new Shape.Record("command", new Field("value", Text, Required: true))),
        new("path", Text),
        new("port", Port),
        new("portIndex", Port),
        new("gracePeriodSeconds", Count),
        new("intervalSeconds", Count),
        new("timeoutSeconds", new Shape.Whole(int.MinValue, int.MaxValue)),
        new("maxConsecutiveFailures", Count),
        new("delaySeconds", Count),
        new("ignoreHttp1xx", Flag),
        new("ipProtocol", OneOf(EnumTexts.IpProtocols)));

    private static readonly Shape.Record Check = new("check",
        new("http", new Shape.Record("http",
            new("port", Port),
            new("portIndex", Port),
            new("path", LongText),
            new("scheme", OneOf(EnumTexts.HttpSchemes)))),
        new("tcp", new Shape.Record("tcp",
            new("port", Port),
            new("portIndex", Port))),
        new("exec", new Shape.Record("exec",
            new Field("command", new Shape.Record("command",
                new("shell", NonEmpty),
                new("argv", new Shape.List(Text, Min: 1))), Required: true))),
        new("intervalSeconds", Count),
        new("timeoutSeconds", Count),
        new("delaySeconds", Count));

    private static readonly Shape.Record ReadinessCheck = new("readinessCheck",
        new("name", NonEmpty),
        new("protocol", OneOf(EnumTexts.HttpSchemes)),
        new("path", LongText),
        new("portName", PortName),
        new("intervalSeconds", Count),
        new("timeoutSeconds", new Shape.Whole(1, int.MaxValue)),
        new("httpStatusCodesForReady", new Shape.List(new Shape.Whole(100, 999), Min: 1)),
        new("preserveLastResponse", Flag));

    private static readonly Shape.Record Artifact = new("artifact",
        new("uri", LongText, Required: true),
        new("extract", Flag),
        new("executable", Flag),
        new("cache", Flag),
        new("destPath", LongText));

    private static readonly Shape.Either ResourceLimit = new(WhenText: Text, WhenNumber: new Shape.Number(0, MaxMiB));

    /// <summary>A complete app or a partial update of one: they differ in what must be there, which is checked after merging.</summary>
    public static readonly Shape.Record App = new("app",
        new("id", PathId),
        new("cmd", NonEmpty),
        new("args", new Shape.List(Text)),
        new("user", Text),
        new("env", new Shape.Map(new Shape.Either(
            WhenText: Text, WhenRecord: new Shape.Record("secret", new Field("secret", Text, Required: true))))),
        new("instances", Count),
        new("cpus", new Shape.Number(0.001, MaxCpus)),
        new("mem", new Shape.Number(0, MaxMiB)),
        new("disk", new Shape.Number(0, MaxMiB)),
        new("gpus", new Shape.Whole(0, 1_000_000)),
        new("executor", new Shape.Text(Pattern: TextPatterns.Executor),
            Unsupported: value => value.ValueEquals("//cmd") ? null : "every task runs without a custom executor"),
        new("executorResources", new Shape.Record("executorResources",
            new("cpus", new Shape.Number(0.1, MaxCpus)),
            new("mem", new Shape.Number(32, MaxMiB)),
            new("disk", new Shape.Number(10, MaxMiB))), Unsupported: Always("every task runs without a custom executor")),
        new("resourceLimits", new Shape.Record("resourceLimits",
            new("cpus", ResourceLimit),
            new("mem", ResourceLimit))),
        new("constraints", Constraints),
        new("fetch", new Shape.List(Artifact)),
        new("uris", new Shape.List(LongText)),
        new("backoffSeconds", Count),
        new("backoffFactor", new Shape.Number(1, 1e6)),
        new("maxLaunchDelaySeconds", Count),
        new("container", Container),
        new("healthChecks", new Shape.List(HealthCheck)),
        new("check", Check, Unsupported: Always("checks are not run; health checks are")),
        new("readinessChecks", new Shape.List(ReadinessCheck),
            Unsupported: Always("tasks count as ready when they run and their health checks pass")),
        new("dependencies", new Shape.List(PathId)),
        new("upgradeStrategy", new Shape.Record("upgradeStrategy",
            new("minimumHealthCapacity", new Shape.Number(0, 1), Required: true),
            new("maximumOverCapacity", new Shape.Number(0, 1), Required: true))),
        new("unreachableStrategy", new Shape.Either(
            WhenText: OneOf(["disabled"]),
            WhenRecord: new Shape.Record("unreachableStrategy",
                new("inactiveAfterSeconds", Long),
                new("expungeAfterSeconds", Long)))),
        new("killSelection", OneOf(EnumTexts.KillSelections)),
        new("labels", Labels),
        new("acceptedResourceRoles", new Shape.List(Text)),
        new("role", NonEmpty),
        new("residency", new Shape.Record("residency",
            new("relaunchEscalationTimeoutSeconds", Long),
            new("taskLostBehavior", OneOf(EnumTexts.TaskLostBehaviors))), Unsupported: Always("it is deprecated")),
        new("requirePorts", Flag),
        new("secrets", new Shape.Map(new Shape.Record("secret", new Field("source", NonEmpty, Required: true)))),
        new("taskKillGracePeriodSeconds", Count),
        new("tty", Flag, Unsupported: Always("tasks run without a terminal")),
        new("networks", new Shape.List(Network)),
        new("portDefinitions", new Shape.List(PortDefinition)),
        new("ports", new Shape.List(Port)),
        new("ipAddress", IpAddress, Unsupported: Always("tasks use the network of their node")),
        new("version", Text),
        new("versionInfo", Anything),
        // What answers carry besides: an answer that is edited and sent again is no misspelling.
        new("tasksStaged", Anything),
        new("tasksRunning", Anything),
        new("tasksHealthy", Anything),
        new("tasksUnhealthy", Anything),
        new("deployments", Anything),
        new("tasks", Anything),
        new("lastTaskFailure", Anything),
        new("readinessCheckResults", Anything),
        new("tasksStats", Anything));

    public static readonly Shape.List Apps = new(App, Max: 10_000);

    private static Shape.Text OneOf(string[] values) => new(Values: values);

    private static Func<JsonElement, string?> Always(string reason) => _ => reason;


    private static string? OtherThanHost(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && "host".Equals(value.GetString(), StringComparison.OrdinalIgnoreCase)
            ? null
            : "tasks use the network of their node";
}
