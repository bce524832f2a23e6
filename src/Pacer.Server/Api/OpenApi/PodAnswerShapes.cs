using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Pods;
using static Pacer.Server.Api.OpenApi.AnswerShapes;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Answers about pods and their instances.</summary>
internal static class PodAnswerShapes
{
    private static readonly Shape.List Conditions = new(new Shape.Record("StatusCondition",
        new("name", Text, Required: true),
        new("lastChanged", Moment, Required: true),
        new("lastUpdated", Moment, Required: true),
        new("value", Text, Required: true),
        new("reason", Text)));

    private static readonly Shape.Record Termination = new("ContainerTerminationState",
        new("exitCode", new Shape.Whole(int.MinValue, int.MaxValue)),
        new("message", Text));

    private static readonly Shape.Record Resources = new("UsedResources",
        new("cpus", Amount, Required: true),
        new("mem", Amount, Required: true),
        new("disk", Amount),
        new("gpus", Count));

    private static readonly Shape.Record ContainerStatus = new("ContainerStatus",
        new("name", Text, Required: true),
        new("status", Text, Required: true),
        new("statusSince", Moment, Required: true),
        new("message", Text),
        new("conditions", Conditions),
        new("containerId", Text),
        new("endpoints", new Shape.List(new Shape.Record("ContainerEndpointStatus",
            new("name", Text, Required: true),
            new("allocatedHostPort", Count),
            new("healthy", Flag)))),
        new("resources", Resources),
        new("termination", Termination),
        new("lastUpdated", Moment, Required: true),
        new("lastChanged", Moment, Required: true));

    private static readonly Shape.Record InstanceStatus = new("PodInstanceStatus",
        new("id", Text, Required: true),
        new("status", new Shape.Text(Values: ["PENDING", "STAGING", "STABLE", "DEGRADED", "TERMINAL"]), Required: true),
        new("statusSince", Moment, Required: true),
        new("message", Text),
        new("conditions", Conditions),
        new("agentHostname", Text),
        new("agentId", Text),
        new("agentRegion", Text),
        new("agentZone", Text),
        new("resources", Resources),
        new("networks", new Shape.List(new Shape.Record("NetworkStatus",
            new("name", Text),
            new("addresses", Texts)))),
        new("containers", new Shape.List(ContainerStatus)),
        new("specReference", Text),
        new("localVolumes", new Shape.List(LocalVolume)),
        new("lastUpdated", Moment, Required: true),
        new("lastChanged", Moment, Required: true),
        new("role", Text, Required: true));

    /// <summary>A pod as it is kept, with all that defaults fill in.</summary>
    public static readonly Shape.Record Pod = new("PodInfo",
        [.. PodSchema.Pod.Fields.Select(field => field.Name == "version" ? field with { Required = true } : field)]);

    public static readonly Shape.List Pods = new(Pod);

    public static readonly Shape.Record Status = new("PodStatus",
        new("id", Text, Required: true),
        new("spec", Pod, Required: true),
        new("status", new Shape.Text(Values: ["DEGRADED", "STABLE", "TERMINAL"]), Required: true),
        new("statusSince", Moment, Required: true),
        new("message", Text),
        new("instances", new Shape.List(InstanceStatus)),
        new("terminationHistory", new Shape.List(new Shape.Record("TerminationHistory",
            new("instanceID", Text, Required: true),
            new("startedAt", Moment, Required: true),
            new("terminatedAt", Moment, Required: true),
            new("message", Text),
            new("containers", new Shape.List(new Shape.Record("ContainerTerminationHistory",
                new("containerId", Text, Required: true),
                new("lastKnownState", Text),
                new("termination", Termination))))))),
        new("lastUpdated", Moment, Required: true),
        new("lastChanged", Moment, Required: true));

    public static readonly Shape.List Statuses = new(Status);

    public static readonly Shape.Record Instance = new("Instance",
        new("instanceId", Text, Required: true),
        new("state", new Shape.Record("InstanceState",
            new("condition", new Shape.Text(Values: EnumTexts.Conditions), Required: true),
            new("since", Moment, Required: true),
            new("activeSince", Moment),
            new("healthy", Flag),
            new("goal", new Shape.Text(Values: ["Running", "Stopped", "Decommissioned"]), Required: true)), Required: true),
        new("agentInfo", new Shape.Record("AgentInfo",
            new("host", Text, Required: true),
            new("agentId", Text),
            new("region", Text),
            new("zone", Text),
            new("attributes", new Shape.List(AgentAttribute), Required: true))),
        new("runSpecVersion", Moment, Required: true),
        new("unreachableStrategy", AppSchema.App.ByName["unreachableStrategy"].Shape, Required: true));

    public static readonly Shape.List Instances = new(Instance);
}
