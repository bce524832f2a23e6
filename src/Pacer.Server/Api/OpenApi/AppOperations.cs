using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.QueryParameters;

namespace Pacer.Server.Api.OpenApi;

/// <summary>Everything under <c>/v2/apps</c>.</summary>
internal static class AppOperations
{
    private const string Tag = "Apps";

    private static readonly Answer Deploying = new(200, "The deployment that makes it so.", AnswerShapes.DeploymentResult);

    private static readonly Answer Killed = new(200, "The tasks that are ended; with scale the deployment.", Either(AnswerShapes.TaskList));

    public static readonly Operation[] All =
    [
        new(Tag, "GET", "/v2/apps", "List apps", new Answer(200, "Apps in the order of their ids.", AnswerShapes.AppList))
        {
            Query =
            [
                new("cmd", new Shape.Text(), "Only apps whose command contains this."),
                new("id", new Shape.Text(), "Only apps whose id contains this."),
                new("label", new Shape.Text(), "A label selector: \"a\", \"a==b\", \"a!=b\", \"a in (b, c)\", \"a notin (b)\", joined by commas."),
                AppEmbed,
                .. LongPoll,
            ],
        },
        new(Tag, "POST", "/v2/apps", "Create an app", new Answer(201, "The app as it is kept, and its deployment.", AnswerShapes.AppInfo))
        {
            Body = AppSchema.App,
            Query = [Force],
        },
        new(Tag, "PUT", "/v2/apps", "Change or create several apps in one deployment", Deploying)
        {
            Body = AppSchema.Apps,
            Query = [Force, PartialUpdate],
        },
        new(Tag, "PATCH", "/v2/apps", "Change several apps in one deployment", Deploying) { Body = AppSchema.Apps, Query = [Force] },
        new(Tag, "GET", "/v2/apps/{id}", "Show an app", new Answer(200, "The app with its tasks.", AnswerShapes.AppSingle)) { Query = [AppEmbed, .. LongPoll] },
        new(Tag, "GET", "/v2/apps/{group}/*", "Show all apps of a group", new Answer(200, "Its apps and those of the groups in it.", AnswerShapes.AppsOfGroup))
        {
            Query = [AppEmbed, .. LongPoll],
        },
        new(Tag, "PUT", "/v2/apps/{id}", "Change or create an app", Deploying, Deploying with { Status = 201, Note = "It is new." })
        {
            Body = AppSchema.App,
            Query = [Force, PartialUpdate],
            Note = "A body of nothing but a version goes back to that version.",
        },
        new(Tag, "PATCH", "/v2/apps/{id}", "Change an app", Deploying) { Body = AppSchema.App, Query = [Force] },
        new(Tag, "DELETE", "/v2/apps/{id}", "Remove an app", Deploying) { Query = [Force with { Default = true }] },
        new(Tag, "POST", "/v2/apps/{id}/restart", "Replace all instances of an app", Deploying) { Query = [Force] },
        new(Tag, "GET", "/v2/apps/{id}/tasks", "List the tasks of an app", new Answer(200, "Its tasks.", AnswerShapes.TaskList)) { Query = LongPoll },
        new(Tag, "GET", "/v2/apps/{group}/*/tasks", "List the tasks of all apps of a group", new Answer(200, "Their tasks.", AnswerShapes.TaskList)) { Query = LongPoll },
        new(Tag, "DELETE", "/v2/apps/{id}/tasks", "End tasks of an app", Killed)
        {
            Query = [new("host", new Shape.Text(), "Only those on this node."), Scale, Force, Wipe],
        },
        new(Tag, "DELETE", "/v2/apps/{id}/tasks/{taskId}", "End a task", Killed with { Note = "The task that is ended; with scale the deployment.", Body = Either(AnswerShapes.TaskSingle) })
        {
            Query = [Scale, Force, Wipe],
        },
        new(Tag, "GET", "/v2/apps/{id}/versions", "List the versions of an app", new Answer(200, "The newest first.", AnswerShapes.VersionList)) { Query = LongPoll },
        new(Tag, "GET", "/v2/apps/{id}/versions/{version}", "Show a version of an app", new Answer(200, "The app as it was.", AnswerShapes.AppInfo)),
    ];

    // A deletion of tasks answers with one of two objects.
    internal static Shape.Record Either(Shape.Record tasks) => new(
        tasks.Name + "OrDeployment",
        [.. tasks.Fields.Concat(AnswerShapes.DeploymentResult.Fields).Select(field => field with { Required = false })]);
}
