using System.Threading.Channels;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Node;
using Pacer.Agent.Sessions;
using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Uplink;

/// <summary>
/// Keeps the agent in contact with the server, for ever: dial, register with all that is known, exchange until the stream breaks
/// or the server falls silent, again. Tasks go on meanwhile; what they have to say is in the next registration.
/// </summary>
internal sealed partial class ServerLink(
    ServerAddress server, NodeFacts node, string? joinToken, TaskTable tasks, TaskTools tools, SessionDialer sessions, ILogger logger)
{
    /// <summary>Messages that wait for the stream. A server that takes none for so long is as good as gone; registering again says it all.</summary>
    private const int MostWaiting = 16_384;

    /// <summary>Intervals without a sign of life after which the stream is given up.</summary>
    private const int SilentIntervals = 3;

    private static readonly TimeSpan RegistrationTimeout = TimeSpan.FromSeconds(15);

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
    private readonly TaskCompletionSource<string> _registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _lastTrouble;
    private volatile bool _anew;
    private volatile CancellationTokenSource? _conversation;

    /// <summary>The cluster's id, at the first registration.</summary>
    public Task<string> Registered => _registered.Task;

    /// <summary>Why the server can't be reached or refuses, for people; null while in contact.</summary>
    public string? Trouble => _lastTrouble;

    /// <summary>What the node offers has changed: tells the server in a new registration.</summary>
    public void RegisterAnew()
    {
        _anew = true;
        try
        {
            _conversation?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended just now; the next one registers anyway.
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var channel = server.OpenChannel();
        var client = new AgentLink.AgentLinkClient(channel);
        while (!cancellationToken.IsCancellationRequested)
        {
            var refused = false;
            try
            {
                await ConverseAsync(client, cancellationToken).ConfigureAwait(false);
                if (_anew)
                {
                    continue;
                }
                Troubled("the server closed the stream");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (RegistrationRefusedException e)
            {
                refused = true;
                if (_lastTrouble != e.Message)
                {
                    LogRefused(logger, server.ToString(), e.Message);
                    _lastTrouble = e.Message;
                }
            }
            catch (RpcException e)
            {
                Troubled(Cause(e));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or TimeoutException or InvalidOperationException)
            {
                Troubled(e.Message);
            }
            catch (Exception e)
            {
                LogUnexpected(logger, e);
            }
            try
            {
                // A refusal needs a person; asking often would only fill the server's log.
                var pause = refused ? TimeSpan.FromSeconds(5 + (5 * Random.Shared.NextDouble())) : _backoff.Next(Random.Shared.NextDouble());
                await Task.Delay(pause, tools.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ConverseAsync(AgentLink.AgentLinkClient client, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _conversation = ended;
        _anew = false;
        using var call = client.Connect(cancellationToken: ended.Token);
        var outgoing = Channel.CreateBounded<AgentMessage>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
        using var silence = tools.Time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), ended, RegistrationTimeout, Timeout.InfiniteTimeSpan);
        ITimer? beat = null;
        Task? writing = null;
        try
        {
            var register = node.ToRegister(joinToken);
            register.Volumes.AddRange(tools.Volumes.Ids);
            if (tools.DockerPresence?.Offer is { Answers: true } docker)
            {
                register.Runtimes.Add("docker");
                register.Networks.AddRange(docker.Networks);
                register.VolumeDrivers.AddRange(docker.VolumeDrivers);
            }
            // From here on every change goes to the channel, which is sent after the registration. What changes just now may be in
            // both: the sequence tells that it is the same.
            tasks.Outlet = update =>
            {
                if (!outgoing.Writer.TryWrite(new AgentMessage { Status = update }))
                {
                    ended.Cancel();
                }
            };
            register.Tasks.AddRange(tasks.Statuses());
            await call.RequestStream.WriteAsync(new AgentMessage { Register = register }, ended.Token).ConfigureAwait(false);
            if (!await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
            {
                throw new IOException("the server closed the stream without an answer to the registration");
            }
            var registered = call.ResponseStream.Current.BodyCase switch
            {
                ServerMessage.BodyOneofCase.Registered => call.ResponseStream.Current.Registered,
                ServerMessage.BodyOneofCase.Refused => throw new RegistrationRefusedException(call.ResponseStream.Current.Refused.Message),
                var other => throw new IOException($"the server answered the registration with {other}; its version may not fit"),
            };
            tools.JoinedCluster(registered.ClusterId);
            _registered.TrySetResult(registered.ClusterId);
            _backoff.Reset();
            _lastTrouble = null;
            LogRegistered(logger, server.ToString(), registered.ClusterId);

            var interval = TimeSpan.FromMilliseconds(Math.Clamp(registered.HeartbeatIntervalMs, 100, 300_000));
            beat = tools.Time.CreateTimer(_ => Beat(outgoing.Writer), null, interval, interval);
            writing = WriteAllAsync(call.RequestStream, outgoing.Reader, ended);
            do
            {
                silence.Change(interval * SilentIntervals, Timeout.InfiniteTimeSpan);
                if (!await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
                {
                    return;
                }
                Obey(call.ResponseStream.Current, client);
            }
            while (true);
        }
        catch (Exception e) when ((e is OperationCanceledException || e is RpcException { StatusCode: StatusCode.Cancelled })
            && ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            if (_anew)
            {
                return;
            }
            throw new TimeoutException("the server is silent");
        }
        catch (RpcException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            tasks.Outlet = null;
            outgoing.Writer.TryComplete();
            if (beat is not null)
            {
                await beat.DisposeAsync().ConfigureAwait(false);
            }
            await ended.CancelAsync().ConfigureAwait(false);
            if (writing is not null)
            {
                await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Beat(ChannelWriter<AgentMessage> outgoing)
    {
        outgoing.TryWrite(new AgentMessage { Heartbeat = new Heartbeat() });
        tasks.Resend();
    }

    private static async Task WriteAllAsync(IClientStreamWriter<AgentMessage> stream, ChannelReader<AgentMessage> outgoing, CancellationTokenSource ended)
    {
        try
        {
            await foreach (var message in outgoing.ReadAllAsync(ended.Token).ConfigureAwait(false))
            {
                await stream.WriteAsync(message, ended.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            // A stream that can't be written is over for reading as well.
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    private void Obey(ServerMessage message, AgentLink.AgentLinkClient client)
    {
        switch (message.BodyCase)
        {
            case ServerMessage.BodyOneofCase.Launch:
                tasks.Launch(message.Launch);
                break;
            case ServerMessage.BodyOneofCase.Kill:
                tasks.Kill(message.Kill);
                break;
            case ServerMessage.BodyOneofCase.Acknowledge:
                tasks.Acknowledge(message.Acknowledge);
                break;
            case ServerMessage.BodyOneofCase.WipeVolumes:
                tools.Volumes.Wipe(message.WipeVolumes.Ids);
                break;
            case ServerMessage.BodyOneofCase.OpenSession:
                sessions.Open(message.OpenSession, client);
                break;
            case ServerMessage.BodyOneofCase.Heartbeat:
                break;
            default:
                // A newer server may know orders that this agent does not.
                LogUnknownOrder(logger, message.BodyCase.ToString());
                break;
        }
    }

    private void Troubled(string cause)
    {
        // Once for each cause: the attempts go on every few seconds, perhaps for days.
        if (_lastTrouble != cause)
        {
            LogTrouble(logger, server.ToString(), cause);
            _lastTrouble = cause;
        }
    }

    private static string Cause(RpcException e)
    {
        Exception inner = e;
        while (inner.InnerException is { } deeper)
        {
            inner = deeper;
        }
        return inner is RpcException rpc ? $"{rpc.Status.StatusCode}: {rpc.Status.Detail}" : inner.Message;
    }

    private sealed class RegistrationRefusedException(string message) : Exception(message);

    [LoggerMessage(2501, LogLevel.Information, "Joined {Server}, cluster {Cluster}")]
    private static partial void LogRegistered(ILogger logger, string server, string cluster);

    [LoggerMessage(2502, LogLevel.Warning, "No contact with the server at {Server}: {Cause}. Trying again; tasks go on running")]
    private static partial void LogTrouble(ILogger logger, string server, string cause);

    [LoggerMessage(2503, LogLevel.Error, "The server at {Server} refuses this node: {Cause}")]
    private static partial void LogRefused(ILogger logger, string server, string cause);

    [LoggerMessage(2504, LogLevel.Warning, "The server sent an order that this agent does not know: {Order}")]
    private static partial void LogUnknownOrder(ILogger logger, string order);

    [LoggerMessage(2505, LogLevel.Error, "Unexpected error in the conversation with the server")]
    private static partial void LogUnexpected(ILogger logger, Exception e);
}
