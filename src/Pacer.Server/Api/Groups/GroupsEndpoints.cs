using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Groups;

/// <summary>Everything under <c>/v2/groups</c>: one catch-all route, as ids hold slashes.</summary>
internal static class GroupsEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, IClusterLoop loop, AppRules rules, TimeProvider? time = null)
    {
        var context = new AppsContext(loop, rules, time ?? TimeProvider.System, Posted: null);
        var handler = ApiRoute.Guard(http => DispatchAsync(context, http));
        routes.Map("/v2/groups", handler);
        routes.Map("/v2/groups/{**path}", handler);
    }

    private static Task DispatchAsync(AppsContext context, HttpContext http)
    {
        var path = (http.Request.Path.Value ?? "")["/v2/groups".Length..];
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var method = HttpMethods.IsHead(http.Request.Method) ? HttpMethods.Get : http.Request.Method;
        var last = segments.Length > 0 ? segments[^1] : "";
        var before = segments.Length > 1 ? segments[^2] : "";
        return (method, last) switch
        {
            ("GET", "apps") => GroupQueries.AppsAsync(context, http, Join(segments[..^1])),
            ("GET", "versions") => GroupQueries.VersionsAsync(context, http, Join(segments[..^1])),
            ("GET", _) when before == "versions" => GroupQueries.VersionAsync(context, http, Join(segments[..^2]), last),
            ("GET", _) => GroupQueries.GetAsync(context, http, Join(segments)),
            ("POST", _) => GroupChanges.CreateAsync(context, http, Join(segments)),
            ("PUT", _) => GroupChanges.PutAsync(context, http, Join(segments)),
            ("PATCH", _) when segments.Length > 0 => GroupChanges.PatchAsync(context, http, Join(segments)),
            ("DELETE", _) => GroupChanges.DeleteAsync(context, http, Join(segments)),
            _ => NotAllowed(http),
        };
    }

    private static string Join(ReadOnlySpan<string> segments) => "/" + string.Join('/', segments.ToArray());

    private static Task NotAllowed(HttpContext http)
    {
        http.Response.Headers.Allow = "GET, HEAD, POST, PUT, PATCH, DELETE";
        return ApiResponse.WriteErrorAsync(http, ApiErrors.MethodNotAllowed());
    }
}
