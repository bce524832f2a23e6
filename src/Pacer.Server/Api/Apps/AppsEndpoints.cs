using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;
using Pacer.Server.Endpoints;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Apps;

/// <summary>A single app was posted or put: the content of Marathon's <c>api_post_event</c>.</summary>
/// <param name="App">The app's JSON after the change.</param>
internal sealed record AppPosted(string ClientIp, string Uri, ReadOnlyMemory<byte> App);

/// <summary>What the endpoints need besides the request.</summary>
internal sealed record AppsContext(IClusterLoop Loop, AppRules Rules, TimeProvider Time, Action<AppPosted>? Posted)
{
    public AppReader Reader { get; } =
        new(Rules, group => Loop.State.Groups.GetValueOrDefault(group)?.EnforceRole ?? Rules.EnforceRoleOfNewGroups);

    /// <summary>The same changes, after the answer got the warnings of their labels.</summary>
    public ValueList<RunSpecChange> Warned(HttpContext http, ValueList<RunSpecChange> changes)
    {
        foreach (var put in changes.OfType<RunSpecChange.Put>())
        {
            if (Rules.LabelWarnings is { } read && put.Spec.Definition.Contains("\"labels\"", StringComparison.Ordinal))
            {
                ApiResponse.AddWarnings(http, read(EndpointRows.Service(put.Spec, current: true)));
            }
        }
        return changes;
    }

    public Timestamp Now => Timestamp.From(Time.GetUtcNow());
}

/// <summary>
/// Everything under <c>/v2/apps</c>. Ids hold slashes, so one catch-all route takes all paths and the last words tell what is meant.
/// </summary>
internal static class AppsEndpoints
{
    public static void Map(
        IEndpointRouteBuilder routes, IClusterLoop loop, AppRules rules, TimeProvider? time = null, Action<AppPosted>? posted = null)
    {
        var context = new AppsContext(loop, rules, time ?? TimeProvider.System, posted);
        var handler = ApiRoute.Guard(http => DispatchAsync(context, http));
        routes.Map("/v2/apps", handler);
        routes.Map("/v2/apps/{**path}", handler);
    }

    private static Task DispatchAsync(AppsContext context, HttpContext http)
    {
        var path = (http.Request.Path.Value ?? "")["/v2/apps".Length..];
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var method = HttpMethods.IsHead(http.Request.Method) ? HttpMethods.Get : http.Request.Method;
        if (segments.Length == 0)
        {
            return method switch
            {
                "GET" => AppQueries.ListAsync(context, http),
                "POST" => AppChanges.CreateAsync(context, http),
                "PUT" => AppChanges.PutManyAsync(context, http),
                "PATCH" => AppChanges.PatchManyAsync(context, http),
                _ => NotAllowed(http, "GET, HEAD, POST, PUT, PATCH"),
            };
        }
        var last = segments[^1];
        var before = segments.Length > 1 ? segments[^2] : "";
        return (method, last) switch
        {
            ("POST", "restart") when segments.Length > 1 => AppChanges.RestartAsync(context, http, Join(segments[..^1])),
            ("GET", "tasks") when before == "*" => AppTaskEndpoints.ListGroupAsync(context, http, Join(segments[..^2])),
            ("GET", "tasks") when segments.Length > 1 => AppTaskEndpoints.ListAsync(context, http, Join(segments[..^1])),
            ("DELETE", "tasks") when segments.Length > 1 => AppTaskEndpoints.KillAllAsync(context, http, Join(segments[..^1])),
            ("DELETE", _) when before == "tasks" && segments.Length > 2 =>
                AppTaskEndpoints.KillOneAsync(context, http, Join(segments[..^2]), last),
            ("GET", "versions") when segments.Length > 1 => AppQueries.VersionsAsync(context, http, Join(segments[..^1])),
            ("GET", _) when before == "versions" && segments.Length > 2 =>
                AppQueries.VersionAsync(context, http, Join(segments[..^2]), last),
            ("GET", "*") => AppQueries.GroupAsync(context, http, Join(segments[..^1])),
            ("GET", _) => AppQueries.GetAsync(context, http, Join(segments)),
            ("PUT", _) => AppChanges.PutAsync(context, http, Join(segments)),
            ("PATCH", _) => AppChanges.PatchAsync(context, http, Join(segments)),
            ("DELETE", _) => AppChanges.DeleteAsync(context, http, Join(segments)),
            _ => NotAllowed(http, "GET, HEAD, PUT, PATCH, DELETE"),
        };
    }

    private static string Join(ReadOnlySpan<string> segments) => "/" + string.Join('/', segments.ToArray());

    private static Task NotAllowed(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return ApiResponse.WriteErrorAsync(http, ApiErrors.MethodNotAllowed());
    }
}
