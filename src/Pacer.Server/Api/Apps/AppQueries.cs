using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>The reads. Each takes one snapshot and never enters the loop.</summary>
internal static class AppQueries
{
    private const AppEmbeds ListDefault = AppEmbeds.Counts | AppEmbeds.Deployments;
    private const AppEmbeds SingleDefault = AppEmbeds.Counts | AppEmbeds.Tasks | AppEmbeds.LastTaskFailure | AppEmbeds.Deployments;

    public static Task ListAsync(AppsContext context, HttpContext http)
    {
        var embeds = ListDefault | Embeds(http);
        var cmd = AppQuery.Text(http, "cmd");
        var id = AppQuery.Text(http, "id");
        LabelSelector? labels = null;
        if (AppQuery.Text(http, "label") is { } query && !LabelSelector.TryParse(query, out labels, out var error))
        {
            return ApiResponse.WriteErrorAsync(http, ApiErrors.Unprocessable(error));
        }
        var now = context.Now;
        return SnapshotRead.AnswerAsync(http, context.Loop, state => PartsOfAll(state, embeds), state => AppRendering.SendListAsync(
            http, "apps"u8.ToArray(), state.RunSpecs.Values.Where(spec => spec.Kind == RunSpecKind.App && Matches(spec, cmd, id, labels)), state, embeds, now));
    }

    public static Task GetAsync(AppsContext context, HttpContext http, string path)
    {
        var embeds = SingleDefault | Embeds(http);
        return SnapshotRead.AnswerAsync(http, context.Loop, state => PartsOf(state, path, embeds), state =>
        {
            var spec = AppLookup.App(state, path);
            TellOfHeldKills(http, state, spec);
            return AppRendering.SendAsync(http, spec, state, embeds, context.Now);
        });
    }

    // The body is Marathon's; it has no place for what Marathon does not do.
    private static void TellOfHeldKills(HttpContext http, ClusterState state, RunSpec spec)
    {
        var held = state.InstancesOf(spec.Id).Values.Count(instance => instance.HeldKill is not null);
        if (held > 0)
        {
            ApiResponse.AddWarnings(http, [$"{held} unhealthy instances are not killed, because most of {spec.Id} are unhealthy together"]);
        }
    }

    public static Task GroupAsync(AppsContext context, HttpContext http, string path)
    {
        var embeds = SingleDefault | Embeds(http);
        return SnapshotRead.AnswerAsync(http, context.Loop, state => PartsOfAll(state, embeds), state => AppRendering.SendListAsync(
            http, "*"u8.ToArray(), AppLookup.Group(state, path), state, embeds, context.Now));
    }

    public static Task VersionsAsync(AppsContext context, HttpContext http, string path) => SnapshotRead.AnswerAsync(
        http, context.Loop, state => PartsOf(state, path, AppEmbeds.None), state => WriteVersionsAsync(http, state, path));

    public static Task VersionAsync(AppsContext context, HttpContext http, string path, string version) => SnapshotRead.AnswerAsync(
        http, context.Loop, state => PartsOf(state, path, AppEmbeds.None), state => ApiResponse.WriteBytesAsync(
            http, 200, AppRendering.Json(AppLookup.Version(state, AppLookup.App(state, path).Id, AppReader.ParseVersion(version)))));

    /// <summary>What an answer about all apps, or those of a group, shows of the state.</summary>
    public static object?[]? PartsOfAll(ClusterState state, AppEmbeds embeds) => embeds.HasFlag(AppEmbeds.TaskStats)
        ? null // ages of tasks: another answer every second
        : [state.RunSpecs, state.Groups, state.Instances, state.LockedBy, state.Deployments, state.TaskFailures];

    private static object?[]? PartsOf(ClusterState state, string path, AppEmbeds embeds) =>
        embeds.HasFlag(AppEmbeds.TaskStats) || !RunSpecPath.TryResolve(path, out var id, out _) || AppLookup.Find(state, id) is not { } spec
            ? null
            : [spec, state.Versions.GetValueOrDefault(id), state.InstancesOf(id), state.DeploymentOf(id), state.TaskFailures.GetValueOrDefault(id)];

    private static Task WriteVersionsAsync(HttpContext http, ClusterState state, string path)
    {
        var spec = AppLookup.App(state, path);
        var versions = state.Versions.TryGetValue(spec.Id, out var history)
            ? history.Keys.Reverse().Select(version => version.ToString()).ToList()
            : [spec.Version.ToString()];
        return ApiResponse.WriteAsync(http, 200, new VersionList { Versions = versions }, WireJson.Plain.VersionList);
    }

    private static AppEmbeds Embeds(HttpContext http) => AppEmbedsQuery.Parse(http.Request.Query["embed"]);

    private static bool Matches(RunSpec spec, string? cmd, string? id, LabelSelector? labels)
    {
        if (id is not null && !spec.Id.Path.Contains(id, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }
        if (cmd is null && labels is null)
        {
            return true;
        }
        var app = AppRendering.Read(spec);
        return (cmd is null || app.Cmd?.Contains(cmd, StringComparison.OrdinalIgnoreCase) == true)
            && (labels is null || labels.Matches(app.Labels));
    }
}
