using System.Collections.Concurrent;
using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>The server's end of the agent link over a real socket, with a record of all that agents said.</summary>
internal sealed class TestServer : AgentLink.AgentLinkBase, IAsyncDisposable
{
    private readonly List<StatusUpdate> _statuses = [];
    private readonly List<Register> _registrations = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource<TestSession>> _sessions = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Channel<ServerMessage>? _orders;
    private CancellationTokenSource? _stream;
    private WebApplication? _app;

    public bool Acknowledges { get; set; } = true;

    public string? Refusal { get; set; }

    public long HeartbeatMs { get; set; } = 200;

    /// <summary>When set, the server says nothing after the registration.</summary>
    public bool Silent { get; set; }

    public int Heartbeats;

    public static async Task<TestServer> StartAsync(string join)
    {
        var server = new TestServer();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(server);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (join.StartsWith("unix:", StringComparison.Ordinal))
            {
                kestrel.ListenUnixSocket(join["unix:".Length..], listen => listen.Protocols = HttpProtocols.Http2);
            }
            else
            {
                kestrel.ListenLocalhost(int.Parse(join[(join.LastIndexOf(':') + 1)..]), listen => listen.Protocols = HttpProtocols.Http2);
            }
        });
        server._app = builder.Build();
        server._app.MapGrpcService<TestServer>();
        await server._app.StartAsync();
        return server;
    }

    public override async Task Connect(IAsyncStreamReader<AgentMessage> requestStream, IServerStreamWriter<ServerMessage> responseStream, ServerCallContext context)
    {
        await requestStream.MoveNext(context.CancellationToken);
        var register = requestStream.Current.Register;
        if (Refusal is { } refusal)
        {
            Note(() => _registrations.Add(register));
            await responseStream.WriteAsync(new ServerMessage { Refused = new Refused { Message = refusal } });
            return;
        }
        var orders = Channel.CreateUnbounded<ServerMessage>();
        using var stream = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        orders.Writer.TryWrite(new ServerMessage { Registered = new Registered { ClusterId = "test-cluster", HeartbeatIntervalMs = HeartbeatMs } });
        Note(() =>
        {
            _orders = orders;
            _stream = stream;
            _registrations.Add(register);
            foreach (var status in register.Tasks)
            {
                Take(status, orders);
            }
        });
        using var beat = new Timer(
            _ =>
            {
                if (!Silent)
                {
                    orders.Writer.TryWrite(new ServerMessage { Heartbeat = new Heartbeat() });
                }
            },
            null, HeartbeatMs, HeartbeatMs);
        var writing = Task.Run(async () =>
        {
            await foreach (var order in orders.Reader.ReadAllAsync(stream.Token))
            {
                await responseStream.WriteAsync(order);
            }
        });
        try
        {
            while (await requestStream.MoveNext(stream.Token))
            {
                var message = requestStream.Current;
                if (message.BodyCase == AgentMessage.BodyOneofCase.Status)
                {
                    Note(() => Take(message.Status, orders));
                }
                else
                {
                    Interlocked.Increment(ref Heartbeats);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            context.Status = Status.DefaultCancelled;
        }
        await stream.CancelAsync();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Take(StatusUpdate status, Channel<ServerMessage> orders)
    {
        _statuses.Add(status);
        if (Acknowledges)
        {
            orders.Writer.TryWrite(new ServerMessage { Acknowledge = new AcknowledgeStatus { TaskId = status.TaskId, Sequence = status.Sequence } });
        }
    }

    private void Note(Action change)
    {
        lock (_gate)
        {
            change();
            var changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }

    public IReadOnlyList<StatusUpdate> Of(string taskId)
    {
        lock (_gate)
        {
            return [.. _statuses.Where(status => status.TaskId == taskId)];
        }
    }

    public int CountOf(string prefix, TaskState state)
    {
        lock (_gate)
        {
            return _statuses.Where(status => status.State == state && status.TaskId.StartsWith(prefix + ".", StringComparison.Ordinal))
                .DistinctBy(status => status.TaskId).Count();
        }
    }

    /// <summary>Drops the record of statuses.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _statuses.Clear();
            _statuses.TrimExcess();
        }
    }

    public int Registrations
    {
        get
        {
            lock (_gate)
            {
                return _registrations.Count;
            }
        }
    }

    public Register LastRegistration
    {
        get
        {
            lock (_gate)
            {
                return _registrations[^1];
            }
        }
    }

    public async Task<T> WaitAsync<T>(Func<TestServer, T?> look, string what) where T : class
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(45); ;)
        {
            Task changed;
            lock (_gate)
            {
                changed = _changed.Task;
            }
            if (look(this) is { } found)
            {
                return found;
            }
            if (DateTime.UtcNow > deadline)
            {
                lock (_gate)
                {
                    throw new TimeoutException($"{what}; seen: {string.Join("; ", _statuses.Select(s => $"{s.TaskId} {s.Sequence} {s.State} {s.Message}"))}");
                }
            }
            await Task.WhenAny(changed, Task.Delay(500));
        }
    }

    public Task<StatusUpdate> WaitForAsync(string taskId, TaskState state) =>
        WaitForAsync(taskId, status => status.State == state, state.ToString());

    public Task<StatusUpdate> WaitForAsync(string taskId, Func<StatusUpdate, bool> match, string what) =>
        WaitAsync(server => server.Of(taskId).FirstOrDefault(match), $"no {what} of {taskId}");

    public Task WaitForRegistrationsAsync(int count) =>
        WaitAsync<object>(server => server.Registrations >= count ? server : null, $"fewer than {count} registrations");

    public void Send(ServerMessage order)
    {
        lock (_gate)
        {
            _orders!.Writer.TryWrite(order);
        }
    }

    public void Launch(params ReadOnlySpan<TaskSpec> tasks)
    {
        var order = new LaunchInstance { InstanceId = "instance" };
        foreach (var task in tasks)
        {
            order.Tasks.Add(task);
        }
        Send(new ServerMessage { Launch = order });
    }

    public void Kill(string taskId, long graceMs = -1, string reason = "", bool unhealthy = false) =>
        Send(new ServerMessage { Kill = new KillTask { TaskId = taskId, GraceMs = graceMs, Reason = reason, Unhealthy = unhealthy } });

    public void Disconnect()
    {
        lock (_gate)
        {
            _stream!.Cancel();
        }
    }

    public async Task<TestSession> OpenAsync(OpenSession request)
    {
        request.SessionId = Guid.NewGuid().ToString("N");
        var session = _sessions.GetOrAdd(request.SessionId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        Send(new ServerMessage { OpenSession = request });
        return await session.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    public override async Task Session(IAsyncStreamReader<SessionMessage> requestStream, IServerStreamWriter<SessionMessage> responseStream, ServerCallContext context)
    {
        await requestStream.MoveNext(context.CancellationToken);
        var session = new TestSession(requestStream, responseStream);
        _sessions[requestStream.Current.SessionId].SetResult(session);
        await session.Done;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            using var now = new CancellationTokenSource(TimeSpan.Zero);
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
        }
    }
}

internal sealed class TestSession(IAsyncStreamReader<SessionMessage> reader, IServerStreamWriter<SessionMessage> writer) : IDisposable
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    public string Output { get; private set; } = "";

    public string Errors { get; private set; } = "";

    public long? Size { get; private set; }

    public FileEntries? Entries { get; private set; }

    public SessionEnd? End { get; private set; }

    public TaskStatistics? Statistics { get; private set; }

    public Task WriteAsync(SessionMessage message) => writer.WriteAsync(message);

    public async Task ReadUntilAsync(Func<TestSession, bool> enough)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(45));
        while (!enough(this) && End is null && await reader.MoveNext(patience.Token))
        {
            var message = reader.Current;
            switch (message.BodyCase)
            {
                case SessionMessage.BodyOneofCase.Data:
                    Output += message.Data.ToStringUtf8();
                    break;
                case SessionMessage.BodyOneofCase.ErrorData:
                    Errors += message.ErrorData.ToStringUtf8();
                    break;
                case SessionMessage.BodyOneofCase.Size:
                    Size = message.Size;
                    break;
                case SessionMessage.BodyOneofCase.Entries:
                    Entries = message.Entries;
                    break;
                case SessionMessage.BodyOneofCase.Statistics:
                    Statistics = message.Statistics;
                    break;
                case SessionMessage.BodyOneofCase.End:
                    End = message.End;
                    break;
            }
        }
    }

    public async Task<TestSession> ReadToEndAsync()
    {
        await ReadUntilAsync(_ => false);
        return this;
    }

    public void Dispose() => _done.TrySetResult();
}
