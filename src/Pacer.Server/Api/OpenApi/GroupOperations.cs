using Pacer.Server.Api.Groups;
using static Pacer.Server.Api.OpenApi.QueryParameters;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Everything under <c>/v2/groups</c>. Without an id the root is meant.</summary>
internal static class GroupOperations
{
    private const string Tag = "Groups";

    private static readonly Answer Deploying = new(200, "The deployment that makes it so.", AnswerShapes.DeploymentResult);
    private static readonly Answer Planned = Deploying with
    {
        Note = "The deployment that makes it so; with dryRun its steps.",
        Body = AppOperations.Either(ClusterAnswerShapes.DeploymentSteps),
    };

    private static readonly Answer Info = new(200, "The group and what is in it.", ClusterAnswerShapes.GroupInfo);
    private static readonly Answer Versions = new(200, "The newest first.", ClusterAnswerShapes.Moments);
    private static readonly Answer Apps = new(200, "Its apps and those of the groups in it.", ClusterAnswerShapes.Apps);

    public static readonly Operation[] All = [.. Of(""), .. Of("/{id}"), Patch];

    private static Operation Patch => new(Tag, "PATCH", "/v2/groups/{id}", "Say whether its apps must have its role", new Answer(200, "Done."))
    {
        Body = GroupSchema.Patch,
    };

    private static IEnumerable<Operation> Of(string id) =>
    [
        new(Tag, "GET", $"/v2/groups{id}", "Show a group", Info) { Query = [GroupEmbed, .. LongPoll] },
        new(Tag, "POST", $"/v2/groups{id}", "Create a group with all in it", Deploying with { Status = 201 })
        {
            Body = GroupSchema.Update,
            Query = [Force],
            Note = "The id of the body is relative to the group of the path.",
        },
        new(Tag, "PUT", $"/v2/groups{id}", "Change or create a group with all in it", Planned)
        {
            Body = GroupSchema.Update,
            Query = [Force, Flag("dryRun", "Only show the steps that it would take.")],
            Note = "Lists that are given are complete: what they leave out is removed. A body of nothing but version goes back to that version; "
                + "one of nothing but scaleBy multiplies the instances of all apps.",
        },
        new(Tag, "DELETE", $"/v2/groups{id}", "Remove a group with all in it", Deploying) { Query = [Force] },
        new(Tag, "GET", $"/v2/groups{id}/apps", "List the apps of a group", Apps) { Query = [GroupEmbed, .. LongPoll] },
        new(Tag, "GET", $"/v2/groups{id}/versions", "List the versions of a group", Versions) { Query = LongPoll },
        new(Tag, "GET", $"/v2/groups{id}/versions/{{version}}", "Show a version of a group", Info) { Query = [GroupEmbed] },
    ];
}
