using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.AnswerShapes;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Nodes, and questions about placement.</summary>
internal static class NodeOperations
{
    private static readonly Answer Changed = new(200, "The node as it is now.", ClusterAnswerShapes.Node);

    private static readonly Shape.Record Why = new("Why",
        new("id", Text, Required: true),
        new("instances", Count, Required: true),
        new("waiting", Count, Required: true),
        new("delaySeconds", Long, Required: true),
        new("nodes", Count, Required: true),
        new("accepting", Count, Required: true),
        new("reasons", new Shape.List(new Shape.Record("WhyReason",
            new("reason", Text, Required: true),
            new("nodes", Count, Required: true),
            new("asked", Text, Required: true),
            new("free", Text, Required: true),
            new("hostname", Text, Required: true))), Required: true),
        new("text", Texts, Required: true));

    private static readonly Shape.List Moves = new(new Shape.Record("PlanMove",
        new("app", Text, Required: true),
        new("node", Text, Required: true),
        new("hostname", Text, Required: true),
        new("instances", Count, Required: true)));

    private static readonly Shape.Record Plan = new("Plan",
        new("steps", new Shape.List(new Shape.Record("PlanStep",
            new("actions", new Shape.List(ClusterAnswerShapes.Action), Required: true),
            new("starts", Moves, Required: true),
            new("stops", Moves, Required: true))), Required: true),
        new("ends", Flag, Required: true),
        new("waiting", new Shape.List(Why), Required: true));

    public static readonly Operation[] All =
    [
        new("Nodes", "GET", "/v2/nodes", "List nodes", new Answer(200, "By hostname.", ClusterAnswerShapes.NodeList)) { Query = QueryParameters.LongPoll },
        new("Nodes", "GET", "/v2/nodes/{id}", "Show a node", new Answer(200, "The node and what is free on it.", ClusterAnswerShapes.Node)) { Query = QueryParameters.LongPoll },
        new("Nodes", "DELETE", "/v2/nodes/{id}", "Forget a node that is gone", new Answer(204, "Done.")),
        new("Nodes", "PUT", "/v2/nodes/{id}/cordon", "Keep new instances away", Changed),
        new("Nodes", "DELETE", "/v2/nodes/{id}/cordon", "Let new instances there again", Changed),
        new("Nodes", "PUT", "/v2/nodes/{id}/drain", "Move everything away", Changed)
        {
            Body = new Shape.Record("NodeDrainRequest",
                new("deadlineSeconds", new Shape.Number(0, 2_592_000)) { Note = "What is left then is killed; absent: nothing is." },
                new("includeResident", new Shape.Flag()) { Note = "Instances go too whose data stays." }),
            BodyIsOptional = true,
        },
        new("Nodes", "DELETE", "/v2/nodes/{id}/drain", "Take a node into use again", Changed),
        new("Placement", "GET", "/v2/why/{id}", "Tell why instances of an app wait", new Answer(200, "In numbers and in sentences.", Why)),
        new("Placement", "POST", "/v2/plan", "Tell what a change would do", new Answer(200, "Steps and nodes; nothing was changed.", Plan))
        {
            Body = AppSchema.App,
            Note = "The body may be a list of apps too. Tasks are taken to start and be healthy at once.",
        },
    ];
}
