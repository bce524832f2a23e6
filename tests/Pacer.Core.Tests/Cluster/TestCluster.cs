using System.Collections.Immutable;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Core.Tests.Cluster;

/// <summary>
/// The real state machine with agents of the test's own, in virtual time. After every step the invariants are checked and the
/// changes are replayed on the state before the step.
/// </summary>
internal sealed class TestCluster
{
    private readonly SeededRandom _seeds;
    private long _request;

    public TestCluster(ulong seed = 1, ClusterSettings? settings = null)
    {
        _seeds = new SeededRandom(seed);
        Settings = settings ?? new ClusterSettings();
    }

    public ClusterSettings Settings { get; }
    public ClusterState State { get; private set; } = ClusterState.Empty;
    public Timestamp Now { get; private set; } = new(1_700_000_000_000);
    public SortedDictionary<AgentId, TestAgent> Agents { get; } = [];
    public List<ClusterEvent> Events { get; } = [];
    public Dictionary<RequestId, CommandResult> Replies { get; } = [];

    /// <summary>What stays after a crash: the state rebuilt from all changes ever committed.</summary>
    public ClusterState Stored { get; private set; } = ClusterState.Empty;

    public TestAgent AddAgent(string name, long cpuMillis = 4000, long memoryMiB = 4096, string ports = "31000-31099",
        IDictionary<string, string>? attributes = null, string? zone = null, string runtime = "mesos", string region = "local", int gpus = 0,
        string[]? networks = null, NodeDisk[]? disks = null, string[]? volumeDrivers = null, params ReadOnlySpan<Reservation> reservations)
    {
        var range = ports.Split('-').Select(int.Parse).ToArray();
        var node = new AgentNode(
            new AgentId(name), name + ".test", "127.0.0.1", new Resources(cpuMillis, memoryMiB << 20, 100L << 30, gpus),
            [new PortRange(range[0], range[1])],
            attributes?.ToImmutableSortedDictionary(StringComparer.Ordinal) ?? ImmutableSortedDictionary<string, string>.Empty, region, zone,
            [runtime], "test", default, false, null, false)
        {
            Reservations = ValueList.Create(reservations), Networks = ValueList.From(networks ?? []), Disks = ValueList.From(disks ?? []),
            VolumeDrivers = ValueList.From(volumeDrivers ?? []),
        };
        var agent = new TestAgent(node);
        Agents.Add(node.Id, agent);
        Connect(agent);
        return agent;
    }

    public void Connect(TestAgent agent)
    {
        agent.Connected = true;
        agent.Outbox.Clear();
        Step(new Input.AgentConnected(agent.Node, agent.Report()));
        Deliver();
    }

    public void Disconnect(TestAgent agent)
    {
        agent.Connected = false;
        agent.Outbox.Clear();
        Step(new Input.AgentDisconnected(agent.Node.Id));
    }

    /// <summary>The server process dies and comes back with what was stored; streams break.</summary>
    public void RestartServer()
    {
        State = Stored;
        foreach (var agent in Agents.Values)
        {
            agent.Connected = false;
            agent.Outbox.Clear();
        }
        Step(new Input.ServerStarted());
    }

    public CommandResult Send(Func<RequestId, Input.Command> command)
    {
        var request = new RequestId(++_request);
        Step(command(request));
        Deliver();
        return Replies[request];
    }

    public CommandResult Put(RunSpec spec, bool force = false) => Send(r => new Input.ChangeRunSpecs(
        r, [new RunSpecChange.Put(spec, State.RunSpecs.GetValueOrDefault(spec.Id)?.Version)], force));

    public void Advance(TimeSpan time)
    {
        var until = Now + time;
        while (State.NextDeadline is { } next && next <= until)
        {
            Now = Timestamp.Max(Now, next);
            Step(new Input.Tick());
            Deliver();
        }
        Now = until;
        Step(new Input.Tick());
        Deliver();
    }

    public void Step(params Input[] inputs)
    {
        Now += TimeSpan.FromMilliseconds(1);
        var before = State;
        var result = Orchestrator.Step(before, inputs, Now, _seeds.NextUInt64(), Settings);
        State = result.State with { Index = before.Index + 1 };
        Stored = result.Changes.Aggregate(Stored, Orchestrator.Apply);
        Invariants.SameTables(result.State, result.Changes.Aggregate(before, Orchestrator.Apply));
        Invariants.Hold(State, Settings);
        Invariants.PlacedOnOpenNodes(result, Now);
        foreach (var effect in result.Effects)
        {
            switch (effect)
            {
                case Effect.Reply reply:
                    Replies[reply.Request] = reply.Result;
                    break;
                case Effect.Publish publish:
                    Events.Add(publish.Event);
                    break;
                case Effect.Launch launch:
                    Connected(launch.AgentId)?.Launch(launch);
                    break;
                case Effect.Kill kill:
                    Connected(kill.AgentId)?.Kill(kill.TaskId);
                    break;
                case Effect.Acknowledge acknowledge:
                    Connected(acknowledge.AgentId)?.Acknowledge(acknowledge.TaskId, acknowledge.Sequence);
                    break;
            }
        }
    }

    /// <summary>Delivers reports of connected agents until nobody has anything to say.</summary>
    public void Deliver()
    {
        while (Agents.Values.FirstOrDefault(a => a.Connected && a.Outbox.Count > 0) is { } agent)
        {
            Step(new Input.TaskReported(agent.Node.Id, agent.Outbox.Dequeue()));
        }
    }

    public IReadOnlyList<Instance> InstancesOf(string id) => [.. State.InstancesOf(new RunSpecId(id)).Values];

    public Instance Single(string id) => Assert.Single(InstancesOf(id));

    public static RunSpec App(string id, int instances = 1, string definition = "{}", long cpuMillis = 100, long memoryMiB = 32) => new(
        new RunSpecId(id), RunSpecKind.App, definition, instances, new Resources(cpuMillis, memoryMiB << 20, 0, 0), RuntimeKind.Mesos,
        [TaskId.AppContainer], [], false, [], [], BackoffPolicy.Default, UpgradeStrategy.Default, UnreachableStrategy.Default,
        KillSelection.YoungestFirst, "*", [], 0, false, default, default, default);

    private TestAgent? Connected(AgentId id) => Agents.TryGetValue(id, out var agent) && agent.Connected ? agent : null;
}

/// <summary>A node as the core sees one: runs what it is told, reports until acknowledged.</summary>
internal sealed class TestAgent(AgentNode node)
{
    private readonly SortedDictionary<TaskId, (Condition Condition, long Sequence)> _tasks = [];

    public AgentNode Node { get; } = node;
    public bool Connected { get; set; }
    public Queue<TaskReport> Outbox { get; } = new();

    /// <summary>What a launched task does: runs by default.</summary>
    public Func<TaskId, Condition> OnLaunch { get; set; } = _ => Condition.Running;

    /// <summary>Whether new tasks report healthy; null: nothing.</summary>
    public bool? Health { get; set; }

    /// <summary>Tasks whose health check failed too often; with <see cref="Health"/> false.</summary>
    public HashSet<TaskId> FailedTooOften { get; } = [];

    /// <summary>What readiness checks were answered; null: they were not polled.</summary>
    public bool? Readiness { get; set; }

    /// <summary>Whether a kill ends a task at once; otherwise the test does.</summary>
    public bool ObeysKills { get; set; } = true;

    public IReadOnlyList<TaskId> Running => [.. _tasks.Where(t => !t.Value.Condition.IsTerminal()).Select(t => t.Key)];

    public ValueList<TaskReport> Report() => ValueList.From(_tasks.Select(t => ReportOf(t.Key, t.Value.Condition, t.Value.Sequence)));

    public void Launch(Effect.Launch launch)
    {
        foreach (var task in launch.Instance.Tasks)
        {
            if (!_tasks.ContainsKey(task.Id))
            {
                Become(task.Id, OnLaunch(task.Id));
            }
        }
    }

    public void Kill(TaskId task)
    {
        if (!_tasks.TryGetValue(task, out var known))
        {
            Outbox.Enqueue(ReportOf(task, Condition.Killed, long.MaxValue)); // newer than any, as the agent's clock is
        }
        else if (!known.Condition.IsTerminal() && ObeysKills)
        {
            Become(task, Condition.Killed);
        }
    }

    public void Acknowledge(TaskId task, long sequence)
    {
        if (_tasks.TryGetValue(task, out var known) && known.Condition.IsTerminal() && known.Sequence <= sequence)
        {
            _tasks.Remove(task);
        }
    }

    public void Become(TaskId task, Condition condition)
    {
        var sequence = _tasks.GetValueOrDefault(task).Sequence + 1;
        _tasks[task] = (condition, sequence);
        Outbox.Enqueue(ReportOf(task, condition, sequence));
    }

    /// <summary>The machine reboots: nothing is known any more.</summary>
    public void ForgetAll() => _tasks.Clear();

    public void Forget(TaskId task) => _tasks.Remove(task);

    private TaskReport ReportOf(TaskId task, Condition condition, long sequence) => new(
        task, sequence, condition, null, null, default, condition == Condition.Failed ? 1 : null, null, [],
        Health is { } alive && !condition.IsTerminal() ? [HealthOf(task, alive)] : [])
    {
        Readiness = Readiness is { } ready && condition == Condition.Running ? [new ReadinessResult("ready", ready, null)] : [],
    };

    private HealthResult HealthOf(TaskId task, bool alive) => new(0, alive && !FailedTooOften.Contains(task), 0, new(1), null, null, null)
    {
        KillCause = FailedTooOften.Contains(task) ? "failed too often" : null,
    };
}
