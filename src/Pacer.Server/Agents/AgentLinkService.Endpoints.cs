using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Vips;
using Pacer.Server.Endpoints;

namespace Pacer.Server.Agents;

/// <summary>The endpoints that agents follow: only what virtual IPs follow from, so that a large cluster's other news stay here.</summary>
internal sealed partial class AgentLinkService
{
    private static readonly TimeSpan SignOfLifeInterval = TimeSpan.FromSeconds(5);

    public override async Task Endpoints(EndpointsRequest request, IServerStreamWriter<EndpointsPart> responseStream, ServerCallContext context)
    {
        if (!IsTokenRight(request.JoinToken))
        {
            throw new RpcException(new Status(StatusCode.PermissionDenied, "The join token is not the server's."));
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var rows = new VipRows();
        string? cursor = null;
        try
        {
            while (true)
            {
                if (feed.Since(cursor) is { } update)
                {
                    cursor = update.Cursor;
                    if (rows.Apply(update) is { } kept)
                    {
                        foreach (var part in EndpointFeedRoute.Parts(kept))
                        {
                            await responseStream.WriteAsync(new EndpointsPart { Update = Bytes(part) }, stop.Token);
                        }
                    }
                }
                else
                {
                    await responseStream.WriteAsync(new EndpointsPart(), stop.Token);
                }
                using var beat = new CancellationTokenSource(SignOfLifeInterval, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(beat.Token, stop.Token);
                try
                {
                    await feed.WaitAsync(cursor!, either.Token);
                }
                catch (OperationCanceledException) when (!stop.IsCancellationRequested)
                {
                    // Nothing new: a sign of life goes out.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The agent left or the server stops.
        }
    }

    private static ByteString Bytes(EndpointUpdate update) =>
        UnsafeByteOperations.UnsafeWrap(JsonSerializer.SerializeToUtf8Bytes(update, EndpointJson.Plain.EndpointUpdate));
}
