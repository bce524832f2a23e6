using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pacer.Contracts.Endpoints;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Endpoints;

/// <summary>
/// <c>GET /pacer/endpoints</c>: the endpoints table. As JSON a snapshot, or with <c>since=CURSOR</c> what changed since (and with
/// <c>wait=SECONDS</c> the answer is held back until there is something); as <c>text/event-stream</c> a snapshot and then every change.
/// </summary>
internal static class EndpointFeedRoute
{
    private const int RowsPerMessage = 2000;
    private const int LongestWaitSeconds = 60;
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);

    public static void Map(WebApplication app)
    {
        var feed = app.Services.GetRequiredService<EndpointFeed>();
        var time = app.Services.GetRequiredService<TimeProvider>();
        var stopping = app.Lifetime.ApplicationStopping;
        app.MapGet("/pacer/endpoints", ApiRoute.Guard(http =>
            http.Request.Headers.Accept.Any(value => value?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true)
                ? StreamAsync(http, feed, time, stopping)
                : AnswerAsync(http, feed, stopping)));
    }

    private static async Task AnswerAsync(HttpContext http, EndpointFeed feed, CancellationToken stopping)
    {
        var since = http.Request.Query["since"].FirstOrDefault();
        var seconds = 0;
        if (http.Request.Query["wait"].FirstOrDefault() is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) || seconds > LongestWaitSeconds))
        {
            throw new ApiException(ApiErrors.BadRequest($"Invalid wait '{text}'. [Give whole seconds from 0 to {LongestWaitSeconds}]"));
        }
        var update = feed.Since(since);
        if (update is null && seconds > 0)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
            ended.CancelAfter(TimeSpan.FromSeconds(seconds));
            try
            {
                await feed.WaitAsync(since!, ended.Token);
            }
            catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
            {
                // Nothing happened for as long as the reader wanted to wait.
            }
            update = feed.Since(since);
        }
        // Not by the serializer straight into the body: a reader that left half-way is no error.
        var body = new ArrayBufferWriter<byte>(4096);
        Write(body, update ?? new EndpointUpdate { Cursor = since! });
        await ApiResponse.WriteBytesAsync(http, 200, body.WrittenMemory);
    }

    private static async Task StreamAsync(HttpContext http, EndpointFeed feed, TimeProvider time, CancellationToken stopping)
    {
        var cursor = http.Request.Headers["Last-Event-ID"].FirstOrDefault() ?? http.Request.Query["since"].FirstOrDefault();
        http.Response.ContentType = "text/event-stream;charset=utf-8";
        http.Response.Headers.Connection = "close";
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            await http.Response.StartAsync(ended.Token);
            while (true)
            {
                if (feed.Since(cursor) is { } update)
                {
                    cursor = update.Cursor;
                    foreach (var part in Parts(update))
                    {
                        WriteEvent(http.Response.BodyWriter, part);
                        await http.Response.BodyWriter.FlushAsync(ended.Token);
                    }
                }
                else
                {
                    http.Response.BodyWriter.Write(":\n\n"u8);
                    await http.Response.BodyWriter.FlushAsync(ended.Token);
                }
                await WaitAsync(feed, cursor!, time, ended.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left or the server stops.
        }
    }

    // Nothing new for a while: a heartbeat shows both sides that the other is there.
    private static async Task WaitAsync(EndpointFeed feed, string cursor, TimeProvider time, CancellationToken cancellationToken)
    {
        using var beat = new CancellationTokenSource(HeartbeatInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(beat.Token, cancellationToken);
        try
        {
            await feed.WaitAsync(cursor, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>A large snapshot as several messages, so that neither side needs it in one piece of text.</summary>
    public static IEnumerable<EndpointUpdate> Parts(EndpointUpdate update)
    {
        var (services, tasks) = (update.Services, update.Tasks);
        if ((services?.Count ?? 0) + (tasks?.Count ?? 0) <= RowsPerMessage)
        {
            yield return update;
            yield break;
        }
        var first = true;
        foreach (var chunk in (services ?? []).Chunk(RowsPerMessage))
        {
            yield return Part(ref first, update, new EndpointUpdate { Services = [.. chunk] });
        }
        foreach (var chunk in (tasks ?? []).Chunk(RowsPerMessage))
        {
            yield return Part(ref first, update, new EndpointUpdate { Tasks = [.. chunk] });
        }
        yield return new EndpointUpdate
        {
            Cursor = update.Cursor,
            Cluster = update.Cluster,
            Nodes = update.Nodes,
            RemovedServices = update.RemovedServices,
            RemovedNodes = update.RemovedNodes,
            RemovedTasks = update.RemovedTasks,
        };
    }

    private static EndpointUpdate Part(ref bool first, EndpointUpdate whole, EndpointUpdate part)
    {
        part.Reset = first && whole.Reset;
        part.Partial = true;
        first = false;
        return part;
    }

    private static void WriteEvent(IBufferWriter<byte> body, EndpointUpdate update)
    {
        if (!update.Partial)
        {
            body.Write("id: "u8);
            body.Write(System.Text.Encoding.ASCII.GetBytes(update.Cursor));
            body.Write("\n"u8);
        }
        body.Write("data: "u8);
        Write(body, update);
        body.Write("\n\n"u8);
    }

    private static void Write(IBufferWriter<byte> body, EndpointUpdate update)
    {
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        JsonSerializer.Serialize(json, update, EndpointJson.Plain.EndpointUpdate);
    }
}
