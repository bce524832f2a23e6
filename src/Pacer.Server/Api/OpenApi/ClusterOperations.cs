using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.QueryParameters;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Deployments, the launch queue and events.</summary>
internal static class ClusterOperations
{
    public static readonly Operation[] All =
    [
        new("Deployments", "GET", "/v2/deployments", "List deployments under way", new Answer(200, "The oldest first.", ClusterAnswerShapes.Deployments)) { Query = LongPoll },
        new("Deployments", "DELETE", "/v2/deployments/{id}", "Stop a deployment",
            new Answer(200, "The deployment that takes it back.", AnswerShapes.DeploymentResult),
            new Answer(202, "With force: it stopped where it was."))
        {
            Query = [Flag("force", "Leave everything as it is now instead of going back.")],
        },
        new("Queue", "GET", "/v2/queue", "List instances that wait for a place, and why", new Answer(200, "One item a run spec and role.", ClusterAnswerShapes.Queue))
        {
            Query = [new("embed", new Shape.Text(Values: ["lastUnusedOffers"]), "Show the nodes that refused.") { Repeats = true }],
        },
        new("Queue", "DELETE", "/v2/queue/{id}/delay", "Launch now instead of after the backoff", new Answer(204, "Done.")),
        new("Events", "GET", "/v2/events", "Follow what happens, as server-sent events", new Answer(200, "Events, as they come.", null, "text/event-stream"))
        {
            Query = [new("event_type", new Shape.Text(), "Only events of this type.") { Repeats = true }],
            Note = "Needs the header Accept: text/event-stream.",
        },
    ];
}
