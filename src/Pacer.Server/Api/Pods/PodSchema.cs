using System.Text.Json;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>The pod's JSON as tables of fields: types, bounds and patterns of the RAML, and what has no effect yet.</summary>
internal static class PodSchema
{
    // Above these, sums over a cluster could overflow; no machine comes near.
    private const double MaxCpus = 1e6;
    private const double MaxMiB = 1e9;
    private const double MaxSeconds = 1e11;

    private static readonly Shape.Text Text = new();
    private static readonly Shape.Text NonEmpty = new(Min: 1);
    private static readonly Shape.Text Name = new(Min: 1, Max: 63, Pattern: TextPatterns.Name);
    private static readonly Shape.Text LongText = new(Min: 1, Max: 1024);
    private static readonly Shape.Text PathId = new(Min: 1, Max: 4096, Pattern: TextPatterns.PathId);
    private static readonly Shape.Whole Count = new(0, int.MaxValue);
    private static readonly Shape.Whole Long = new(0);
    private static readonly Shape.Number Seconds = new(0, MaxSeconds);
    private static readonly Shape.Flag Flag = new();

    private static readonly Shape.Map Environment = new(new Shape.Either(
        WhenText: Text, WhenRecord: new Shape.Record("EnvVarSecret", new Field("secret", Text, Required: true))));

    private static readonly Shape.Record Network = new("Network",
        new("name", new Shape.Text(Min: 1, Max: 63, Pattern: TextPatterns.NetworkName)),
        new("mode", OneOf(EnumTexts.NetworkModes)) { Default = "container" },
        new("labels", AppSchema.Labels));

    private static readonly Shape.Record Endpoint = new("Endpoint",
        new("name", Name, Required: true),
        new("containerPort", new Shape.Whole(1, 65535)),
        new("hostPort", new Shape.Whole(0, 65535)),
        new("protocol", new Shape.List(Name, Min: 1)),
        new("labels", AppSchema.Labels),
        new("networkNames", new Shape.List(Name)));

    private static readonly Shape.Record Command = new("MesosCommand",
        new("shell", NonEmpty),
        new("argv", new Shape.List(Text, Min: 1)));

    private static readonly Field[] Checks =
    [
        new("http", new Shape.Record("HttpCheck",
            new("endpoint", Name, Required: true),
            new("path", LongText),
            new("scheme", OneOf(EnumTexts.HttpSchemes)) { Default = "HTTP" })),
        new("tcp", new Shape.Record("TcpCheck", new Field("endpoint", Name, Required: true))),
        new("exec", new Shape.Record("CommandCheck", new Field("command", Command, Required: true))),
        new("intervalSeconds", Count) { Default = 60 },
        new("timeoutSeconds", Count) { Default = 20 },
        new("delaySeconds", Count) { Default = 15 },
    ];

    private static readonly Shape.Record HealthCheck = new("HealthCheck",
    [
        .. Checks,
        new("gracePeriodSeconds", Count) { Default = 300 },
        new("maxConsecutiveFailures", Count) { Default = 3 },
    ]);

    private static readonly Shape.Record Image = new("Image",
        new("kind", OneOf(EnumTexts.ImageKinds), Required: true),
        new("id", LongText, Required: true),
        new("pullConfig", new Shape.Record("DockerPullConfig", new Field("secret", NonEmpty, Required: true))),
        new("forcePull", Flag),
        new("labels", AppSchema.Labels));

    private static readonly Shape.Record Container = new("PodContainer",
        new("name", Name, Required: true),
        new("exec", new Shape.Record("MesosExec",
            new("command", Command, Required: true),
            new("overrideEntrypoint", Flag))),
        new("resources", new Shape.Record("Resources",
            new("cpus", new Shape.Number(0.001, MaxCpus)) { Default = 1 },
            new("mem", new Shape.Number(0.001, MaxMiB)) { Default = 128 },
            new("disk", new Shape.Number(0, MaxMiB)) { Default = 0 },
            new("gpus", new Shape.Whole(0, 1_000_000)) { Default = 0 }), Required: true),
        new("resourceLimits", new Shape.Record("ResourceLimits",
            new("cpus", AppSchema.ResourceLimit),
            new("mem", AppSchema.ResourceLimit))),
        new("endpoints", new Shape.List(Endpoint)),
        new("linuxInfo", AppSchema.LinuxInfo),
        new("image", Image),
        new("environment", Environment),
        new("user", Text),
        new("healthCheck", HealthCheck),
        new("check", new Shape.Record("Check", Checks), Unsupported: Always("checks of pods are neither kept nor run; health checks are")),
        new("volumeMounts", new Shape.List(new Shape.Record("VolumeMount",
            new("name", Name, Required: true),
            new("mountPath", LongText, Required: true),
            new("readOnly", Flag)))),
        new("artifacts", new Shape.List(AppSchema.Artifact)),
        new("labels", AppSchema.Labels),
        new("lifecycle", new Shape.Record("Lifecycle", new Field("killGracePeriodSeconds", Seconds))),
        new("tty", Flag, Unsupported: Always("containers run without a terminal")));

    private static readonly Shape.Record Volume = new("PodVolume",
        new("name", Name, Required: true),
        new("host", NonEmpty),
        new("persistent", new Shape.Record("PersistentVolumeInfo",
            new("type", OneOf(EnumTexts.VolumeTypes)),
            new("size", Long, Required: true),
            new("maxSize", Long),
            new("profileName", Text),
            new("constraints", AppSchema.Constraints))),
        new("secret", NonEmpty));

    private static readonly Shape.Record Scheduling = new("PodSchedulingPolicy",
        new("backoff", new Shape.Record("PodSchedulingBackoffStrategy",
            new("backoff", Seconds) { Default = 1 },
            new("backoffFactor", new Shape.Number(0, 1e6)) { Default = 1.15 },
            new("maxLaunchDelay", Seconds) { Default = 300 })),
        new("upgrade", new Shape.Record("PodUpgradeStrategy",
            new("minimumHealthCapacity", new Shape.Number(0, 1)) { Default = 1 },
            new("maximumOverCapacity", new Shape.Number(0, 1)) { Default = 1 })),
        new("placement", new Shape.Record("PodPlacementPolicy",
            new("constraints", new Shape.List(new Shape.Record("Constraint",
                new("fieldName", Text, Required: true),
                new("operator", OneOf(EnumTexts.ConstraintOperators), Required: true),
                new("value", Text)))),
            new("acceptedResourceRoles", new Shape.List(Text)))),
        new("killSelection", OneOf(EnumTexts.KillSelections)),
        new("unreachableStrategy", new Shape.Either(
            WhenText: OneOf(["disabled"]),
            WhenRecord: new Shape.Record("UnreachableEnabled",
                new("inactiveAfterSeconds", Long) { Default = 0 },
                new("expungeAfterSeconds", Long) { Default = 0 }))));

    /// <summary>A complete pod: there is no partial form.</summary>
    public static readonly Shape.Record Pod = new("Pod",
        new("id", PathId, Required: true),
        new("labels", AppSchema.Labels),
        new("version", new Shape.Text(Format: "date-time")),
        new("user", Text),
        new("environment", Environment),
        new("containers", new Shape.List(Container, Min: 1, Max: 1_000), Required: true),
        new("secrets", new Shape.Map(new Shape.Record("SecretDef", new Field("source", NonEmpty, Required: true)))),
        new("volumes", new Shape.List(Volume)),
        new("networks", new Shape.List(Network)),
        new("scaling", new Shape.Record("PodScalingPolicy",
            new("kind", OneOf(EnumTexts.PodScalings), Required: true),
            new("instances", Count) { Default = 1 })),
        new("scheduling", Scheduling),
        new("executorResources", new Shape.Record("ExecutorResources",
            new("cpus", new Shape.Number(0.1, MaxCpus)) { Default = 0.1 },
            new("mem", new Shape.Number(32, MaxMiB)) { Default = 32 },
            new("disk", new Shape.Number(10, MaxMiB)) { Default = 10 })),
        new("role", NonEmpty),
        new("linuxInfo", AppSchema.LinuxInfo),
        new("legacySharedCgroups", Flag, Unsupported: Always("each container has a cgroup of its own")));

    public static readonly Shape.List Ids = new(NonEmpty, Max: 100_000);

    private static Shape.Text OneOf(string[] values) => new(Values: values);

    private static Func<JsonElement, string?> Always(string reason) => _ => reason;
}
