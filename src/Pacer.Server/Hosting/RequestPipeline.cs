using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Server.Api.Responses;
using Pacer.Server.Metrics;

namespace Pacer.Server.Hosting;

/// <summary>What holds for every request: which listener serves what, the standard headers, and JSON for every refusal.</summary>
internal static class RequestPipeline
{
    private const string AgentService = "/pacer.agent.v1.";

    public static void Use(WebApplication app, ServerIdentity identity)
    {
        var catchAll = ApiRoute.Guard;
        var metrics = app.Services.GetRequiredService<RequestMetrics>();
        var crossOrigin = new CrossOrigin(identity.Options.AllowOrigins);
        app.Use(next =>
        {
            var rest = catchAll(http => ServeRestAsync(http, next, identity, crossOrigin));
            return http =>
            {
                // Agents' listeners speak HTTP/2 only and the REST listener HTTP/1.1 only. Neither must serve the other's calls:
                // they are opened to different people.
                var isAgentListener = http.Request.Protocol == HttpProtocol.Http2;
                var isAgentCall = http.Request.Path.Value?.StartsWith(AgentService, StringComparison.Ordinal) == true;
                return (isAgentListener, isAgentCall) switch
                {
                    (true, true) => next(http),
                    (false, false) => metrics.MeasureAsync(http, rest),
                    _ => ApiResponse.WriteErrorAsync(http, ApiErrors.RouteNotFound()),
                };
            };
        });
    }

    private static async Task ServeRestAsync(HttpContext http, RequestDelegate next, ServerIdentity identity, CrossOrigin crossOrigin)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-cache, no-store, must-revalidate";
        headers.Pragma = "no-cache";
        headers.Expires = "0";
        headers["X-Marathon-Leader"] = identity.LeaderUrl;
        headers.XFrameOptions = "DENY";
        headers.XXSSProtection = "1; mode=block";
        crossOrigin.Allow(http);
        if (ContentRules.Refuse(http.Request) is { } refused)
        {
            await ApiResponse.WriteErrorAsync(http, refused);
            return;
        }
        var isQuestion = HttpMethods.IsOptions(http.Request.Method);
        if (isQuestion)
        {
            // Whoever refuses the method also names those that there are.
            http.Features.Set(MethodQuestion.Asked);
        }
        await next(http);
        if (http.Response.HasStarted)
        {
            return;
        }
        if (isQuestion && http.Response.StatusCode == StatusCodes.Status405MethodNotAllowed)
        {
            http.Response.StatusCode = StatusCodes.Status200OK;
            http.Response.ContentLength = 0;
            headers.Allow = headers.Allow.Count > 0 ? $"{headers.Allow}, OPTIONS" : "OPTIONS";
            return;
        }
        if (http.Response is { ContentType: null, ContentLength: null } && Explain(http.Response.StatusCode) is { } error)
        {
            await ApiResponse.WriteErrorAsync(http, error);
        }
    }

    // Routing answers these by the bare status.
    private static ApiError? Explain(int status) => status switch
    {
        404 => ApiErrors.RouteNotFound(),
        405 => ApiErrors.MethodNotAllowed(),
        406 => ApiErrors.NotAcceptable(),
        415 => ApiErrors.UnsupportedMediaType(),
        _ => null,
    };
}
