using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;
using Pacer.Server.Api.Vips;

namespace Pacer.Server.Api.Apps;

/// <summary>The writes: each reads a body, plans changes on a snapshot and submits them as one deployment.</summary>
internal static class AppChanges
{
    public static async Task CreateAsync(AppsContext context, HttpContext http)
    {
        using var body = await ReadAsync(http, AppSchema.App);
        var spec = AppConversion.ToRunSpec(context.Reader.ReadComplete(body.RootElement, id: null));
        var result = await SubmitAsync(context, http, state => AppLookup.Replaced(state, spec.Id) is null
            ? [new RunSpecChange.Put(spec, Base: null)]
            : throw new ApiException(ApiErrors.AppExists(spec.Id.Path)));
        if (result is not CommandResult.Deploying deploying)
        {
            await CommandResults.WriteAsync(http, result);
            return;
        }
        var app = AppRendering.CreatedJson(Stored(context.Loop.State, spec, deploying.Version), deploying.DeploymentId);
        Announce(context, http, app);
        ApiResponse.SetDeploymentId(http, deploying.DeploymentId);
        ApiResponse.SetLocation(http, spec.Id.Path);
        await ApiResponse.WriteBytesAsync(http, 201, app);
    }

    public static async Task PutAsync(AppsContext context, HttpContext http, string path)
    {
        if (!RunSpecPath.TryResolve(path, out var id, out var error))
        {
            throw new ApiException(ApiErrors.InvalidObject("/id", error!));
        }
        using var body = await ReadAsync(http, AppSchema.App);
        var partial = AppQuery.Flag(http, "partialUpdate", absent: true);
        await ChangeOneAsync(context, http, id, state => AppLookup.Replaced(state, id) is { } current && partial
            ? Update(context, http, state, body.RootElement, current)
            : Replace(context, http, body.RootElement, id, AppLookup.Replaced(state, id)));
    }

    public static async Task PatchAsync(AppsContext context, HttpContext http, string path)
    {
        var id = AppLookup.Id(path);
        using var body = await ReadAsync(http, AppSchema.App);
        await ChangeOneAsync(context, http, id, state => Update(context, http, state, body.RootElement, AppLookup.App(state, id)));
    }

    public static Task PutManyAsync(AppsContext context, HttpContext http)
    {
        var partial = AppQuery.Flag(http, "partialUpdate", absent: true);
        return ChangeManyAsync(context, http, (state, element, id, path) => AppLookup.Replaced(state, id) is { } current && partial
            ? Update(context, http, state, element, current, path)
            : Replace(context, http, element, id, AppLookup.Replaced(state, id), path));
    }

    public static Task PatchManyAsync(AppsContext context, HttpContext http) =>
        ChangeManyAsync(context, http, (state, element, id, path) =>
            Update(context, http, state, element, AppLookup.App(state, id), path));

    public static async Task DeleteAsync(AppsContext context, HttpContext http, string path)
    {
        var id = AppLookup.Id(path);
        var force = AppQuery.Flag(http, "force", absent: true);
        var result = await RunSpecCommit.SubmitAsync(
            context.Loop,
            state => [new RunSpecChange.Remove(AppLookup.App(state, id).Id)],
            force,
            http.RequestAborted);
        await CommandResults.WriteAsync(http, result);
    }

    public static async Task RestartAsync(AppsContext context, HttpContext http, string path)
    {
        var id = AppLookup.Id(path);
        await CommandResults.WriteAsync(
            http, await SubmitAsync(context, http, state => [new RunSpecChange.Restart(AppLookup.App(state, id).Id)]));
    }

    private static async Task ChangeOneAsync(
        AppsContext context, HttpContext http, RunSpecId id, Func<ClusterState, RunSpecChange.Put> plan)
    {
        RunSpecChange.Put? planned = null;
        var result = await SubmitAsync(context, http, state => [planned = plan(state)]);
        if (result is not CommandResult.Deploying deploying)
        {
            await CommandResults.WriteAsync(http, result);
            return;
        }
        if (context.Posted is not null)
        {
            Announce(context, http, AppRendering.Json(Stored(context.Loop.State, planned!.Spec, deploying.Version)));
        }
        var created = planned!.Base is null;
        if (created)
        {
            ApiResponse.SetLocation(http, id.Path);
        }
        await ApiResponse.WriteDeploymentAsync(http, deploying.DeploymentId, deploying.Version, created ? 201 : 200);
    }

    private static async Task ChangeManyAsync(
        AppsContext context, HttpContext http, Func<ClusterState, JsonElement, RunSpecId, string, RunSpecChange.Put> plan)
    {
        using var body = await ReadAsync(http, AppSchema.Apps);
        var elements = new List<(JsonElement Element, RunSpecId Id, string Path)>();
        var seen = new HashSet<RunSpecId>();
        foreach (var element in body.RootElement.EnumerateArray())
        {
            var path = $"({elements.Count})";
            var id = AppReader.ReadId(element, path);
            if (!seen.Add(id))
            {
                throw new ApiException(ApiErrors.InvalidObject($"{path}/id", $"'{id}' is named twice in one request"));
            }
            elements.Add((element, id, path));
        }
        var result = await SubmitAsync(
            context, http, state => ValueList.From(elements.Select(e => (RunSpecChange)plan(state, e.Element, e.Id, e.Path))));
        await CommandResults.WriteAsync(http, result);
    }

    /// <summary>What one app of a body would become, as a put of it has it.</summary>
    public static RunSpecChange.Put PlanOne(AppsContext context, HttpContext http, ClusterState state, JsonElement element, string path)
    {
        var id = AppReader.ReadId(element, path);
        var change = AppLookup.Replaced(state, id) is { } current
            ? Update(context, http, state, element, current, path)
            : Replace(context, http, element, id, null, path);
        context.Warned(http, [change]);
        return change;
    }

    private static RunSpecChange.Put Replace(
        AppsContext context, HttpContext http, JsonElement element, RunSpecId id, RunSpec? current, string path = "")
    {
        var app = context.Reader.ReadComplete(element, id, path, new AppPlace(CurrentRole: current?.Role));
        CheckResident(current, app, path, AppQuery.Flag(http, "force"));
        return new RunSpecChange.Put(AppConversion.ToRunSpec(app), current?.Version);
    }

    private static RunSpecChange.Put Update(
        AppsContext context, HttpContext http, ClusterState state, JsonElement element, RunSpec current, string path = "")
    {
        if (AppReader.ReadRollback(element) is { } version)
        {
            return new RunSpecChange.Put(AppLookup.Version(state, current.Id, version), current.Version);
        }
        var app = context.Reader.ReadUpdate(element, current, path);
        CheckResident(current, app, path, AppQuery.Flag(http, "force"));
        return new RunSpecChange.Put(AppConversion.ToRunSpec(app), current.Version);
    }

    /// <summary>Refuses changes that reservations and volumes of the running app can't follow.</summary>
    public static void CheckResident(RunSpec? current, Contracts.Wire.App app, string path, bool force)
    {
        if (current is null)
        {
            return;
        }
        var errors = new ErrorCollector();
        ResidentRules.ValidateUpdate(AppRendering.Read(current), app, force, errors);
        if (errors.Count > 0)
        {
            throw new ApiException(ApiErrors.InvalidObject(
                [.. errors.Details.Select(d => new Contracts.Wire.ErrorDetail { Path = path + d.Path, Errors = d.Errors })]));
        }
    }

    public static async Task<JsonDocument> ReadAsync(HttpContext http, Shape shape)
    {
        var body = await RequestBody.ReadJsonAsync(http);
        try
        {
            ApiResponse.AddWarnings(http, AppReader.CheckSchema(body.RootElement, shape).Concat(VipLabelWarnings.Of(body.RootElement)));
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private static Task<CommandResult> SubmitAsync(
        AppsContext context, HttpContext http, Func<ClusterState, ValueList<RunSpecChange>> plan) =>
        RunSpecCommit.SubmitAsync(context.Loop, state => context.Warned(http, plan(state)), AppQuery.Flag(http, "force"), http.RequestAborted);

    // The stored form has the version and the service ports. Later changes may have come in between; the history still has ours.
    public static RunSpec Stored(ClusterState state, RunSpec planned, Timestamp version)
    {
        if (state.Versions.TryGetValue(planned.Id, out var history) && history.TryGetValue(version, out var stored))
        {
            return stored;
        }
        return state.RunSpecs.TryGetValue(planned.Id, out var current) ? current : planned with { Version = version };
    }

    private static void Announce(AppsContext context, HttpContext http, ReadOnlyMemory<byte> app) =>
        context.Posted?.Invoke(new AppPosted(
            http.Connection.RemoteIpAddress?.ToString() ?? "", http.Request.Path.Value ?? "", app));
}
