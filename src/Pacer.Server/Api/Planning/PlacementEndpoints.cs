using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Deployments;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Planning;

/// <summary>Questions about placement (not part of Marathon's API): why an app waits, and what a change would do.</summary>
internal static class PlacementEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IClusterLoop loop, AppRules rules, TimeProvider time, ClusterSettings settings)
    {
        var context = new AppsContext(loop, rules, time, null);
        routes.MapGet("/v2/why/{**id}", ApiRoute.Guard(http =>
        {
            var state = loop.State;
            var id = AppLookup.Id("/" + (string?)http.GetRouteValue("id"));
            var spec = state.RunSpecs.GetValueOrDefault(id) ?? throw new ApiException(ApiErrors.AppNotFound(id.Path));
            return ApiResponse.WriteAsync(http, 200, WhyRendering.Of(state, spec, context.Now, settings), ClusterJson.Plain.WhyInfo);
        }));
        routes.MapPost("/v2/plan", ApiRoute.Guard(http => PlanAsync(context, http, settings)));
    }

    private static async Task PlanAsync(AppsContext context, HttpContext http, ClusterSettings settings)
    {
        using var body = await RequestBody.ReadJsonAsync(http);
        var isList = body.RootElement.ValueKind == JsonValueKind.Array;
        ApiResponse.AddWarnings(http, AppReader.CheckSchema(body.RootElement, isList ? AppSchema.Apps : AppSchema.App));
        var state = context.Loop.State;
        var changes = isList
            ? body.RootElement.EnumerateArray().Select((element, i) => AppChanges.PlanOne(context, http, state, element, $"({i})")).ToList()
            : [AppChanges.PlanOne(context, http, state, body.RootElement, "")];
        if (changes.Select(change => change.Id).Distinct().Count() < changes.Count)
        {
            throw new ApiException(ApiErrors.Unprocessable("An app is named twice in one request."));
        }
        var command = new Input.ChangeRunSpecs(default, ValueList.From(changes.Select(change => (RunSpecChange)change)), Force: true);
        var forecast = Forecast.Of(state, command, context.Now, settings);
        if (CommandResults.ToError(forecast.Result) is { } error)
        {
            await ApiResponse.WriteErrorAsync(http, error);
            return;
        }
        var specs = changes.ToDictionary(change => change.Id, change => change.Spec);
        await ApiResponse.WriteAsync(http, 200, new PlanInfo
        {
            Steps = [.. DeploymentEndpoints.Render(forecast.Steps).Select((step, i) => new PlanStep
            {
                Actions = step.Actions,
                Starts = Moves(forecast, i + 1, starts: true),
                Stops = Moves(forecast, i + 1, starts: false),
            })],
            Ends = forecast.Ends,
            Waiting = [.. forecast.Waits.Select(wait => WhyRendering.Of(state, specs[wait.RunSpecId], wait.Instances, 0, wait.Explanation))],
        }, ClusterJson.Plain.PlanInfo);
    }

    private static List<PlanMove> Moves(Forecast forecast, int step, bool starts) =>
    [
        .. forecast.Moves.Where(move => move.Step == step && move.Starts == starts)
            .GroupBy(move => (move.RunSpecId, move.Node, move.Hostname)).OrderBy(g => g.Key.RunSpecId).ThenBy(g => g.Key.Hostname, StringComparer.Ordinal)
            .Select(g => new PlanMove { App = g.Key.RunSpecId.Path, Node = g.Key.Node.Value, Hostname = g.Key.Hostname, Instances = g.Count() }),
    ];
}
