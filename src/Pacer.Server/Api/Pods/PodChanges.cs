using Microsoft.AspNetCore.Http;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Pods;

/// <summary>The writes: each reads a body, plans a change on a snapshot and submits it as one deployment.</summary>
internal sealed class PodChanges(AppsContext context, Action<PodChanged>? changed)
{
    public async Task CreateAsync(HttpContext http)
    {
        using var body = await AppChanges.ReadAsync(http, PodSchema.Pod);
        var force = AppQuery.Flag(http, "force");
        var id = PodReader.ReadId(body.RootElement);
        RunSpec? planned = null;
        var result = await RunSpecCommit.SubmitAsync(context.Loop, state =>
        {
            if (PodLookup.Replaced(state, id) is not null)
            {
                throw new ApiException(ApiErrors.PodExists(id.Path));
            }
            planned = PodReader.Read(context, body.RootElement, id, current: null, force);
            return context.Warned(http, [new RunSpecChange.Put(planned, Base: null)]);
        }, force, http.RequestAborted);
        if (result is CommandResult.Deploying)
        {
            ApiResponse.SetLocation(http, id.Path);
        }
        await AnswerAsync(http, result, planned!, 201, "pod_created_event");
    }

    /// <summary>Replaces the pod, or makes it when there is none (also 200, as in Marathon).</summary>
    public async Task PutAsync(HttpContext http, string path)
    {
        using var body = await AppChanges.ReadAsync(http, PodSchema.Pod);
        var force = AppQuery.Flag(http, "force");
        var given = PodReader.ReadId(body.RootElement);
        if (!RunSpecPath.TryResolve(path, out var id, out var error))
        {
            throw new ApiException(ApiErrors.InvalidObject("/id", error!));
        }
        if (given != id)
        {
            throw new ApiException(ApiErrors.BadRequest($"'{id}' does not match definition's id ('{given}')"));
        }
        RunSpec? planned = null;
        var result = await RunSpecCommit.SubmitAsync(context.Loop, state =>
        {
            var current = PodLookup.Replaced(state, id);
            planned = PodReader.Read(context, body.RootElement, id, current, force);
            return context.Warned(http, [new RunSpecChange.Put(planned, current?.Version)]);
        }, force, http.RequestAborted);
        await AnswerAsync(http, result, planned!, 200, "pod_updated_event");
    }

    public async Task DeleteAsync(HttpContext http, string path)
    {
        var id = PodLookup.Id(path);
        var result = await RunSpecCommit.SubmitAsync(
            context.Loop,
            state => [new RunSpecChange.Remove(PodLookup.Pod(state, id).Id)],
            AppQuery.Flag(http, "force"),
            http.RequestAborted);
        if (result is not CommandResult.Deploying deploying)
        {
            await CommandResults.WriteAsync(http, result);
            return;
        }
        Announce(http, "pod_deleted_event");
        ApiResponse.SetDeploymentId(http, deploying.DeploymentId);
        ApiResponse.SetLocation(http, "/" + deploying.DeploymentId.Value);
        await ApiResponse.WriteEmptyAsync(http, 202);
    }

    private async Task AnswerAsync(HttpContext http, CommandResult result, RunSpec planned, int status, string eventType)
    {
        if (result is not CommandResult.Deploying deploying)
        {
            await CommandResults.WriteAsync(http, result);
            return;
        }
        Announce(http, eventType);
        ApiResponse.SetDeploymentId(http, deploying.DeploymentId);
        await ApiResponse.WriteBytesAsync(http, status, PodRendering.Json(AppChanges.Stored(context.Loop.State, planned, deploying.Version)));
    }

    private void Announce(HttpContext http, string eventType) =>
        changed?.Invoke(new PodChanged(eventType, http.Connection.RemoteIpAddress?.ToString() ?? "", http.Request.Path.Value ?? ""));
}
