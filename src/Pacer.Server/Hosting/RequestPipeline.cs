using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Hosting;

/// <summary>What holds for every request: which listener serves what, the standard headers, and JSON for every refusal.</summary>
internal static class RequestPipeline
{
    private const string AgentService = "/pacer.agent.v1.";

    public static void Use(WebApplication app, ServerIdentity identity)
    {
        var catchAll = ApiRoute.Guard;
        app.Use(next =>
        {
            var rest = catchAll(http => ServeRestAsync(http, next, identity));
            return http =>
            {
                // Agents' listeners speak HTTP/2 only and the REST listener HTTP/1.1 only. Neither must serve the other's calls:
                // they are opened to different people.
                var isAgentListener = http.Request.Protocol == HttpProtocol.Http2;
                var isAgentCall = http.Request.Path.Value?.StartsWith(AgentService, StringComparison.Ordinal) == true;
                return (isAgentListener, isAgentCall) switch
                {
                    (true, true) => next(http),
                    (false, false) => rest(http),
                    _ => ApiResponse.WriteErrorAsync(http, ApiErrors.RouteNotFound()),
                };
            };
        });
    }

    private static async Task ServeRestAsync(HttpContext http, RequestDelegate next, ServerIdentity identity)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-cache, no-store, must-revalidate";
        headers.Pragma = "no-cache";
        headers.Expires = "0";
        headers["X-Marathon-Leader"] = $"http://{identity.Leader}";
        headers.XFrameOptions = "DENY";
        headers.XXSSProtection = "1; mode=block";
        await next(http);
        if (http.Response is { HasStarted: false, ContentType: null, ContentLength: null } && Explain(http.Response.StatusCode) is { } error)
        {
            await ApiResponse.WriteErrorAsync(http, error);
        }
    }

    // Routing answers these by the bare status.
    private static ApiError? Explain(int status) => status switch
    {
        404 => ApiErrors.RouteNotFound(),
        405 => ApiErrors.MethodNotAllowed(),
        406 => new ApiError(406, "Not Acceptable"),
        415 => new ApiError(415, "Unsupported Media Type"),
        _ => null,
    };
}
