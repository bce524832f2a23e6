using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pacer.Core.Cluster;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Responses;

/// <summary>Reads of the state: with a tag, answered 304 when the client has it already, and on request only when something is new.</summary>
internal static class SnapshotRead
{
    /// <param name="parts">
    /// All parts of the state that the answer shows; null when there is no such object or the answer tells the time, and so has no tag.
    /// </param>
    /// <param name="write">Makes the answer. Not called when the client's tag is the answer's.</param>
    /// <param name="form">Distinguishes answers of different media types.</param>
    public static async Task AnswerAsync(
        HttpContext http, IClusterLoop loop, Func<ClusterState, object?[]?> parts, Func<ClusterState, Task> write, string form = "")
    {
        var poll = LongPoll.Read(http);
        using var patience = poll is null ? null : CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience?.CancelAfter(poll!.Wait);
        var state = loop.State;
        while (true)
        {
            var tag = parts(state) is { } shown ? ReadTag.Of(http, shown, form) : null;
            var isKnown = tag is not null && ReadTag.IsKnown(http.Request, tag);
            if (poll is not null && !patience!.IsCancellationRequested && (poll.Index is { } index ? state.Index <= index : isKnown))
            {
                state = await NextAsync(loop, state, patience.Token);
                http.RequestAborted.ThrowIfCancellationRequested();
                continue;
            }
            var headers = http.Response.Headers;
            headers[LongPoll.IndexHeader] = state.Index.ToString(CultureInfo.InvariantCulture);
            headers.ETag = tag;
            Compression.Vary(http);
            if (isKnown)
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
            await write(state);
            return;
        }
    }

    /// <summary>A route for GET and HEAD.</summary>
    public static void MapRead(this IEndpointRouteBuilder routes, string pattern, RequestDelegate handler) =>
        routes.MapMethods(pattern, ["GET", "HEAD"], ApiRoute.Guard(handler));

    // The same state when the time is over.
    private static async Task<ClusterState> NextAsync(IClusterLoop loop, ClusterState state, CancellationToken patience)
    {
        try
        {
            return await loop.WaitForIndexAsync(state.Index + 1, patience);
        }
        catch (OperationCanceledException)
        {
            return loop.State;
        }
    }
}
