using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Simulation;

/// <summary>Wishes of users and faults of the world, drawn from the seed and numbered, so that each can be left out.</summary>
internal sealed class Workload(SimulatedCluster cluster, SimulationOptions options)
{
    private readonly SeededRandom _times = new(options.Seed * 11 + 4);
    private int _number;
    private long _request;
    private bool _stopped;

    /// <summary>How many wishes and faults there were so far, those that were left out included.</summary>
    public int Drawn => _number;

    public void Begin() => Plan();

    /// <summary>No more wishes and faults from now on.</summary>
    public void Stop() => _stopped = true;

    private void Plan() => cluster.Events.In(TimeSpan.FromMilliseconds(1 + _times.Next(4_000)), () =>
    {
        if (_stopped)
        {
            return;
        }
        var number = _number++;
        if (!options.Skipped.Contains(number))
        {
            Act(number, new SeededRandom(options.Seed * 13 + 5 + (ulong)number * 104_729));
        }
        Plan();
    });

    private void Act(int number, SeededRandom random)
    {
        var agent = cluster.Agents[random.Next(cluster.Agents.Count)];
        var id = new RunSpecId($"/g{random.Next(3)}/app{random.Next(4)}");
        var force = random.Next(2) == 0;
        var time = TimeSpan.FromSeconds(1 + random.Next(random.Next(3) == 0 ? 300 : 30));
        var kind = random.Next(34);
        switch (kind)
        {
            case < 7:
                Say(number, $"put {id}");
                Put(Draw(id, random), force);
                break;
            case < 9 when cluster.State.RunSpecs.TryGetValue(id, out var spec):
                Say(number, $"scale {id}");
                Put(spec with { Instances = random.Next(12) }, force);
                break;
            case 9:
                Say(number, $"remove {id}");
                Command(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Remove(id)], force));
                break;
            case 10:
                Say(number, $"restart {id}");
                Command(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Restart(id)], force));
                break;
            case 11 or 12:
                var instances = cluster.State.InstancesOf(id).Keys.ToList();
                if (instances.Count > 0)
                {
                    Say(number, $"kill an instance of {id}");
                    Command(r => new Input.KillInstances(
                        r, [instances[random.Next(instances.Count)]], random.Next(3) == 0, random.Next(3) == 0, force));
                }
                break;
            case 13 when !cluster.State.Deployments.IsEmpty:
                Say(number, "cancel a deployment");
                var deployment = cluster.State.Deployments.Keys.ElementAt(random.Next(cluster.State.Deployments.Count));
                Command(r => new Input.CancelDeployment(r, deployment, force));
                break;
            case 14 or 15:
                Say(number, $"break the stream of {agent.Node.Id}");
                agent.Break();
                break;
            case 16:
                Say(number, $"cut off {agent.Node.Id} for {time}");
                agent.Partition(time);
                break;
            case 17:
                Say(number, $"restart the agent of {agent.Node.Id}, away for {time}");
                agent.Restart(time);
                break;
            case 18:
                Say(number, $"reboot {agent.Node.Id}, away for {time}");
                agent.Reboot(time);
                break;
            case 19:
                Say(number, $"wipe {agent.Node.Id}, away for {time}");
                agent.Wipe(time);
                break;
            case 20:
                Say(number, "crash the server");
                cluster.Crash();
                break;
            case 21:
                agent.FailurePercent = random.Next(4) * 25;
                Say(number, $"{agent.FailurePercent} % of launches on {agent.Node.Id} fail");
                break;
            case 22:
                cluster.SlowStoreMilliseconds = random.Next(3) == 0 ? 2_000 : 5;
                Say(number, $"the store takes up to {cluster.SlowStoreMilliseconds} ms");
                break;
            case 23 when !cluster.State.Pending.IsEmpty:
                Say(number, "reset a delay");
                Command(r => new Input.ResetDelay(r, cluster.State.Pending.Keys.First()));
                break;
            case 24:
                Say(number, $"let {id.Group} depend on /g0");
                Command(r => new Input.ChangeRunSpecs(r, [], force)
                {
                    Groups = [new GroupChange.Put(new Group(id.Group, id.Group == "/g0" ? [] : ["/g0"], null, default))],
                });
                break;
            case 25 when random.Next(3) == 0:
                Say(number, $"remove {id.Group}");
                Command(r => new Input.ChangeRunSpecs(r, [], force) { Groups = [new GroupChange.Remove(id.Group)] });
                break;
            case 26:
                Say(number, $"{id} turns unhealthy for {time}");
                foreach (var node in cluster.Agents)
                {
                    node.Sicken(id, time);
                }
                break;
            case 30:
                var cordoned = random.Next(2) == 0;
                Say(number, $"{(cordoned ? "cordon" : "uncordon")} {agent.Node.Id}");
                Command(r => new Input.CordonNode(r, agent.Node.Id, cordoned));
                break;
            case 31:
                Say(number, $"drain {agent.Node.Id}, {(force ? $"killing after {time}" : "without a deadline")}");
                Command(r => new Input.DrainNode(r, agent.Node.Id, force ? time : null, random.Next(2) == 0));
                break;
            case 32:
                Say(number, $"undrain {agent.Node.Id}");
                Command(r => new Input.UndrainNode(r, agent.Node.Id));
                break;
            case 33 when random.Next(3) == 0:
                Say(number, $"forget {agent.Node.Id}");
                agent.WasForgotten = true;
                Command(r => new Input.RemoveNode(r, agent.Node.Id));
                break;
            default:
                Say(number, $"disturb a task on {agent.Node.Id}");
                agent.Disturb();
                break;
        }
    }

    private void Say(int number, string text) => options.Log?.Invoke($"{cluster.Events.Now} #{number} {text}");

    private void Put(RunSpec spec, bool force) => Command(r => new Input.ChangeRunSpecs(
        r, [new RunSpecChange.Put(options.Break == BrokenRule.IgnoreMinimum ? Checks.HideMinimum(spec) : spec, cluster.State.RunSpecs.GetValueOrDefault(spec.Id)?.Version)], force));

    private void Command(Func<RequestId, Input> command) => cluster.Post(command(new RequestId(++_request)));

    private static RunSpec Draw(RunSpecId id, SeededRandom random)
    {
        var app = DrawApp(id, random);
        // An id is always of one kind.
        var spec = id.Path.EndsWith('3') ? AsPod(app, random) : app;
        return id.Path switch
        {
            "/g1/app1" => AsResident(spec),
            "/g2/app3" => AsResident(spec) with { Disks = [new DiskRequest("data", DiskType.Mount, 1L << 30, null, null, [])] },
            "/g0/app2" => AsResident(spec) with { Disks = [new DiskRequest("data", DiskType.Path, 4L << 30, null, null, [])] },
            _ => spec,
        };
    }

    // As the API demands of those: nothing above the wanted number, and data that nobody can reach is waited for.
    private static RunSpec AsResident(RunSpec spec) => spec with
    {
        IsResident = true,
        PersistentVolumes = ["data"],
        Upgrade = spec.Upgrade with { MaximumOverCapacity = 0 },
        Unreachable = new UnreachableStrategy(TimeSpan.FromDays(10_000), TimeSpan.FromDays(20_000)),
    };

    private static RunSpec AsPod(RunSpec app, SeededRandom random)
    {
        var containers = 1 + random.Next(3);
        var checks = Enumerable.Range(0, containers).Select(_ => random.Next(3) == 0 ? 1 : 0).ToArray();
        return app with
        {
            Kind = RunSpecKind.Pod,
            Containers = ValueList.From(Enumerable.Range(0, containers).Select(number => $"c{number}")),
            HealthChecks = checks.Sum(),
            ContainerHealthChecks = ValueList.Create<int>(checks),
        };
    }

    private static RunSpec DrawApp(RunSpecId id, SeededRandom random) => new(
        id, RunSpecKind.App, $"{{\"v\":{random.Next(4)}}}", random.Next(10),
        new Resources(100 + 100 * random.Next(6), (64L + 64 * random.Next(6)) << 20, 0, 0), RuntimeKind.Mesos, [TaskId.AppContainer],
        random.Next(4) switch
        {
            0 => [new PortSpec(0, 31000 + random.Next(20), 80, "tcp", null)],
            1 => [new PortSpec(0, 0, 80, "tcp", null), new PortSpec(0, 0, 81, "tcp", null)],
            _ => [],
        },
        false,
        random.Next(5) switch
        {
            0 => [new Constraint("hostname", ConstraintOperator.Unique, null)],
            1 => [new Constraint("rack", ConstraintOperator.GroupBy, random.Next(2) == 0 ? null : "3")],
            2 => [new Constraint("@zone", ConstraintOperator.MaxPer, "3")],
            _ => [],
        },
        random.Next(4) == 0 && id.Path != "/g0/app0" ? ["/g0/app0"] : [],
        new BackoffPolicy(TimeSpan.FromSeconds(1), 1.5, TimeSpan.FromSeconds(60)),
        new UpgradeStrategy(random.Next(5) / 4.0, random.Next(5) / 4.0),
        random.Next(4) switch
        {
            0 => new UnreachableStrategy(TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5)),
            1 => new UnreachableStrategy(TimeSpan.Zero, TimeSpan.FromMinutes(3)),
            _ => UnreachableStrategy.Default,
        },
        random.Next(2) == 0 ? KillSelection.YoungestFirst : KillSelection.OldestFirst,
        "*", [], random.Next(3) == 0 ? 1 : 0, random.Next(3) == 0, default, default, default);
}
