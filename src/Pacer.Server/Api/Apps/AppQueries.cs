using Microsoft.AspNetCore.Http;
using Pacer.Contracts.Wire;
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
        var state = context.Loop.State;
        var embeds = ListDefault | Embeds(http);
        var cmd = AppQuery.Text(http, "cmd");
        var id = AppQuery.Text(http, "id");
        LabelSelector? labels = null;
        if (AppQuery.Text(http, "label") is { } query && !LabelSelector.TryParse(query, out labels, out var error))
        {
            return ApiResponse.WriteErrorAsync(http, ApiErrors.Unprocessable(error));
        }
        var now = context.Now;
        var apps = state.RunSpecs.Values
            .Where(spec => spec.Kind == RunSpecKind.App && Matches(spec, cmd, id, labels))
            .Select(spec => AppRendering.InfoJson(spec, state, embeds, now));
        return ApiResponse.WriteBytesAsync(http, 200, AppRendering.ListJson("apps", apps));
    }

    public static Task GetAsync(AppsContext context, HttpContext http, string path)
    {
        var state = context.Loop.State;
        var spec = AppLookup.App(state, path);
        var app = AppRendering.InfoJson(spec, state, SingleDefault | Embeds(http), context.Now);
        return ApiResponse.WriteBytesAsync(http, 200, AppRendering.SingleJson(app));
    }

    public static Task GroupAsync(AppsContext context, HttpContext http, string path)
    {
        var state = context.Loop.State;
        var embeds = SingleDefault | Embeds(http);
        var now = context.Now;
        var apps = AppLookup.Group(state, path).Select(spec => AppRendering.InfoJson(spec, state, embeds, now));
        return ApiResponse.WriteBytesAsync(http, 200, AppRendering.ListJson("*", apps));
    }

    public static Task VersionsAsync(AppsContext context, HttpContext http, string path)
    {
        var state = context.Loop.State;
        var spec = AppLookup.App(state, path);
        var versions = state.Versions.TryGetValue(spec.Id, out var history)
            ? history.Keys.Reverse().Select(version => version.ToString()).ToList()
            : [spec.Version.ToString()];
        return ApiResponse.WriteAsync(http, 200, new VersionList { Versions = versions }, WireJson.Plain.VersionList);
    }

    public static Task VersionAsync(AppsContext context, HttpContext http, string path, string version)
    {
        var state = context.Loop.State;
        var spec = AppLookup.App(state, path);
        var stored = AppLookup.Version(state, spec.Id, AppReader.ParseVersion(version));
        return ApiResponse.WriteBytesAsync(http, 200, AppRendering.Json(stored));
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
