using System.Collections.Immutable;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Simulation;

/// <summary>
/// The real core between a simulated store, simulated streams and simulated nodes, on one event queue in virtual time.
/// The server may crash at any point between decision, commit and effect. A stream delivers orders and registrations in order until
/// it breaks; reports overtake each other and come twice.
/// </summary>
internal sealed class SimulatedCluster
{
    private readonly SimulationOptions _options;
    private readonly SeededRandom _server;
    private readonly SeededRandom _network;
    private readonly List<Input> _inbox = [];
    private readonly Dictionary<int, Timestamp> _lastDelivery = [];
    private readonly Dictionary<AgentId, int> _routes = [];
    private bool _busy;
    private int _streams;
    private int _epoch;
    private int _commits;
    private Timestamp _acknowledged;
    private Timestamp? _tickAt;
    private long _renumbered = 1L << 40;

    public SimulatedCluster(SimulationOptions options)
    {
        _options = options;
        _server = new SeededRandom(options.Seed * 3 + 1);
        _network = new SeededRandom(options.Seed * 5 + 2);
        Settings = new ClusterSettings { HoldsUnhealthyKills = options.Break != BrokenRule.NoBrake };
        for (var i = 0; i < options.Nodes; i++)
        {
            var node = new AgentNode(
                new AgentId($"n{i:d4}"), $"n{i:d4}.sim", "127.0.0.1", new Resources(2000 + 1000 * (i % 3), 4L << 30, 100L << 30, 0),
                [new PortRange(31000, 31019)],
                ImmutableSortedDictionary<string, string>.Empty.Add("rack", $"r{i % 4}"), "sim", $"z{i % 3}", ["mesos"], "sim",
                default, false, null, false)
            {
                Disks = i % 2 == 0 ? [new NodeDisk(DiskType.Path, "/path", 9L << 30, null), new NodeDisk(DiskType.Mount, "/mount", 2L << 30, null)] : [],
            };
            Agents.Add(new SimulatedAgent(this, node, new SeededRandom(options.Seed * 7 + 3 + (ulong)i)));
        }
        Post(new Input.ServerStarted());
        foreach (var agent in Agents)
        {
            agent.Dial();
        }
    }

    public EventQueue Events { get; } = new();
    public List<SimulatedAgent> Agents { get; } = [];
    public ClusterSettings Settings { get; }
    public BrokenRule Break => _options.Break;

    /// <summary>What the server has in memory; after a crash, what it stored.</summary>
    public ClusterState State { get; private set; } = ClusterState.Empty;

    public bool ServerIsUp { get; private set; } = true;

    /// <summary>Of a thousand commits, how many end in a crash of the server.</summary>
    public int CrashPermille { get; set; } = 3;

    /// <summary>The store needs up to this long for a commit.</summary>
    public int SlowStoreMilliseconds { get; set; } = 5;

    public int NewStream() => ++_streams;

    public void ToServer(SimulatedAgent agent, Input message)
    {
        if (agent.Stream == 0)
        {
            return;
        }
        var stream = agent.Stream;
        Events.At(message is Input.TaskReported ? Overtaking(stream) : Delivery(stream), () =>
        {
            if (agent.Stream != stream || !ServerIsUp)
            {
                return; // lost with the stream
            }
            Post(Broken(message), connected: message is Input.AgentConnected ? (agent, stream) : null);
        });
    }

    // What the core is shown when a rule is broken on purpose.
    private Input Broken(Input message) => (_options.Break, message) switch
    {
        (BrokenRule.OverCommit, Input.AgentConnected connected) => connected with
        {
            Node = connected.Node with { Resources = connected.Node.Resources with { CpuMillis = connected.Node.Resources.CpuMillis * 2 } },
        },
        (BrokenRule.OverCommitDisks, Input.AgentConnected connected) => connected with
        {
            Node = connected.Node with { Disks = ValueList.From(connected.Node.Disks.Select(disk => disk with { SizeBytes = disk.SizeBytes * 2 })) },
        },
        (BrokenRule.TrustOldReports, Input.TaskReported reported) => reported with { Report = reported.Report with { Sequence = ++_renumbered } },
        (BrokenRule.AlwaysReady, Input.TaskReported reported) => reported with
        {
            Report = reported.Report with { Readiness = ValueList.From(reported.Report.Readiness.Select(result => result with { Ready = true })) },
        },
        _ => message,
    };

    /// <summary>The server notices that a stream is broken, unless a newer one took over.</summary>
    public void StreamBroke(SimulatedAgent agent, int stream)
    {
        if (ServerIsUp && _routes.TryGetValue(agent.Node.Id, out var current) && current == stream)
        {
            _routes.Remove(agent.Node.Id);
            Post(new Input.AgentDisconnected(agent.Node.Id));
        }
    }

    public void Post(Input input) => Post(input, null);

    private void Post(Input input, (SimulatedAgent Agent, int Stream)? connected)
    {
        if (!ServerIsUp)
        {
            return;
        }
        if (connected is { } of)
        {
            _routes[of.Agent.Node.Id] = of.Stream;
        }
        _inbox.Add(input);
        Work();
    }

    public void Crash()
    {
        if (!ServerIsUp)
        {
            return;
        }
        ServerIsUp = false;
        _epoch++;
        _inbox.Clear();
        _routes.Clear();
        _busy = false;
        _tickAt = null;
        foreach (var agent in Agents)
        {
            agent.ServerDied();
        }
        Events.In(TimeSpan.FromMilliseconds(200 + _server.Next(20_000)), () =>
        {
            ServerIsUp = true;
            Require(State.RootVersion >= _acknowledged, $"an answered change is lost: stored {State.RootVersion}, answered {_acknowledged}");
            Post(new Input.ServerStarted());
        });
    }

    private void Work()
    {
        if (_busy || _inbox.Count == 0)
        {
            return;
        }
        _busy = true;
        var epoch = _epoch;
        Events.In(TimeSpan.FromMilliseconds(1), () =>
        {
            if (epoch != _epoch)
            {
                return;
            }
            var batch = _inbox.ToList();
            _inbox.Clear();
            var before = State;
            var result = Orchestrator.Step(before, batch, Events.Now, _server.NextUInt64(), Settings);
            if (Crashes())
            {
                Crash(); // decided, not committed: it never happened
                return;
            }
            Events.In(TimeSpan.FromMilliseconds(_server.Next(SlowStoreMilliseconds)), () =>
            {
                if (epoch != _epoch)
                {
                    return;
                }
                State = _options.Break == BrokenRule.LoseCommits && ++_commits % 10 == 0 ? before : result.State;
                Checks.AfterCommit(this, before, result);
                CarryOut(result.Effects);
                if (epoch != _epoch)
                {
                    return; // it crashed in the middle of its effects
                }
                _busy = false;
                Arm();
                Work();
            });
        });
    }

    private bool Crashes() => _server.Next(1000) < CrashPermille;

    private void CarryOut(IReadOnlyList<Effect> effects)
    {
        var crashAt = Crashes() ? _server.Next(effects.Count + 1) : -1;
        for (var i = 0; i < effects.Count; i++)
        {
            if (i == crashAt)
            {
                Crash();
                return;
            }
            switch (effects[i])
            {
                case Effect.Reply { Result: CommandResult.Deploying deploying }:
                    _acknowledged = Timestamp.Max(_acknowledged, deploying.Version);
                    break;
                case Effect.Launch launch:
                    ToAgent(launch.AgentId, agent => agent.Launch(launch));
                    if (_options.Break == BrokenRule.DoubleLaunches && _server.Next(10) == 0)
                    {
                        Agents[_server.Next(Agents.Count)].Launch(launch);
                    }
                    break;
                case Effect.Kill kill when _options.Break != BrokenRule.IgnoreKills:
                    ToAgent(kill.AgentId, agent => agent.Kill(kill.TaskId));
                    break;
                case Effect.WipeVolumes wipe:
                    ToAgent(wipe.AgentId, agent => agent.WipeVolumes(wipe.Ids));
                    break;
                case Effect.Acknowledge acknowledge:
                    ToAgent(acknowledge.AgentId, agent => agent.Acknowledge(acknowledge.TaskId, acknowledge.Sequence));
                    break;
            }
        }
    }

    private void ToAgent(AgentId id, Action<SimulatedAgent> deliver)
    {
        if (!_routes.TryGetValue(id, out var stream))
        {
            return; // dropped: the node's next registration settles it
        }
        var agent = Agents[int.Parse(id.Value.AsSpan(1))];
        Events.At(Delivery(-stream), () =>
        {
            if (agent.Stream == stream && !agent.Down)
            {
                deliver(agent);
            }
        });
    }

    // Delayed at random, never overtaking on the same stream and direction.
    private Timestamp Delivery(int direction)
    {
        var delay = _network.Next(50) == 0 ? _network.Next(3_000) : _network.Next(20);
        var at = Timestamp.Max(Events.Now + TimeSpan.FromMilliseconds(1 + delay), _lastDelivery.GetValueOrDefault(direction));
        _lastDelivery[direction] = at;
        return at;
    }

    // Reports find their own way, but none is faster than the registration before it.
    private Timestamp Overtaking(int stream)
    {
        var delay = _network.Next(10) == 0 ? _network.Next(5_000) : _network.Next(20);
        return Timestamp.Max(Events.Now + TimeSpan.FromMilliseconds(1 + delay), _lastDelivery.GetValueOrDefault(stream));
    }

    private void Arm()
    {
        if (State.NextDeadline is not { } at || (_tickAt is { } armed && armed <= at && armed > Events.Now))
        {
            return;
        }
        _tickAt = Timestamp.Max(at, Events.Now + TimeSpan.FromMilliseconds(1));
        var epoch = _epoch;
        Events.At(_tickAt.Value, () =>
        {
            if (epoch == _epoch)
            {
                _tickAt = null;
                Post(new Input.Tick());
            }
        });
    }

    public static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new SimulationFailedException(otherwise);
        }
    }
}
