using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Simulation;

/// <summary>
/// A node with its agent: starts and ends tasks in virtual time, keeps them over restarts of the agent, loses them with the
/// machine, and repeats what was not acknowledged.
/// </summary>
internal sealed class SimulatedAgent(SimulatedCluster cluster, AgentNode node, SeededRandom random)
{
    private readonly SortedDictionary<TaskId, SimulatedTask> _tasks = [];
    private readonly SortedSet<string> _doomed = new(StringComparer.Ordinal);
    private bool _healed;

    public AgentNode Node { get; } = node;

    /// <summary>Stream to the server; 0 when there is none. Messages of an older stream are lost.</summary>
    public int Stream { get; private set; }

    public bool Partitioned { get; private set; }
    public bool Down { get; private set; }

    /// <summary>Of a hundred launched tasks, how many fail early; how many end by themselves later.</summary>
    public int FailurePercent { get; set; }

    /// <summary>Its data outlives what the server knew of it: nothing is destroyed without an order.</summary>
    public bool WasForgotten { get; set; }

    /// <summary>Persistent volumes whose data is here.</summary>
    public SortedSet<string> Volumes { get; } = new(StringComparer.Ordinal);

    public IEnumerable<SimulatedTask> Live => _tasks.Values.Where(t => !t.Condition.IsTerminal());

    public void Dial()
    {
        if (Stream != 0 || Partitioned || Down)
        {
            return; // connected, or tried again when that is over
        }
        if (!cluster.ServerIsUp)
        {
            Redial();
            return;
        }
        Stream = cluster.NewStream();
        cluster.ToServer(this, new Input.AgentConnected(Node with { Volumes = ValueList.From(Volumes) }, ValueList.From(_tasks.Values.Select(t => t.Report()))));
    }

    /// <summary>The stream breaks; both sides notice, each in its time.</summary>
    public void Break()
    {
        if (Stream == 0)
        {
            return;
        }
        var broken = Stream;
        Stream = 0;
        cluster.Events.In(TimeSpan.FromMilliseconds(10 + random.Next(15_000)), () => cluster.StreamBroke(this, broken));
        Redial();
    }

    /// <summary>The server went away: its end of the stream is gone already.</summary>
    public void ServerDied()
    {
        Stream = 0;
        Redial();
    }

    public void Partition(TimeSpan time)
    {
        Partitioned = true;
        Break();
        cluster.Events.In(time, () =>
        {
            Partitioned = false;
            Dial();
        });
    }

    /// <summary>The agent process dies and comes back; its containers live on.</summary>
    public void Restart(TimeSpan time)
    {
        Down = true;
        Break();
        cluster.Events.In(time, () =>
        {
            Down = false;
            Dial();
        });
    }

    /// <summary>The machine reboots: containers are gone, and the agent knows that they are.</summary>
    public void Reboot(TimeSpan time)
    {
        foreach (var task in Live.ToList())
        {
            task.Become(random.Next(2) == 0 ? Condition.Gone : Condition.Failed);
        }
        Restart(time);
    }

    /// <summary>The machine comes back with an empty disk.</summary>
    public void Wipe(TimeSpan time)
    {
        _tasks.Clear();
        Volumes.Clear();
        _doomed.Clear();
        Restart(time);
    }

    public void Heal()
    {
        _healed = true;
        FailurePercent = 0;
        Partitioned = false;
        Down = false;
        Dial();
        foreach (var task in Live.ToList())
        {
            task.Ready = true;
            Set(task, task.Condition == Condition.Killing ? Condition.Killing : Condition.Running, healthy: true);
        }
    }

    public void Launch(Effect.Launch order)
    {
        for (var i = 0; i < order.Instance.Tasks.Count; i++)
        {
            var info = order.Instance.Tasks[i];
            if (_tasks.TryGetValue(info.Id, out var known))
            {
                Say(known); // idempotent by task id: the order was repeated
                continue;
            }
            var task = new SimulatedTask(info.Id, order.Instance.Placement!, order.RunSpec.ContainerHealthChecks.IsEmpty
                ? order.RunSpec.HealthChecks
                : order.RunSpec.ContainerHealthChecks[i], order.RunSpec.HasReadinessCheck);
            foreach (var volume in order.Instance.Volumes)
            {
                SimulatedCluster.Require(!_doomed.Contains(volume.Id), $"{info.Id} was given {volume.Id}, which was to be wiped");
                Volumes.Add(volume.Id);
                task.Volumes.Add(volume.Id);
            }
            _tasks.Add(info.Id, task);
            After(2_000, () => Progress(task));
        }
    }

    public void Kill(TaskId id)
    {
        if (!_tasks.TryGetValue(id, out var task))
        {
            cluster.ToServer(this, new Input.TaskReported(Node.Id, SimulatedTask.Unknown(id)));
            return;
        }
        if (task.Condition.IsTerminal())
        {
            Say(task);
            return;
        }
        Set(task, Condition.Killing, null);
        After(5_000, () => Set(task, Condition.Killed, null));
    }

    /// <summary>Data goes when no task uses it any more.</summary>
    public void WipeVolumes(IEnumerable<string> ids)
    {
        _doomed.UnionWith(ids.Where(Volumes.Contains));
        WipeUnused();
    }

    private void WipeUnused()
    {
        if (cluster.Break == BrokenRule.WipeWithTasks)
        {
            _doomed.UnionWith(Volumes);
        }
        foreach (var id in _doomed.Where(id => !Live.Any(task => task.Volumes.Contains(id))).ToList())
        {
            Checks.MayBeWiped(cluster, id);
            _doomed.Remove(id);
            Volumes.Remove(id);
        }
    }

    public void Acknowledge(TaskId id, long sequence)
    {
        if (_tasks.TryGetValue(id, out var task) && task.Condition.IsTerminal() && task.Sequence <= sequence)
        {
            _tasks.Remove(id);
        }
    }

    /// <summary>A task ends by itself, or changes its health.</summary>
    public void Disturb()
    {
        var live = Live.Where(t => t.Condition == Condition.Running).ToList();
        if (live.Count == 0)
        {
            return;
        }
        var task = live[random.Next(live.Count)];
        switch (random.Next(3))
        {
            case 0:
                Set(task, Condition.Failed, null);
                break;
            case 1:
                Set(task, Condition.Finished, null);
                break;
            default:
                Flap(task, !(task.Healthy ?? false));
                break;
        }
    }

    /// <summary>All tasks of a run spec fail their health checks for a while: what they depend on is gone.</summary>
    public void Sicken(RunSpecId id, TimeSpan time)
    {
        foreach (var task in Live.Where(t => t.Condition == Condition.Running && t.Id.TryGetInstance(out var i, out _, out _) && i.RunSpecId == id).ToList())
        {
            Flap(task, false);
            cluster.Events.In(time, () => Flap(task, true));
        }
    }

    /// <summary>The task that really runs here under an id; null when none does.</summary>
    public SimulatedTask? Find(TaskId id) => _tasks.GetValueOrDefault(id);

    // Health that stays bad for long enough makes the agent ask for the task's end.
    private void Flap(SimulatedTask task, bool healthy)
    {
        if (task.Condition != Condition.Running)
        {
            return;
        }
        Set(task, Condition.Running, healthy);
        var bad = task.Sequence;
        if (!healthy && task.Checks > 0)
        {
            After(30_000, () =>
            {
                if (task is { Healthy: false, Condition: Condition.Running } && task.Sequence == bad)
                {
                    task.FailedTooOften = true;
                    Set(task, Condition.Running, false);
                }
            });
        }
    }

    private void Progress(SimulatedTask task)
    {
        if (task.Condition.IsTerminal() || task.Condition == Condition.Killing)
        {
            return;
        }
        if (random.Next(100) < FailurePercent)
        {
            Set(task, Condition.Failed, null);
        }
        else if (task.Condition == Condition.Staging)
        {
            Set(task, Condition.Starting, null);
            After(3_000, () => Progress(task));
        }
        else if (task.Condition == Condition.Starting)
        {
            Set(task, Condition.Running, null);
            After(10_000, () => Progress(task));
            if (task.HasReadiness && (random.Next(8) > 0 || _healed)) // some take until the faults stop
            {
                After(40_000, () =>
                {
                    task.Ready = true;
                    Set(task, task.Condition, null);
                });
            }
        }
        else if (task.Healthy is null)
        {
            Set(task, Condition.Running, healthy: true);
        }
    }

    // Containers go on while the agent is away; it finds out when it is back.
    private void Set(SimulatedTask task, Condition condition, bool? healthy)
    {
        if (_tasks.GetValueOrDefault(task.Id) != task || task.Condition.IsTerminal()) // also what a wiped disk took
        {
            return;
        }
        task.Become(condition, healthy);
        WipeUnused();
        Say(task);
    }

    private void Say(SimulatedTask task)
    {
        var times = random.Next(20) == 0 ? 2 : 1; // now and then a report is sent twice
        for (var i = 0; i < times; i++)
        {
            cluster.ToServer(this, new Input.TaskReported(Node.Id, task.Report()));
        }
    }

    private void After(int atMostMilliseconds, Action action) =>
        cluster.Events.In(TimeSpan.FromMilliseconds(1 + random.Next(atMostMilliseconds)), action);

    private void Redial() => cluster.Events.In(TimeSpan.FromMilliseconds(100 + random.Next(5_000)), Dial);
}

/// <summary>One task on a simulated node, as it really is.</summary>
internal sealed class SimulatedTask(TaskId id, Placement placement, int checks, bool hasReadiness)
{
    private bool _wasHealthy;

    public TaskId Id { get; } = id;
    public Placement Placement { get; } = placement;
    public Condition Condition { get; private set; } = Condition.Staging;
    public long Sequence { get; private set; } = 1;
    public bool? Healthy { get; private set; }
    public int Checks => checks;
    public bool HasReadiness => hasReadiness;

    /// <summary>Persistent volumes that it uses.</summary>
    public List<string> Volumes { get; } = [];

    /// <summary>Its readiness check passed once.</summary>
    public bool Ready { get; set; }

    /// <summary>Its health check failed so often in a row that it is to be ended.</summary>
    public bool FailedTooOften { get; set; }

    public void Become(Condition condition, bool? healthy = null)
    {
        Condition = condition;
        Healthy = healthy ?? Healthy;
        _wasHealthy |= Healthy == true;
        FailedTooOften &= Healthy == false;
        Sequence++;
    }

    public TaskReport Report() => new(
        Id, Sequence, Condition, null, null, default, Condition == Condition.Failed ? 1 : null, null, [],
        Healthy is { } alive && !Condition.IsTerminal()
            ? ValueList.From(Enumerable.Range(0, checks).Select(i => new HealthResult(i, alive, alive ? 0 : 1, _wasHealthy ? new(1) : null, null, null, null)
            {
                KillCause = FailedTooOften ? "failed too often" : null,
            }))
            : [])
    {
        Readiness = hasReadiness && Condition == Condition.Running ? [new ReadinessResult("ready", Ready, null)] : [],
    };

    /// <summary>Newer than any that the task had, as the agent's clock is.</summary>
    public static TaskReport Unknown(TaskId id) => new(id, long.MaxValue, Condition.Killed, "unknown task", null, default, null, null, [], []);
}
