using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Tasks;

/// <summary>Tasks of all apps: list, and end several at once.</summary>
internal static class TaskEndpoints
{
    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        app.MapRead("/v2/tasks", http => ListAsync(http, loop));
        app.MapPost("/v2/tasks/delete", ApiRoute.Guard(http => DeleteAsync(http, loop)));
    }

    private static Task ListAsync(HttpContext http, IClusterLoop loop)
    {
        var isText = EndpointLines.AreWanted(http);
        return SnapshotRead.AnswerAsync(http, loop, state => [state.RunSpecs, state.Instances], state => isText
            ? ApiResponse.WriteTextAsync(http, "text/plain", EndpointLines.Render(state, Apps(state)))
            : SendAsync(http, state), isText ? "-text" : "");
    }

    private static Task SendAsync(HttpContext http, ClusterState state)
    {
        var query = http.Request.Query;
        var wanted = query["status"].Concat(query["status[]"])
            .Select(status => status?.ToLowerInvariant() switch
            {
                "running" => (Condition?)Condition.Running,
                "staging" => Condition.Staging,
                _ => null,
            })
            .OfType<Condition>().ToHashSet();
        return TaskRendering.SendListAsync(
            http, state, Apps(state), withServicePorts: true, wanted.Count == 0 ? null : instance => wanted.Contains(instance.Condition));
    }

    private static IEnumerable<RunSpec> Apps(ClusterState state) => state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.App);

    private static async Task DeleteAsync(HttpContext http, IClusterLoop loop)
    {
        var kill = KillFlags.Read(http);
        var ids = await ReadIdsAsync(http);
        var state = loop.State;
        var instances = new Dictionary<InstanceId, Instance>();
        foreach (var id in ids)
        {
            if (!new TaskId(id).TryGetInstance(out var instanceId, out _, out _))
            {
                throw new ApiException(ApiErrors.BadRequest($"Invalid task id '{id}'. [A task id looks like app.instance-UUID._app.1]"));
            }
            // Tasks of pods are none of these: their instances end as a whole.
            if (state.Instance(instanceId) is { } instance && TaskRendering.IsListed(instance)
                && state.RunSpecs.GetValueOrDefault(instance.RunSpecId)?.Kind != RunSpecKind.Pod)
            {
                instances[instanceId] = instance;
            }
        }
        var result = await kill.SubmitAsync(loop, instances.Values, http.RequestAborted);
        if (result is CommandResult.Done)
        {
            var killed = new TaskList { Tasks = TaskRendering.RenderAll(instances.Values) };
            await ApiResponse.WriteAsync(http, 200, killed, WireJson.Plain.TaskList);
            return;
        }
        await CommandResults.WriteAsync(http, result);
    }

    private static async Task<List<string>> ReadIdsAsync(HttpContext http)
    {
        using var body = await RequestBody.ReadJsonAsync(http);
        var root = body.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Invalid("/", "error.expected.jsobject");
        }
        if (!root.TryGetProperty("ids", out var ids) || ids.ValueKind == JsonValueKind.Null)
        {
            throw Invalid("/ids", "error.path.missing");
        }
        if (ids.ValueKind != JsonValueKind.Array)
        {
            throw Invalid("/ids", "error.expected.jsarray");
        }
        var list = new List<string>();
        foreach (var id in ids.EnumerateArray())
        {
            list.Add(id.ValueKind == JsonValueKind.String ? id.GetString()! : throw Invalid($"/ids({list.Count})", "error.expected.jsstring"));
        }
        return list;
    }

    private static ApiException Invalid(string path, string code) =>
        new(ApiErrors.InvalidJson([new ErrorDetail { Path = path, Errors = [code] }]));
}
