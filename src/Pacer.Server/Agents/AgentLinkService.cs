using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Endpoints;
using Pacer.Server.Loop;

namespace Pacer.Server.Agents;

/// <summary>The gRPC end of the agent link: control streams of agents, and the sessions they dial.</summary>
internal sealed partial class AgentLinkService(
    AgentDirectory directory,
    AgentSessions sessions,
    IClusterLoop loop,
    AgentLinkSettings settings,
    LaunchBuilder build,
    EndpointFeed feed,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<AgentLinkService> log) : AgentLink.AgentLinkBase
{
    public override async Task Connect(
        IAsyncStreamReader<AgentMessage> requestStream, IServerStreamWriter<ServerMessage> responseStream, ServerCallContext context)
    {
        var register = await ReadRegisterAsync(requestStream, context);
        if (Refusal(register) is { } refusal)
        {
            LogRefused(context.Peer, refusal);
            await responseStream.WriteAsync(new ServerMessage { Refused = new Refused { Message = refusal } }, context.CancellationToken);
            return;
        }

        using var stream = new AgentStream(new AgentId(register!.AgentId), settings, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, stream.Stopping, lifetime.ApplicationStopping);
        stream.TrySend(new ServerMessage
        {
            Registered = new Registered { ClusterId = settings.ClusterId, HeartbeatIntervalMs = (long)settings.HeartbeatInterval.TotalMilliseconds },
        });
        var writing = GuardAsync(stream, stream.WriteAllAsync(responseStream, build, ReportLaunchFailedAsync, stop.Token));
        var watching = GuardAsync(stream, stream.WatchAsync(stop.Token));
        var attached = false;
        try
        {
            var node = AgentMessages.ToNode(register, PeerAddress(context), Timestamp.From(time.GetUtcNow()));
            attached = true;
            await directory.AttachAsync(stream, node, ValueList.From(register.Tasks.Select(AgentMessages.ToReport)));
            await ReadAllAsync(stream, requestStream, stop.Token);
            stream.Abort("the agent closed the stream");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException or InvalidOperationException && stop.IsCancellationRequested)
        {
            stream.Abort(lifetime.ApplicationStopping.IsCancellationRequested ? "the server is stopping" : "the connection broke");
        }
        catch (StoreUnavailableException)
        {
            stream.Abort("the server is stopping");
        }
        finally
        {
            stream.Abort("failed");
            if (attached)
            {
                await directory.DetachAsync(stream, stream.Reason ?? "ended");
            }
            await Task.WhenAll(writing, watching);
        }
        if (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, stream.Reason ?? "ended"));
        }
    }

    public override async Task Session(
        IAsyncStreamReader<SessionMessage> requestStream, IServerStreamWriter<SessionMessage> responseStream, ServerCallContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var first = new CancellationTokenSource(settings.DialTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, first.Token);
        string? id;
        try
        {
            id = await requestStream.MoveNext(either.Token) && requestStream.Current.BodyCase == SessionMessage.BodyOneofCase.SessionId
                ? requestStream.Current.SessionId
                : null;
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "The session was not named in time."));
        }
        if (id is null)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The first message of a session must be its session_id."));
        }
        var session = new AgentSession(requestStream, responseStream, stop.Token);
        if (!sessions.TryAccept(id, session))
        {
            throw new RpcException(new Status(StatusCode.NotFound, "Nobody waits for this session (any more)."));
        }
        await session.Ended;
    }

    private async Task<Register?> ReadRegisterAsync(IAsyncStreamReader<AgentMessage> requestStream, ServerCallContext context)
    {
        using var timeout = new CancellationTokenSource(settings.DialTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, timeout.Token, lifetime.ApplicationStopping);
        try
        {
            return await requestStream.MoveNext(stop.Token) ? requestStream.Current.Register : null;
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "The agent did not register in time."));
        }
    }

    private string? Refusal(Register? register)
    {
        if (register is null)
        {
            return "the first message must be Register";
        }
        if (!IsTokenRight(register.JoinToken))
        {
            return register.JoinToken.Length == 0
                ? "this server asks for a join token: start the agent with --join-token"
                : "the join token is not the server's: compare --join-token on both sides";
        }
        return AgentMessages.Validate(register);
    }

    private bool IsTokenRight(string shown) => settings.JoinToken is not { Length: > 0 } token
        || CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(shown));

    private async Task ReadAllAsync(AgentStream stream, IAsyncStreamReader<AgentMessage> requestStream, CancellationToken cancellationToken)
    {
        while (await requestStream.MoveNext(cancellationToken))
        {
            stream.Heard();
            var message = requestStream.Current;
            switch (message.BodyCase)
            {
                case AgentMessage.BodyOneofCase.Status when message.Status.TaskId.Length > 0:
                    // Waits while the inbox is full, which holds the agent back by flow control.
                    await loop.PostAsync(new Input.TaskReported(stream.Id, AgentMessages.ToReport(message.Status)), cancellationToken);
                    break;
                case AgentMessage.BodyOneofCase.Heartbeat:
                    break;
                default:
                    LogUnexpected(stream.Id, message.BodyCase.ToString());
                    break;
            }
        }
    }

    // The writer or the watch ending early means that the stream is broken: then reading must end too.
    private async Task GuardAsync(AgentStream stream, Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            stream.Abort("the connection broke");
        }
        catch (Exception e)
        {
            LogStreamFailed(e, stream.Id);
            stream.Abort("failed");
        }
    }

    private async Task ReportLaunchFailedAsync(Effect.Launch launch, Exception exception)
    {
        var refusal = (exception as LaunchRefusedException)?.Message;
        if (refusal is null)
        {
            LogLaunchFailed(exception, launch.Instance.Id);
        }
        foreach (var task in launch.Instance.Tasks)
        {
            if (task.Condition.IsTerminal())
            {
                continue;
            }
            await loop.PostAsync(new Input.TaskReported(launch.AgentId, new TaskReport(
                task.Id, 0, Condition.Error, refusal ?? "The server could not turn the definition into a launch order; see its log", "REASON_TASK_INVALID",
                Timestamp.From(time.GetUtcNow()), null, null, [], [])), CancellationToken.None);
        }
    }

    private static string PeerAddress(ServerCallContext context) =>
        context.GetHttpContext().Connection.RemoteIpAddress is { } address
            ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
            : "127.0.0.1";

    [LoggerMessage(EventId = 210, Level = LogLevel.Warning, Message = "Refused an agent at {Peer}: {Reason}")]
    private partial void LogRefused(string peer, string reason);

    [LoggerMessage(EventId = 211, Level = LogLevel.Warning, Message = "Agent {Agent} sent an unexpected message: {Kind}")]
    private partial void LogUnexpected(AgentId agent, string kind);

    [LoggerMessage(EventId = 212, Level = LogLevel.Error, Message = "The stream to agent {Agent} failed")]
    private partial void LogStreamFailed(Exception exception, AgentId agent);

    [LoggerMessage(EventId = 213, Level = LogLevel.Error, Message = "Could not build the launch order of {Instance}. This is a bug in Pacer.")]
    private partial void LogLaunchFailed(Exception exception, InstanceId instance);
}
