using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Endpoints;

namespace Pacer.Agent.Uplink;

/// <summary>Follows what can be reached where, for as long as it runs: each stream begins with a snapshot.</summary>
/// <param name="apply">Gets each update, one at a time; never a partial one.</param>
internal sealed partial class EndpointFollower(ServerAddress server, string agentId, string? joinToken, Action<EndpointUpdate> apply, TimeProvider time, ILogger logger)
{
    // The server shows a sign of life every 5 s.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var channel = server.OpenChannel();
        var client = new AgentLink.AgentLinkClient(channel);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(client, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RpcException or IOException or OperationCanceledException or InvalidOperationException)
            {
                // The uplink says that there is no contact; what is known stays in force.
            }
            catch (Exception e)
            {
                LogUnexpected(logger, e);
            }
            try
            {
                await Task.Delay(_backoff.Next(Random.Shared.NextDouble()), time, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task FollowAsync(AgentLink.AgentLinkClient client, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(Silence);
        using var call = client.Endpoints(new EndpointsRequest { AgentId = agentId, JoinToken = joinToken ?? "" }, cancellationToken: silence.Token);
        EndpointUpdate? whole = null;
        while (await call.ResponseStream.MoveNext(silence.Token).ConfigureAwait(false))
        {
            silence.CancelAfter(Silence);
            var json = call.ResponseStream.Current.Update;
            if (json.IsEmpty)
            {
                continue;
            }
            var part = JsonSerializer.Deserialize(json.Span, EndpointJson.Default.EndpointUpdate) ?? throw new JsonException("an update is null");
            whole = whole is null ? part : whole.Join(part);
            if (!part.Partial)
            {
                apply(whole);
                whole = null;
                _backoff.Reset();
            }
        }
    }

    [LoggerMessage(2506, LogLevel.Error, "Unexpected error while following the endpoints")]
    private static partial void LogUnexpected(ILogger logger, Exception e);
}
