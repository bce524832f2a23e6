using System.Collections.Concurrent;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Loop;
using Client = Pacer.Contracts.AgentLink.AgentLink.AgentLinkClient;

namespace Pacer.Shell.Tests.ServerLink;

/// <summary>The agent's side of the link, played by hand: it does just what a test says and keeps what it is sent.</summary>
internal sealed class TestAgent : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly Client _client;
    private readonly AsyncDuplexStreamingCall<AgentMessage, ServerMessage> _call;
    private readonly Task _reading;

    private TestAgent(string socketPath)
    {
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellationToken) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
        });
        _client = new Client(_channel);
        _call = _client.Connect();
        _reading = ReadAsync();
    }

    public ConcurrentQueue<ServerMessage> Received { get; } = new();

    /// <summary>Status that the server ended the stream with; null while it is open.</summary>
    public StatusCode? Ended { get; private set; }

    public IEnumerable<TaskSpec> Launched => Received.Where(m => m.Launch is not null).SelectMany(m => m.Launch.Tasks);

    public IEnumerable<AcknowledgeStatus> Acknowledged => Received.Where(m => m.Acknowledge is not null).Select(m => m.Acknowledge);

    public static Register Registration(string id = "agent-1") => new()
    {
        AgentId = id,
        Hostname = "node-" + id,
        Address = "127.0.0.1",
        Version = "test",
        Resources = new Resources { CpuMillis = 8000, MemoryBytes = 8L << 30, DiskBytes = 8L << 30 },
        Ports = { new PortRange { First = 31000, Last = 31099 } },
        Runtimes = { "mesos" },
    };

    /// <summary>Dials and says the first message, without waiting for what comes of it.</summary>
    public static async Task<TestAgent> DialAsync(string socketPath, AgentMessage first)
    {
        var agent = new TestAgent(socketPath);
        await agent._call.RequestStream.WriteAsync(first);
        return agent;
    }

    public static async Task<TestAgent> ConnectAsync(string socketPath, Register? register = null)
    {
        var agent = await DialAsync(socketPath, new AgentMessage { Register = register ?? Registration() });
        await Eventually.TrueAsync(() => agent.Received.Any(m => m.Registered is not null), "the agent is registered");
        return agent;
    }

    public Task SendAsync(StatusUpdate status) => _call.RequestStream.WriteAsync(new AgentMessage { Status = status });

    public Task SendAsync(Heartbeat heartbeat) => _call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = heartbeat });

    public static StatusUpdate Status(string taskId, TaskState state, long sequence) => new()
    {
        TaskId = taskId,
        State = state,
        Sequence = sequence,
        TimestampMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
    };

    /// <summary>Waits for a launch order that is not among <paramref name="known"/>, says that it runs, and gives its task.</summary>
    public async Task<TaskSpec> RunNextAsync(params string[] known)
    {
        await Eventually.TrueAsync(() => Launched.Any(task => !known.Contains(task.TaskId)), "a launch order arrives");
        var task = Launched.First(task => !known.Contains(task.TaskId));
        await SendAsync(Status(task.TaskId, TaskState.TaskRunning, 1));
        return task;
    }

    public AsyncDuplexStreamingCall<SessionMessage, SessionMessage> DialSession() => _client.Session();

    /// <summary>Waits for the request of a session, dials it and names it.</summary>
    public async Task<(OpenSession Request, AsyncDuplexStreamingCall<SessionMessage, SessionMessage> Call)> AcceptSessionAsync()
    {
        await Eventually.TrueAsync(() => Received.Any(m => m.OpenSession is not null), "a session is asked for");
        var request = Received.Last(m => m.OpenSession is not null).OpenSession;
        var call = DialSession();
        await call.RequestStream.WriteAsync(new SessionMessage { SessionId = request.SessionId });
        return (request, call);
    }

    public async ValueTask DisposeAsync()
    {
        _call.Dispose();
        await _reading;
        _channel.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var message in _call.ResponseStream.ReadAllAsync())
            {
                Received.Enqueue(message);
            }
            Ended = StatusCode.OK;
        }
        catch (RpcException e)
        {
            Ended = e.StatusCode;
        }
        catch (ObjectDisposedException)
        {
            Ended = StatusCode.Cancelled; // the call was disposed between two messages
        }
    }
}
