using Pacer.Server.Api.Pods;
using static Pacer.Server.Api.OpenApi.QueryParameters;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Everything under <c>/v2/pods</c>. What is asked of a pod stands behind two colons, which no id holds.</summary>
internal static class PodOperations
{
    private const string Tag = "Pods";

    private static readonly Answer Stored = new(200, "The pod as it is kept.", PodAnswerShapes.Pod);

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/pods", "List pods", new Answer(200, "Pods in the order of their ids.", PodAnswerShapes.Pods)),
        new(Tag, "POST", "/v2/pods", "Create a pod", Stored with { Status = 201 }) { Body = PodSchema.Pod, Query = [Force] },
        new(Tag, "GET", "/v2/pods/{id}", "Show a pod", Stored),
        new(Tag, "PUT", "/v2/pods/{id}", "Replace or create a pod", Stored) { Body = PodSchema.Pod, Query = [Force] },
        new(Tag, "DELETE", "/v2/pods/{id}", "Remove a pod", new Answer(202, "The header Marathon-Deployment-Id names the deployment.")) { Query = [Force] },
        new(Tag, "GET", "/v2/pods::status", "Show how all pods fare", new Answer(200, "In the order of their ids.", PodAnswerShapes.Statuses)),
        new(Tag, "GET", "/v2/pods/{id}::status", "Show how a pod and its instances fare", new Answer(200, "Instances with their containers.", PodAnswerShapes.Status)),
        new(Tag, "GET", "/v2/pods/{id}::versions", "List the versions of a pod", new Answer(200, "The newest first.", ClusterAnswerShapes.Moments)),
        new(Tag, "GET", "/v2/pods/{id}::versions/{version}", "Show a version of a pod", Stored),
        new(Tag, "DELETE", "/v2/pods/{id}::instances", "End instances of a pod", new Answer(200, "Those that there were.", PodAnswerShapes.Instances))
        {
            Body = PodSchema.Ids,
            Query = [Wipe],
        },
        new(Tag, "DELETE", "/v2/pods/{id}::instances/{instanceId}", "End an instance of a pod", new Answer(200, "The instance.", PodAnswerShapes.Instance))
        {
            Query = [Wipe],
        },
    ];
}
