using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Pods;

/// <summary>A pod was created, updated or deleted by a request: the content of Marathon's event of that name.</summary>
internal sealed record PodChanged(string EventType, string ClientIp, string Uri);

/// <summary>
/// Everything under <c>/v2/pods</c>. Ids hold slashes, so one catch-all route takes all paths; what is asked of a pod stands behind
/// two colons, which no id holds.
/// </summary>
internal static class PodsEndpoints
{
    private const string Root = "/v2/pods";

    public static void Map(
        IEndpointRouteBuilder routes, IClusterLoop loop, AppRules rules, TimeProvider? time = null, Action<PodChanged>? changed = null)
    {
        var context = new AppsContext(loop, rules, time ?? TimeProvider.System, Posted: null);
        var changes = new PodChanges(context, changed);
        var handler = ApiRoute.Guard(http => DispatchAsync(context, changes, http));
        routes.Map(Root, handler);
        routes.Map(Root + "::status", handler);
        routes.Map(Root + "/{**path}", handler);
    }

    private static Task DispatchAsync(AppsContext context, PodChanges changes, HttpContext http)
    {
        var path = (http.Request.Path.Value ?? "")[Root.Length..];
        var colons = path.IndexOf("::", StringComparison.Ordinal);
        var id = Join(colons < 0 ? path : path[..colons]);
        var words = colons < 0 ? [] : path[(colons + 2)..].Split('/', StringSplitOptions.RemoveEmptyEntries);
        var isHead = HttpMethods.IsHead(http.Request.Method);
        var method = isHead ? HttpMethods.Get : http.Request.Method;
        switch (words)
        {
            case [] when id == "/":
                return method switch
                {
                    // How clients learn that there are pods at all.
                    "GET" when isHead => ApiResponse.WriteEmptyAsync(http, 200),
                    "OPTIONS" => AllowAsync(http, "GET, HEAD, POST, OPTIONS"),
                    "GET" => PodQueries.ListAsync(context, http),
                    "POST" => changes.CreateAsync(http),
                    _ => NotAllowed(http, "GET, HEAD, POST, OPTIONS"),
                };
            case []:
                return method switch
                {
                    "GET" => PodQueries.GetAsync(context, http, id),
                    "PUT" => changes.PutAsync(http, id),
                    "DELETE" => changes.DeleteAsync(http, id),
                    _ => NotAllowed(http, "GET, HEAD, PUT, DELETE"),
                };
            case ["status"]:
                return method != "GET" ? NotAllowed(http, "GET, HEAD")
                    : id == "/" ? PodQueries.StatusesAsync(context, http)
                    : PodQueries.StatusAsync(context, http, id);
            case ["versions"]:
                return method == "GET" ? PodQueries.VersionsAsync(context, http, id) : NotAllowed(http, "GET, HEAD");
            case ["versions", var version]:
                return method == "GET" ? PodQueries.VersionAsync(context, http, id, version) : NotAllowed(http, "GET, HEAD");
            case ["instances"]:
                return method == "DELETE" ? PodInstanceEndpoints.DeleteManyAsync(context, http, id) : NotAllowed(http, "DELETE");
            case ["instances", var instance]:
                return method == "DELETE" ? PodInstanceEndpoints.DeleteAsync(context, http, id, instance) : NotAllowed(http, "DELETE");
            default:
                throw new ApiException(ApiErrors.RouteNotFound());
        }
    }

    private static string Join(string path) => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));

    private static Task AllowAsync(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return ApiResponse.WriteEmptyAsync(http, 200);
    }

    private static Task NotAllowed(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return ApiResponse.WriteErrorAsync(http, ApiErrors.MethodNotAllowed());
    }
}
