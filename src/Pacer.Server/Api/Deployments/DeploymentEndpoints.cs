using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Events;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Deployments;

/// <summary>Changes under way: list and stop.</summary>
internal static class DeploymentEndpoints
{
    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        app.MapRead("/v2/deployments", http => SnapshotRead.AnswerAsync(
            http, loop, state => [state.Deployments, state.Deployments.IsEmpty ? null : state.Instances], state => ApiResponse.WriteAsync(
                http, 200, Render(state), ClusterJson.Plain.ListRunningDeployment)));
        app.MapDelete("/v2/deployments/{id}", ApiRoute.Guard(http => CancelAsync(http, loop)));
    }

    private static List<RunningDeployment> Render(ClusterState state) =>
        [.. state.Deployments.Values.OrderBy(deployment => deployment.StartedAt).Select(deployment => Render(state, deployment))];

    internal static RunningDeployment Render(ClusterState state, Deployment deployment)
    {
        var affected = deployment.Transitions.ToLookup(t => (t.Target ?? t.Original)?.Kind ?? RunSpecKind.App, t => t.Id.Path);
        return new RunningDeployment
        {
            Id = deployment.Id.Value,
            Version = deployment.Version.ToString(),
            AffectedApps = [.. affected[RunSpecKind.App]],
            AffectedPods = [.. affected[RunSpecKind.Pod]],
            Steps = Render(deployment.Steps),
            CurrentActions = [.. (deployment.Current?.Actions ?? []).Select(action => Render(action, CheckRendering.Readiness(state, action.RunSpecId)))],
            CurrentStep = deployment.CurrentStep,
            TotalSteps = deployment.Steps.Count,
        };
    }

    internal static List<DeploymentStepInfo> Render(ValueList<DeploymentStep> steps) =>
        [.. steps.Select(step => new DeploymentStepInfo { Actions = [.. step.Actions.Select(action => Render(action, null))] })];

    private static DeploymentActionInfo Render(DeploymentAction action, List<Contracts.Wire.ReadinessResult>? readiness) => new()
    {
        Action = DeploymentActionNames.Of(action),
        App = action.RunSpecKind == RunSpecKind.App ? action.RunSpecId.Path : null,
        Pod = action.RunSpecKind == RunSpecKind.Pod ? action.RunSpecId.Path : null,
        ReadinessCheckResults = readiness,
    };

    private static async Task CancelAsync(HttpContext http, IClusterLoop loop)
    {
        var id = new DeploymentId((string)http.GetRouteValue("id")!);
        var force = AppQuery.Flag(http, "force");
        var result = await loop.SubmitAsync(request => new Input.CancelDeployment(request, id, force), http.RequestAborted);
        if (result is CommandResult.Done)
        {
            await ApiResponse.WriteEmptyAsync(http, StatusCodes.Status202Accepted);
            return;
        }
        await CommandResults.WriteAsync(http, result);
    }
}
