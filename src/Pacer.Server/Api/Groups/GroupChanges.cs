using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Deployments;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Groups;

/// <summary>The writes: each plans changes on a snapshot of the whole root and submits them as one deployment.</summary>
internal static class GroupChanges
{
    public static async Task CreateAsync(AppsContext context, HttpContext http, string path)
    {
        using var body = await AppChanges.ReadAsync(http, GroupSchema.Update);
        var id = GroupPath.OfBody(body.RootElement, GroupPath.OfUrl(path));
        var force = AppQuery.Flag(http, "force");
        var result = await RunSpecCommit.SubmitAsync(context.Loop, state =>
        {
            if (state.HasGroup(id))
            {
                throw new ApiException(ApiErrors.GroupExists(id));
            }
            if (state.RunSpecs.ContainsKey(new RunSpecId(id)))
            {
                throw new ApiException(ApiErrors.AppWithPathExists(id));
            }
            return Warned(context, http, GroupPlan.Make(context, state, body.RootElement, id, force));
        }, http.RequestAborted);
        if (result is CommandResult.Deploying)
        {
            ApiResponse.SetLocation(http, id);
        }
        await CommandResults.WriteAsync(http, result, deployingStatus: 201);
    }

    private static Input.ChangeRunSpecs Warned(AppsContext context, HttpContext http, Input.ChangeRunSpecs plan)
    {
        context.Warned(http, plan.Changes);
        return plan;
    }

    public static async Task PutAsync(AppsContext context, HttpContext http, string path)
    {
        using var body = await AppChanges.ReadAsync(http, GroupSchema.Update);
        var id = GroupPath.OfBody(body.RootElement, GroupPath.OfUrl(path));
        var force = AppQuery.Flag(http, "force");
        Input.ChangeRunSpecs Plan(ClusterState state) =>
            IsAlone(body.RootElement, "version") ? GroupRollback.Make(
                state, id, AppReader.ParseVersion(body.RootElement.GetProperty("version").GetString()!), force)
            : IsAlone(body.RootElement, "scaleBy") ? Scale(context, state, id, body.RootElement.GetProperty("scaleBy").GetDouble(), force)
            : Warned(context, http, GroupPlan.Make(context, state, body.RootElement, id, force));

        if (AppQuery.Flag(http, "dryRun"))
        {
            var state = context.Loop.State;
            var (preview, steps) = Orchestrator.Preview(state, Plan(state), context.Now, new ClusterSettings());
            await (CommandResults.ToError(preview) is { } error
                ? ApiResponse.WriteErrorAsync(http, error)
                : ApiResponse.WriteAsync(
                    http, 200, new DeploymentPlanInfo { Steps = DeploymentEndpoints.Render(steps) }, ClusterJson.Plain.DeploymentPlanInfo));
            return;
        }
        await CommandResults.WriteAsync(http, await RunSpecCommit.SubmitAsync(context.Loop, Plan, http.RequestAborted));
    }

    public static async Task PatchAsync(AppsContext context, HttpContext http, string path)
    {
        using var body = await AppChanges.ReadAsync(http, GroupSchema.Patch);
        var id = GroupPath.OfUrl(path);
        bool? enforce = body.RootElement.TryGetProperty("enforceRole", out var value) && value.ValueKind != JsonValueKind.Null
            ? value.GetBoolean()
            : null;
        var result = await context.Loop.SubmitAsync(request => new Input.EnforceRole(request, id, enforce), http.RequestAborted);
        await (result is CommandResult.Done ? ApiResponse.WriteEmptyAsync(http, 200) : CommandResults.WriteAsync(http, result));
    }

    public static async Task DeleteAsync(AppsContext context, HttpContext http, string path)
    {
        var id = GroupPath.OfUrl(path);
        var force = AppQuery.Flag(http, "force");
        var result = await RunSpecCommit.SubmitAsync(
            context.Loop,
            _ => new Input.ChangeRunSpecs(default, [], force) { Groups = [new GroupChange.Remove(id)], GroupId = id },
            http.RequestAborted);
        await CommandResults.WriteAsync(http, result);
    }

    private static Input.ChangeRunSpecs Scale(AppsContext context, ClusterState state, string id, double factor, bool force)
    {
        if (!state.HasGroup(id))
        {
            throw new ApiException(ApiErrors.GroupNotFound(id));
        }
        var changes = new List<RunSpecChange>();
        foreach (var spec in state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.App && spec.Id.IsInGroup(id)))
        {
            if (spec.Instances * factor > context.Rules.MaxInstances)
            {
                throw new ApiException(ApiErrors.InvalidObject("/scaleBy",
                    $"would give {spec.Id} more than {context.Rules.MaxInstances} instances"));
            }
            // Decimal, so that 10 times 1.1 is 11 and not a little more.
            var instances = spec.Instances == 0 ? 0 : (int)Math.Ceiling(spec.Instances * (decimal)factor);
            changes.Add(new RunSpecChange.Put(spec with { Instances = instances }, spec.Version));
        }
        return new Input.ChangeRunSpecs(default, ValueList.From(changes), force) { GroupId = id, RootBase = state.RootVersion };
    }

    // The id may stand beside it: it only says which group is meant.
    private static bool IsAlone(JsonElement body, string member)
    {
        var found = false;
        foreach (var given in body.EnumerateObject().Where(given => given.Value.ValueKind != JsonValueKind.Null))
        {
            found |= given.Name == member;
            if (given.Name != member && given.Name != "id" && GroupSchema.Update.ByName.ContainsKey(given.Name))
            {
                return false;
            }
        }
        return found;
    }
}
