using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;

namespace Pacer.Shell.Tests.Api;

/// <summary>The real state machine behind the loop's interface, one input a step, with time that tests move.</summary>
internal sealed class StepLoop : IClusterLoop
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, CommandResult> _replies = [];
    private ClusterState _state = ClusterState.Empty;
    private long _nextRequest;
    private ulong _seed = 42;

    public Timestamp Now { get; set; } = new(1_700_000_000_000);

    public ClusterSettings Settings { get; init; } = new();

    public List<Effect> Effects { get; } = [];

    /// <summary>Called before a command is decided: another writer may come first here.</summary>
    public Action? BeforeSubmit { get; set; }

    /// <summary>What to answer instead of deciding.</summary>
    public Func<CommandResult?>? Instead { get; set; }

    public ClusterState State => Volatile.Read(ref _state);

    public Task<CommandResult> SubmitAsync(Func<RequestId, Input.Command> command, CancellationToken cancellationToken)
    {
        BeforeSubmit?.Invoke();
        if (Instead?.Invoke() is { } instead)
        {
            return Task.FromResult(instead);
        }
        var request = new RequestId(Interlocked.Increment(ref _nextRequest));
        Step(command(request));
        return Task.FromResult(_replies[request.Value]);
    }

    public ValueTask PostAsync(Input input, CancellationToken cancellationToken)
    {
        Step(input);
        return ValueTask.CompletedTask;
    }

    public Task<ClusterState> WaitForIndexAsync(long index, CancellationToken cancellationToken) =>
        State.Index >= index ? Task.FromResult(State) : Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => State, cancellationToken);

    public void Step(Input input)
    {
        lock (_lock)
        {
            Now += TimeSpan.FromMilliseconds(5);
            var result = Orchestrator.Step(_state, [input], Now, _seed++, Settings);
            _state = result.State with { Index = _state.Index + 1 };
            foreach (var effect in result.Effects)
            {
                Effects.Add(effect);
                if (effect is Effect.Reply reply)
                {
                    _replies[reply.Request.Value] = reply.Result;
                }
            }
        }
    }

    /// <summary>A node with plenty of everything.</summary>
    public void ConnectAgent(string id = "agent-1", string hostname = "node1.example.com") => Step(new Input.AgentConnected(
        new AgentNode(
            new AgentId(id), hostname, "127.0.0.1", new Resources(64_000, 64L << 30, 64L << 30, 0), [new PortRange(31000, 31999)],
            System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty, "eu", "eu-1", ["mesos"], "0.1.0", Now, true, null, false)
        {
            Networks = ["container/bridge", "n", "front", "back"],
        },
        []));

    /// <summary>Reports every launched task of the app in the given condition.</summary>
    public void Report(string app, Condition condition, params HealthResult[] health)
    {
        foreach (var instance in State.InstancesOf(new RunSpecId(app)).Values.Where(i => i.Placement is not null))
        {
            foreach (var task in instance.Tasks)
            {
                Step(new Input.TaskReported(instance.Placement!.AgentId, new TaskReport(
                    task.Id, Now.UnixMilliseconds, condition, null, null, Now, null, null, ["10.0.0.7"], ValueList.From(health))));
            }
        }
    }
}
