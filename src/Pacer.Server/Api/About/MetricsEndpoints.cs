using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Core.Cluster;
using Pacer.Server.Api.Responses;
using Pacer.Server.Events;
using Pacer.Server.Hosting;
using Pacer.Server.Loop;
using Pacer.Server.Metrics;

namespace Pacer.Server.Api.About;

/// <summary><c>/metrics</c> in Marathon's JSON, or as Prometheus' text by <c>Accept</c> and at <c>/metrics/prometheus</c>.</summary>
internal static class MetricsEndpoints
{
    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var loop = services.GetRequiredService<IClusterLoop>();
        var requests = services.GetRequiredService<RequestMetrics>();
        var steps = services.GetRequiredService<LoopMetrics>();
        var events = services.GetRequiredService<EventHub>();
        var time = services.GetRequiredService<TimeProvider>();
        var startedAt = services.GetRequiredService<ServerIdentity>().StartedAt;
        var settings = new ClusterSettings();
        app.MapRead("/metrics", http => WantsText(http) ? TextAsync(http) : ApiResponse.WriteBytesAsync(http, 200, MetricsJson.Render(Read())));
        app.MapRead("/metrics/prometheus", TextAsync);

        MetricsReading Read() => MetricsReading.Take(loop, settings, requests, steps, events, time, startedAt);

        Task TextAsync(HttpContext http) =>
            ApiResponse.WriteTextAsync(http, PrometheusText.ContentType, PrometheusText.Render(Read(), requests, steps));
    }

    // JSON wherever the client leaves the choice.
    private static bool WantsText(HttpContext http)
    {
        var accepted = http.Request.GetTypedHeaders().Accept;
        return accepted.Any(type => type.MediaType.Value is "text/plain" or "application/openmetrics-text")
            && !accepted.Any(type => type.MatchesMediaType("application/json") && type.MediaType.Value != "*/*");
    }
}
