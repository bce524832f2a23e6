using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Pods;

/// <summary>Ends instances of one pod. Plain: each is launched again under its id. With <c>wipe</c>: new ones take their place.</summary>
internal static class PodInstanceEndpoints
{
    private const string Form = "must be the id of an instance: '^(.+)\\.(instance-|marathon-)([^\\.]+)$'";

    public static async Task DeleteAsync(AppsContext context, HttpContext http, string path, string instanceId)
    {
        if (!IsInstanceId(instanceId))
        {
            throw new ApiException(ApiErrors.InvalidObject("/instanceId", Form));
        }
        var state = context.Loop.State;
        var spec = Pod(state, path);
        if (!state.InstancesOf(spec.Id).TryGetValue(new InstanceId(instanceId), out var instance))
        {
            throw new ApiException(ApiErrors.TaskNotFound(instanceId));
        }
        var result = await EndAsync(context, http, [instance]);
        await (result is CommandResult.Done
            ? ApiResponse.WriteAsync(http, 200, PodInstanceRendering.Info(instance, spec, state), WireJson.Plain.InstanceInfo)
            : CommandResults.WriteAsync(http, result));
    }

    public static async Task DeleteManyAsync(AppsContext context, HttpContext http, string path)
    {
        using var body = await AppChanges.ReadAsync(http, PodSchema.Ids);
        var ids = body.RootElement.EnumerateArray().Select(id => id.GetString()!).ToList();
        var wrong = ids.Select((id, index) => (id, index)).Where(entry => !IsInstanceId(entry.id))
            .Select(entry => new ErrorDetail { Path = $"({entry.index})", Errors = ["error.pattern"], Message = Form }).ToList();
        if (wrong.Count > 0)
        {
            throw new ApiException(ApiErrors.InvalidJson(wrong));
        }
        var state = context.Loop.State;
        var spec = Pod(state, path);
        var known = state.InstancesOf(spec.Id);
        var instances = ids.Distinct().Select(id => known.GetValueOrDefault(new InstanceId(id))).OfType<Instance>().ToList();
        var result = await EndAsync(context, http, instances);
        await (result is CommandResult.Done
            ? ApiResponse.WriteAsync(
                http, 200, [.. instances.Select(instance => PodInstanceRendering.Info(instance, spec, state))], WireJson.Plain.ListInstanceInfo)
            : CommandResults.WriteAsync(http, result));
    }

    private static Task<CommandResult> EndAsync(AppsContext context, HttpContext http, List<Instance> instances) =>
        new KillFlags(Scale: false, Wipe: AppQuery.Flag(http, "wipe"), Force: false).SubmitAsync(context.Loop, instances, http.RequestAborted);

    private static RunSpec Pod(ClusterState state, string path) =>
        RunSpecPath.TryResolve(path, out var id, out _) && PodLookup.Find(state, id) is { } spec
            ? spec
            : throw new ApiException(ApiErrors.PathNotFound(path));

    private static bool IsInstanceId(string text)
    {
        var dot = text.LastIndexOf('.');
        var name = text.AsSpan(dot + 1);
        return dot > 0 && ((name.StartsWith("instance-") && name.Length > "instance-".Length)
            || (name.StartsWith("marathon-") && name.Length > "marathon-".Length));
    }
}
