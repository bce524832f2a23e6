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
    internal static readonly Shape.Map Labels = new(Text);
    private static readonly Shape.Anything Anything = new();

    internal static readonly Shape.List Constraints = new(new Shape.List(Text));

    private static readonly Shape.Record PortMapping = new("ContainerPortMapping",
        new("containerPort", Port) { Default = 0 },
        new("hostPort", Port),
        new("servicePort", Port) { Default = 0 },
        new("protocol", OneOf(EnumTexts.PortProtocols)) { Default = "tcp" },
        new("name", PortName),
        new("labels", Labels),
        new("networkNames", new Shape.List(Name)));

    private static readonly Shape.Record PortDefinition = new("PortDefinition",
        new("port", Port) { Default = 0 },
        new("protocol", OneOf(EnumTexts.PortProtocols)) { Default = "tcp" },
        new("name", PortName),
        new("labels", Labels));

    private static readonly Shape.Record Network = new("Network",
        new("name", new Shape.Text(Min: 1, Max: 63, Pattern: TextPatterns.NetworkName)),
        new("mode", OneOf(EnumTexts.NetworkModes)) { Default = "container" },
        new("labels", Labels));

    private static readonly Shape.Record IpAddress = new("IpAddress",
        new("discovery", new Shape.Record("IpDiscovery",
            new Field("ports", new Shape.List(new Shape.Record("IpDiscoveryPort",
                new("number", Port) { Default = 0 },
                new("name", PortName, Required: true),
                new("protocol", OneOf(EnumTexts.PortProtocols)) { Default = "tcp" },
                new("labels", Labels)))))),
        new("groups", new Shape.List(Text)),
        new("labels", Labels),
        new("networkName", NonEmpty));

    private static readonly Shape.Record Docker = new("DockerContainer",
        new("image", NonEmpty, Required: true),
        new("forcePullImage", Flag) { Default = false },
        new("privileged", Flag) { Default = false },
        new("parameters", new Shape.List(new Shape.Record("DockerParameter",
            new("key", NonEmpty, Required: true),
            new("value", Text, Required: true)))),
        new("pullConfig", new Shape.Record("DockerPullConfig", new Field("secret", NonEmpty, Required: true))),
        new("credential", new Shape.Record("DockerCredentials",
            new("principal", Text, Required: true),
            new("secret", Text))) { Deprecated = "use pullConfig" },
        new("network", OneOf(EnumTexts.DockerNetworks)) { Deprecated = "use networks of the app" },
        new("portMappings", new Shape.List(PortMapping)) { Deprecated = "use portMappings of the container" });

    internal static readonly Shape.Record LinuxInfo = new("LinuxInfo",
        new("seccomp", new Shape.Record("Seccomp",
            new("profileName", Text),
            new("unconfined", Flag) { Default = false })),
        new("ipcInfo", new Shape.Record("IPCInfo",
            new("mode", OneOf(EnumTexts.IpcModes), Required: true),
            new("shmSize", Count))));

    private static readonly Shape.Record Volume = new("AppVolume",
        new("containerPath", NonEmpty, Required: true),
        new("hostPath", NonEmpty),
        new("mode", OneOf(EnumTexts.ReadModes)),
        new("persistent", new Shape.Record("PersistentVolumeInfo",
            new("type", OneOf(EnumTexts.VolumeTypes)),
            new("size", Long, Required: true),
            new("maxSize", Long),
            new("profileName", Text),
            new("constraints", Constraints))),
        new("external", new Shape.Record("ExternalVolumeInfo",
            new("size", Long),
            new("name", Text),
            new("provider", Text),
            new("options", new Shape.Map(Anything)),
            new("shared", Flag) { Default = false })),
        new("secret", NonEmpty));

    private static readonly Shape.Record Container = new("Container",
        new("type", OneOf(EnumTexts.ContainerTypes)) { Default = "DOCKER" },
        new("docker", Docker),
        new("linuxInfo", LinuxInfo),
        new("volumes", new Shape.List(Volume)),
        new("portMappings", new Shape.List(PortMapping)));

    private static readonly Shape.Record HealthCheck = new("AppHealthCheck",
        new("protocol", OneOf(EnumTexts.HealthProtocols)) { Default = "HTTP" },
        new("command", new Shape.Record("AppCommandCheck", new Field("value", Text, Required: true))),
        new("path", Text),
        new("port", Port),
        new("portIndex", Port),
        new("gracePeriodSeconds", Count) { Default = 300 },
        new("intervalSeconds", Count) { Default = 60 },
        new("timeoutSeconds", new Shape.Whole(int.MinValue, int.MaxValue)) { Default = 20 },
        new("maxConsecutiveFailures", Count) { Default = 3 },
        new("delaySeconds", Count) { Default = 15 },
        new("ignoreHttp1xx", Flag),
        new("ipProtocol", OneOf(EnumTexts.IpProtocols)) { Default = "IPv4" });

    private static readonly Shape.Record Check = new("AppCheck",
        new("http", new Shape.Record("AppHttpCheck",
            new("port", Port),
            new("portIndex", Port),
            new("path", LongText),
            new("scheme", OneOf(EnumTexts.HttpSchemes)) { Default = "HTTP" })),
        new("tcp", new Shape.Record("AppTcpCheck",
            new("port", Port),
            new("portIndex", Port))),
        new("exec", new Shape.Record("CommandCheck",
            new Field("command", new Shape.Record("MesosCommand",
                new("shell", NonEmpty),
                new("argv", new Shape.List(Text, Min: 1))), Required: true))),
        new("intervalSeconds", Count) { Default = 60 },
        new("timeoutSeconds", Count) { Default = 20 },
        new("delaySeconds", Count) { Default = 15 });

    private static readonly Shape.Record ReadinessCheck = new("ReadinessCheck",
        new("name", NonEmpty) { Default = "readinessCheck" },
        new("protocol", OneOf(EnumTexts.HttpSchemes)) { Default = "HTTP" },
        new("path", LongText) { Default = "/" },
        new("portName", PortName) { Default = "http-api" },
        new("intervalSeconds", Count) { Default = 30 },
        new("timeoutSeconds", new Shape.Whole(1, int.MaxValue)) { Default = 10 },
        new("httpStatusCodesForReady", new Shape.List(new Shape.Whole(100, 999), Min: 1)) { Default = new[] { 200 } },
        new("preserveLastResponse", Flag) { Default = false });

    internal static readonly Shape.Record Artifact = new("Artifact",
        new("uri", LongText, Required: true),
        new("extract", Flag) { Default = true },
        new("executable", Flag) { Default = false },
        new("cache", Flag) { Default = false },
        new("destPath", LongText));

    internal static readonly Shape.Either ResourceLimit = new(WhenText: Text, WhenNumber: new Shape.Number(0, MaxMiB));

    /// <summary>A complete app or a partial update of one: they differ in what must be there, which is checked after merging.</summary>
    public static readonly Shape.Record App = new("App",
        new("id", PathId),
        new("cmd", NonEmpty),
        new("args", new Shape.List(Text)),
        new("user", Text),
        new("env", new Shape.Map(new Shape.Either(
            WhenText: Text, WhenRecord: new Shape.Record("EnvVarSecret", new Field("secret", Text, Required: true))))),
        new("instances", Count) { Default = 1 },
        new("cpus", new Shape.Number(0.001, MaxCpus)) { Default = 1 },
        new("mem", new Shape.Number(0, MaxMiB)) { Default = 128 },
        new("disk", new Shape.Number(0, MaxMiB)) { Default = 0 },
        new("gpus", new Shape.Whole(0, 1_000_000)) { Default = 0 },
        new("executor", new Shape.Text(Pattern: TextPatterns.Executor),
            Unsupported: value => value.ValueEquals("//cmd") ? null : "every task runs without a custom executor") { Default = "" },
        new("executorResources", new Shape.Record("ExecutorResources",
            new("cpus", new Shape.Number(0.1, MaxCpus)) { Default = 0.1 },
            new("mem", new Shape.Number(32, MaxMiB)) { Default = 32 },
            new("disk", new Shape.Number(10, MaxMiB)) { Default = 10 }), Unsupported: Always("every task runs without a custom executor")),
        new("resourceLimits", new Shape.Record("ResourceLimits",
            new("cpus", ResourceLimit),
            new("mem", ResourceLimit))),
        new("constraints", Constraints),
        new("fetch", new Shape.List(Artifact)),
        new("uris", new Shape.List(LongText)) { Deprecated = "use fetch" },
        new("backoffSeconds", Count) { Default = 1 },
        new("backoffFactor", new Shape.Number(1, 1e6)) { Default = 1.15 },
        new("maxLaunchDelaySeconds", Count) { Default = 300 },
        new("container", Container),
        new("healthChecks", new Shape.List(HealthCheck)),
        new("check", Check),
        new("readinessChecks", new Shape.List(ReadinessCheck)),
        new("dependencies", new Shape.List(PathId)),
        new("upgradeStrategy", new Shape.Record("UpgradeStrategy",
            new("minimumHealthCapacity", new Shape.Number(0, 1), Required: true),
            new("maximumOverCapacity", new Shape.Number(0, 1), Required: true))),
        new("unreachableStrategy", new Shape.Either(
            WhenText: OneOf(["disabled"]),
            WhenRecord: new Shape.Record("UnreachableEnabled",
                new("inactiveAfterSeconds", Long) { Default = 0 },
                new("expungeAfterSeconds", Long) { Default = 0 }))),
        new("killSelection", OneOf(EnumTexts.KillSelections)) { Default = "YOUNGEST_FIRST" },
        new("labels", Labels),
        new("acceptedResourceRoles", new Shape.List(Text)),
        new("role", NonEmpty),
        new("residency", new Shape.Record("AppResidency",
            new("relaunchEscalationTimeoutSeconds", Long) { Default = 3600 },
            new("taskLostBehavior", OneOf(EnumTexts.TaskLostBehaviors)) { Default = "WAIT_FOREVER" }), Unsupported: Always("it is deprecated")) { Deprecated = "it has no effect" },
        new("requirePorts", Flag) { Default = false },
        new("secrets", new Shape.Map(new Shape.Record("SecretDef", new Field("source", NonEmpty, Required: true)))),
        new("taskKillGracePeriodSeconds", Count),
        new("tty", Flag, Unsupported: Always("tasks run without a terminal")),
        new("networks", new Shape.List(Network)),
        new("portDefinitions", new Shape.List(PortDefinition)),
        new("ports", new Shape.List(Port)) { Deprecated = "use portDefinitions" },
        new("ipAddress", IpAddress) { Deprecated = "use networks" },
        new("version", new Shape.Text(Format: "date-time")),
        new("versionInfo", Anything) { ReadOnly = true },
        // What answers carry besides: an answer that is edited and sent again is no misspelling.
        new("tasksStaged", Anything) { ReadOnly = true },
        new("tasksRunning", Anything) { ReadOnly = true },
        new("tasksHealthy", Anything) { ReadOnly = true },
        new("tasksUnhealthy", Anything) { ReadOnly = true },
        new("deployments", Anything) { ReadOnly = true },
        new("tasks", Anything) { ReadOnly = true },
        new("lastTaskFailure", Anything) { ReadOnly = true },
        new("readinessCheckResults", Anything) { ReadOnly = true },
        new("tasksStats", Anything) { ReadOnly = true });

    public static readonly Shape.List Apps = new(App, Max: 10_000);

    private static Shape.Text OneOf(string[] values) => new(Values: values);

    private static Func<JsonElement, string?> Always(string reason) => _ => reason;
}
