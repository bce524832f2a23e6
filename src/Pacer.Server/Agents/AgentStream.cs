using System.Threading.Channels;
using Grpc.Core;
using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Agents;

/// <summary>
/// The server's end of one agent's stream: a queue that never makes the sender wait, and the one writer that empties it.
/// </summary>
internal sealed class AgentStream(AgentId id, AgentLinkSettings settings, TimeProvider time) : IDisposable
{
    private readonly Channel<Outgoing> _queue = Channel.CreateUnbounded<Outgoing>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private long _lastHeard = time.GetTimestamp();
    private int _outstanding;

    private readonly record struct Outgoing(ServerMessage? Message, Effect.Launch? Launch, ClusterState? State);

    public AgentId Id => id;

    /// <summary>Cancelled when this stream must end; <see cref="Reason"/> tells why.</summary>
    public CancellationToken Stopping => _stop.Token;

    public string? Reason { get; private set; }

    public bool TrySend(ServerMessage message) => Enqueue(new Outgoing(message, null, null));

    /// <summary>The order itself is built by the stream's writer, so that many launches do not hold up the loop.</summary>
    public bool TrySend(Effect.Launch launch, ClusterState state) => Enqueue(new Outgoing(null, launch, state));

    /// <summary>The agent gave a sign of life.</summary>
    public void Heard() => Volatile.Write(ref _lastHeard, time.GetTimestamp());

    /// <summary>Ends the stream from this side. The first reason counts.</summary>
    public void Abort(string reason)
    {
        Reason ??= reason;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>No more orders; the writer ends when it has sent those that wait.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Writes what is queued until <see cref="Complete"/>; launches that can't be built go to <paramref name="launchFailed"/>.</summary>
    public async Task WriteAllAsync(
        IServerStreamWriter<ServerMessage> writer, LaunchBuilder build, Func<Effect.Launch, Exception, Task> launchFailed, CancellationToken cancellationToken)
    {
        var flushAfter = new WriteOptions();
        var more = new WriteOptions(WriteFlags.BufferHint);
        await foreach (var outgoing in _queue.Reader.ReadAllAsync(cancellationToken))
        {
            var message = outgoing.Message;
            if (outgoing is { Launch: { } launch, State: { } state })
            {
                try
                {
                    message = new ServerMessage { Launch = build(launch, state) };
                }
                catch (Exception e)
                {
                    await launchFailed(launch, e);
                    message = null;
                }
            }
            Interlocked.Decrement(ref _outstanding);
            // A launch that can't be built leaves a heartbeat in its place, so that what was buffered before it is flushed.
            writer.WriteOptions = _queue.Reader.TryPeek(out _) ? more : flushAfter;
            await writer.WriteAsync(message ?? new ServerMessage { Heartbeat = new Heartbeat() }, cancellationToken);
        }
    }

    /// <summary>Sends heartbeats and watches for silence until the stream stops.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(settings.HeartbeatInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (time.GetElapsedTime(Volatile.Read(ref _lastHeard)) >= settings.SilenceLimit)
            {
                Abort($"silent for {settings.SilenceLimit.TotalSeconds:0} s");
                return;
            }
            if (Volatile.Read(ref _outstanding) == 0)
            {
                TrySend(new ServerMessage { Heartbeat = new Heartbeat() });
            }
        }
    }

    public void Dispose() => _stop.Dispose();

    private bool Enqueue(Outgoing outgoing)
    {
        if (Interlocked.Increment(ref _outstanding) > settings.MaxOutstandingOrders)
        {
            Abort($"{settings.MaxOutstandingOrders} orders wait unread");
            return false;
        }
        return _queue.Writer.TryWrite(outgoing);
    }
}
