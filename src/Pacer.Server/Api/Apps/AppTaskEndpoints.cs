using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;
using Pacer.Server.Api.Tasks;

namespace Pacer.Server.Api.Apps;

/// <summary>Tasks of one app, or of the apps of one group.</summary>
internal static class AppTaskEndpoints
{
    public static Task ListAsync(AppsContext context, HttpContext http, string path) => AnswerAsync(
        context, http, state => [AppLookup.App(state, path)], state => [AppLookup.App(state, path), state.InstancesOf(AppLookup.Id(path))]);

    public static Task ListGroupAsync(AppsContext context, HttpContext http, string path) => AnswerAsync(
        context, http, state => AppLookup.Group(state, path), state => AppQueries.PartsOfAll(state, AppEmbeds.Tasks));

    private static Task AnswerAsync(
        AppsContext context, HttpContext http, Func<ClusterState, IEnumerable<RunSpec>> apps, Func<ClusterState, object?[]?> parts)
    {
        var isText = EndpointLines.AreWanted(http);
        return SnapshotRead.AnswerAsync(http, context.Loop, parts, state => isText
            ? ApiResponse.WriteTextAsync(http, "text/plain", EndpointLines.Render(state, apps(state)))
            : TaskRendering.SendListAsync(http, state, apps(state), withServicePorts: false),
            isText ? "-text" : "");
    }

    public static async Task KillAllAsync(AppsContext context, HttpContext http, string path)
    {
        var kill = KillFlags.Read(http);
        var state = context.Loop.State;
        var host = AppQuery.Text(http, "host") ?? "*";
        var instances = state.InstancesOf(AppLookup.App(state, path).Id).Values
            .Where(instance => TaskRendering.IsListed(instance) && (host == "*" || instance.Placement!.Hostname == host)).ToList();
        var result = await kill.SubmitAsync(context.Loop, instances, http.RequestAborted);
        if (result is CommandResult.Done)
        {
            await WriteTasks(http, TaskRendering.RenderAll(instances));
            return;
        }
        await CommandResults.WriteAsync(http, result);
    }

    public static async Task KillOneAsync(AppsContext context, HttpContext http, string path, string taskId)
    {
        var kill = KillFlags.Read(http);
        var state = context.Loop.State;
        var app = AppLookup.App(state, path);
        var instance = state.InstancesOf(app.Id).Values
            .FirstOrDefault(i => i.Tasks.Any(task => task.Id.Value == taskId));
        if (instance is null && !kill.Scale)
        {
            throw new ApiException(ApiErrors.TaskNotFound(taskId));
        }
        var result = await kill.SubmitAsync(context.Loop, instance is null ? [] : [instance], http.RequestAborted);
        if (result is CommandResult.Done && instance is not null)
        {
            var task = instance.Tasks.First(t => t.Id.Value == taskId);
            var body = new SingleTask { Task = TaskRendering.Render(instance, task) };
            await ApiResponse.WriteAsync(http, 200, body, WireJson.Plain.SingleTask);
            return;
        }
        await CommandResults.WriteAsync(http, result);
    }

    private static Task WriteTasks(HttpContext http, List<AppTask> tasks) =>
        ApiResponse.WriteAsync(http, 200, new TaskList { Tasks = tasks }, WireJson.Plain.TaskList);
}
