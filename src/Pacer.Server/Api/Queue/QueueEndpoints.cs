using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Queue;

/// <summary>Instances that wait for a place.</summary>
internal static class QueueEndpoints
{
    private const string DelaySuffix = "/delay";

    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        var settings = app.Services.GetRequiredService<ClusterSettings>();
        var time = app.Services.GetRequiredService<TimeProvider>();
        app.MapMethods("/v2/queue", ["GET", "HEAD"], ApiRoute.Guard(http =>
        {
            var offers = http.Request.Query["embed"].Contains("lastUnusedOffers");
            return ApiResponse.WriteBytesAsync(http, 200, QueueRendering.Render(loop.State, Timestamp.From(time.GetUtcNow()), offers, settings));
        }));
        app.MapDelete("/v2/queue/{**path}", ApiRoute.Guard(http => ResetDelayAsync(http, loop)));
    }

    private static async Task ResetDelayAsync(HttpContext http, IClusterLoop loop)
    {
        var path = (string?)http.GetRouteValue("path") ?? "";
        if (!path.EndsWith(DelaySuffix, StringComparison.Ordinal))
        {
            throw new ApiException(ApiErrors.RouteNotFound());
        }
        path = "/" + path[..^DelaySuffix.Length].TrimStart('/');
        if (!RunSpecPath.TryResolve(path, out var id, out _))
        {
            throw new ApiException(ApiErrors.NotQueued(path));
        }
        var result = await loop.SubmitAsync(request => new Input.ResetDelay(request, id), http.RequestAborted);
        await CommandResults.WriteAsync(http, result);
    }
}
