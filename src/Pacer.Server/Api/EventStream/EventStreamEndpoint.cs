using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pacer.Server.Api.Responses;
using Pacer.Server.Events;
using Pacer.Server.Metrics;

namespace Pacer.Server.Api.EventStream;

/// <summary><c>GET /v2/events</c>: what happens, as server-sent events.</summary>
internal static class EventStreamEndpoint
{
    private const int FlushBytes = 32 * 1024;

    public static void Map(WebApplication app)
    {
        var hub = app.Services.GetRequiredService<EventHub>();
        var stopping = app.Lifetime.ApplicationStopping;
        app.MapRead("/v2/events", http => StreamAsync(http, hub, stopping));
    }

    private static async Task StreamAsync(HttpContext http, EventHub hub, CancellationToken stopping)
    {
        if (!http.Request.Headers.Accept.Any(value => value?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true))
        {
            await ApiResponse.WriteErrorAsync(http, new ApiError(405, "Events are a stream: ask for it with the header Accept: text/event-stream."));
            return;
        }
        var types = http.Request.Query["event_type"].Where(type => !string.IsNullOrEmpty(type)).ToHashSet(StringComparer.Ordinal);
        var remoteAddress = http.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        http.Response.ContentType = "text/event-stream;charset=utf-8";
        http.Response.Headers.Connection = "close";
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }

        using var reader = hub.Subscribe(types!, http.Request.Headers["Last-Event-ID"].FirstOrDefault());
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        // A reader that fell behind is cut off even while a write to it is stuck.
        using var cutOff = reader.Overflowed.Register(http.Abort);
        hub.PublishAttached(remoteAddress);
        try
        {
            await http.Response.StartAsync(ended.Token);
            await http.Response.BodyWriter.FlushAsync(ended.Token);
            while (await reader.Frames.WaitToReadAsync(ended.Token))
            {
                await CopyAsync(reader, http, ended.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left or the server stops.
        }
        finally
        {
            hub.PublishDetached(remoteAddress);
        }
    }

    private static async Task CopyAsync(EventSubscription reader, HttpContext http, CancellationToken cancellationToken)
    {
        var body = http.Response.BodyWriter;
        while (reader.Frames.TryRead(out var frame))
        {
            frame.Bytes.CopyTo(body.GetSpan(frame.Bytes.Length));
            body.Advance(frame.Bytes.Length);
            AnswerSize.Add(http, frame.Bytes.Length);
            if (body.UnflushedBytes >= FlushBytes)
            {
                await body.FlushAsync(cancellationToken);
            }
        }
        await body.FlushAsync(cancellationToken);
    }
}
