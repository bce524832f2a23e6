using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.AnswerShapes;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Answers about groups, deployments, the queue, the server and its nodes.</summary>
internal static class ClusterAnswerShapes
{
    public static readonly Shape.Record Action = new("DeploymentAction",
        new("action", new Shape.Text(Values: EnumTexts.DeploymentActions), Required: true),
        new("app", Text),
        new("pod", Text));

    private static readonly Shape.List Steps = new(new Shape.Record("DeploymentStep", new Field("actions", new Shape.List(Action), Required: true)));

    public static readonly Shape.Record DeploymentSteps = new("DeploymentSteps", new Field("steps", Steps, Required: true));

    public static readonly Shape.List Deployments = new(new Shape.Record("Deployment",
        new("id", Text, Required: true),
        new("version", Moment, Required: true),
        new("affectedApps", Texts, Required: true),
        new("affectedPods", Texts, Required: true),
        new("steps", Steps, Required: true),
        new("currentActions", new Shape.List(new Shape.Record("CurrentAction",
            new("action", new Shape.Text(Values: EnumTexts.DeploymentActions), Required: true),
            new("app", Text),
            new("pod", Text),
            new("readinessCheckResults", new Shape.List(ReadinessResult), Required: true))), Required: true),
        new("currentStep", Count, Required: true) { Note = "Counted from 1; 0 before the first step." },
        new("totalSteps", Count, Required: true)));

    public static readonly Shape.Record GroupInfo = MakeGroupInfo();

    public static readonly Shape.List Moments = new(Moment);

    public static readonly Shape.List Apps = new(AppInfo);

    private static readonly Shape.Record Offer = new("Offer",
        new("id", Text, Required: true),
        new("hostname", Text, Required: true),
        new("agentId", Text, Required: true),
        new("resources", new Shape.List(new Shape.Record("OfferResource",
            new("name", Text, Required: true),
            new("role", Text, Required: true),
            new("scalar", new Shape.Number()),
            new("ranges", Ranges),
            new("set", Texts))), Required: true),
        new("attributes", new Shape.List(AgentAttribute), Required: true));

    private static readonly Shape.List RejectSummary = new(new Shape.Record("DeclinedOfferStep",
        new("reason", Text, Required: true),
        new("declined", Count, Required: true),
        new("processed", Count, Required: true)));

    public static readonly Shape.Record Queue = new("Queue", new Field("queue", new Shape.List(new Shape.Record("QueueItem",
        new("count", Count, Required: true),
        new("role", Text, Required: true),
        new("delay", new Shape.Record("QueueDelay",
            new("timeLeftSeconds", Long, Required: true),
            new("overdue", Flag, Required: true)), Required: true),
        new("since", Moment, Required: true),
        new("processedOffersSummary", new Shape.Record("ProcessedOffersSummary",
            new("processedOffersCount", Count, Required: true),
            new("unusedOffersCount", Count, Required: true),
            new("lastUnusedOfferAt", Moment),
            new("lastUsedOfferAt", Moment),
            new("rejectSummaryLastOffers", RejectSummary),
            new("rejectSummaryLaunchAttempt", RejectSummary)), Required: true),
        new("lastUnusedOffers", new Shape.List(new Shape.Record("UnusedOffer",
            new("offer", Offer, Required: true),
            new("reason", Texts, Required: true),
            new("timestamp", Moment, Required: true)))),
        new("app", AppInfo),
        new("pod", PodAnswerShapes.Pod))), Required: true));

    public static readonly Shape.Record Leader = new("LeaderInfo", new Field("leader", Text, Required: true));

    public static readonly Shape.Record Info = new("MarathonInfo",
        new("name", Text, Required: true),
        new("version", Text, Required: true),
        new("buildref", Text) { Nullable = true },
        new("elected", Flag, Required: true),
        new("leader", Text),
        new("frameworkId", Text),
        new("marathon_config", new Shape.Map(new Shape.Anything()), Required: true) { Note = "Marathon's settings; null where Pacer has none." },
        new("zookeeper_config", new Shape.Map(new Shape.Anything()), Required: true) { Note = "All null: there is no ZooKeeper." },
        new("http_config", new Shape.Record("HttpConfig",
            new("http_port", Count, Required: true),
            new("https_port", Count) { Nullable = true }), Required: true));

    private static readonly Shape.Record Amounts = new("ResourceAmounts",
        new("cpus", new Shape.Number(), Required: true),
        new("mem", new Shape.Number(), Required: true),
        new("disk", new Shape.Number(), Required: true),
        new("gpus", new Shape.Whole(), Required: true));

    public static readonly Shape.Record Node = new("Node",
        new("id", Text, Required: true),
        new("hostname", Text, Required: true),
        new("address", Text, Required: true),
        new("state", new Shape.Text(Values: ["connected", "disconnected", "lost"]), Required: true),
        new("attributes", new Shape.Map(Text), Required: true),
        new("region", Text),
        new("zone", Text),
        new("resources", new Shape.Record("NodeResources",
            new("total", Amounts, Required: true),
            new("used", Amounts, Required: true),
            new("free", Amounts, Required: true)), Required: true),
        new("portRanges", Texts, Required: true),
        new("usedPorts", new Shape.List(Count), Required: true),
        new("runtimes", Texts, Required: true),
        new("reservations", new Shape.List(new Shape.Record("NodeReservation",
            new("role", Text, Required: true),
            new("total", Amounts, Required: true),
            new("free", Amounts, Required: true),
            new("portRanges", Texts, Required: true)))),
        new("disks", new Shape.List(new Shape.Record("NodeDisk",
            new("type", new Shape.Text(Values: ["path", "mount"]), Required: true),
            new("path", Text, Required: true),
            new("profile", Text),
            new("size", Count, Required: true),
            new("used", Count, Required: true)))),
        new("cordoned", Flag, Required: true),
        new("drain", new Shape.Record("NodeDrain",
            new("since", Moment, Required: true),
            new("deadline", Moment),
            new("expired", Flag, Required: true),
            new("includeResident", Flag, Required: true),
            new("instancesLeft", Count, Required: true),
            new("residentInstances", Count, Required: true))),
        new("networks", Texts, Required: true),
        new("volumeDrivers", Texts, Required: true),
        new("tasks", Count, Required: true),
        new("version", Text, Required: true),
        new("registeredAt", Moment, Required: true),
        new("disconnectedAt", Moment));

    public static readonly Shape.Record NodeList = new("NodeList", new Field("nodes", new Shape.List(Node), Required: true));

    public static readonly Shape.List SandboxEntries = new(new Shape.Record("SandboxEntry",
        new("path", Text, Required: true),
        new("size", Long, Required: true),
        new("mtime", Long, Required: true),
        new("mode", Text, Required: true),
        new("uid", Text, Required: true),
        new("gid", Text, Required: true),
        new("nlink", Count, Required: true)));

    public static readonly Shape.Record SandboxData = new("SandboxData",
        new("data", Text, Required: true),
        new("offset", Long, Required: true));

    // Groups hold groups: the shape is part of itself, so its last field is put in afterwards.
    private static Shape.Record MakeGroupInfo()
    {
        var fields = new Field[]
        {
            new("id", Text, Required: true),
            new("apps", new Shape.List(AppInfo)),
            new("pods", PodAnswerShapes.Statuses),
            new("dependencies", Texts),
            new("version", Moment),
            new("enforceRole", Flag),
            new("groups", new Shape.Anything()),
        };
        var record = new Shape.Record("GroupInfo", fields);
        fields[^1] = new("groups", new Shape.List(record));
        return record;
    }
}
