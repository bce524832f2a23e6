using CsCheck;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

/// <summary>Random wishes and faults against the real state machine: the invariants hold after every step, and it settles.</summary>
public sealed class RandomHistories
{
    [Fact]
    public void AnyHistory_KeepsTheInvariants_AndReachesWhatIsWantedOnceFaultsStop() =>
        Gen.ULong.Sample(Run, iter: 300);

    private static void Run(ulong seed)
    {
        var random = new SeededRandom(seed);
        var cluster = new TestCluster(seed);
        for (var i = 0; i < 3; i++)
        {
            cluster.AddAgent($"n{i}", cpuMillis: 1500, ports: "31000-31009");
        }
        for (var i = 0; i < 80; i++)
        {
            Act(cluster, random);
        }

        var drained = new AgentId("n0");
        foreach (var agent in cluster.Agents.Values)
        {
            cluster.Send(r => new Input.CordonNode(r, agent.Node.Id, false));
            cluster.Send(r => new Input.UndrainNode(r, agent.Node.Id));
            agent.OnLaunch = _ => Condition.Running;
            agent.ObeysKills = true;
            agent.Health = true;
            cluster.Connect(agent);
            foreach (var task in agent.Running)
            {
                agent.Become(task, Condition.Running); // everyone is well and healthy now
            }
        }
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromMinutes(30));
        foreach (var deployment in cluster.State.Deployments.Keys)
        {
            cluster.Send(r => new Input.CancelDeployment(r, deployment, true)); // what does not fit can't finish
        }
        cluster.Advance(TimeSpan.FromMinutes(30));

        Settled(cluster);
        cluster.Send(r => new Input.DrainNode(r, drained, TimeSpan.FromMinutes(20), true));
        cluster.Advance(TimeSpan.FromMinutes(60));
        Assert.Empty(cluster.Agents[drained].Running);
        Settled(cluster);
    }

    private static void Settled(TestCluster cluster)
    {
        var running = cluster.Agents.Values.SelectMany(a => a.Running).Order().ToList();
        var known = cluster.State.AllInstances.Where(i => i.IsActive).SelectMany(i => i.Tasks).Select(t => t.Id).Order().ToList();
        Assert.Equal(known, running);
        foreach (var spec in cluster.State.RunSpecs.Values)
        {
            Assert.Equal(spec.Instances, cluster.InstancesOf(spec.Id.Path).Count(i => i.Goal == Goal.Running));
            var room = Orchestrator.Explain(cluster.State, spec).Accepting > 0;
            Assert.True(!room || !cluster.State.Pending.ContainsKey(spec.Id), $"{spec.Id} waits though there is room");
        }
        Assert.All(cluster.State.AllInstances, i => Assert.Contains(i.RunSpecId, cluster.State.RunSpecs.Keys));
        Invariants.SameTables(cluster.State, cluster.Stored);
    }

    private static void Act(TestCluster cluster, SeededRandom random)
    {
        var agent = cluster.Agents.Values.ElementAt(random.Next(cluster.Agents.Count));
        var app = $"/g/app{random.Next(4)}";
        var instances = cluster.State.AllInstances.ToList();
        var some = instances.Count == 0 ? default : instances[random.Next(instances.Count)];
        switch (random.Next(23))
        {
            case 0 or 1 or 2:
                cluster.Put(App(app, random.Next(6), $"{{\"v\":{random.Next(3)}}}", cpuMillis: 100 + 100 * random.Next(4)) with
                {
                    Ports = random.Next(2) == 0 ? [] : [new PortSpec(0, random.Next(2) == 0 ? 0 : 31005, 80, "tcp", null)],
                    HealthChecks = random.Next(3) == 0 ? 1 : 0,
                    Upgrade = new UpgradeStrategy(random.Next(3) / 2.0, random.Next(3) / 2.0),
                    Unreachable = random.Next(3) switch
                    {
                        0 => UnreachableStrategy.Default,
                        1 => new UnreachableStrategy(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)),
                        _ => new UnreachableStrategy(TimeSpan.Zero, TimeSpan.FromMinutes(5)),
                    },
                }, force: random.Next(2) == 0);
                break;
            case 3 when cluster.State.RunSpecs.ContainsKey(new RunSpecId(app)):
                cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Remove(new RunSpecId(app))], random.Next(2) == 0));
                break;
            case 4:
                cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Restart(new RunSpecId(app))], random.Next(2) == 0));
                break;
            case 5 when some is not null:
                cluster.Send(r => new Input.KillInstances(r, [some.Id], random.Next(3) == 0, random.Next(3) == 0, random.Next(2) == 0));
                break;
            case 6 when cluster.State.Deployments.Count > 0:
                cluster.Send(r => new Input.CancelDeployment(r, cluster.State.Deployments.Keys.First(), random.Next(2) == 0));
                break;
            case 7 when agent.Connected:
                cluster.Disconnect(agent);
                break;
            case 8:
                cluster.Connect(agent);
                break;
            case 9 when agent.Running.Count > 0:
                agent.Become(agent.Running[random.Next(agent.Running.Count)], random.Next(2) == 0 ? Condition.Failed : Condition.Finished);
                cluster.Deliver();
                break;
            case 10:
                agent.OnLaunch = random.Next(3) switch { 0 => _ => Condition.Failed, 1 => _ => Condition.Starting, _ => _ => Condition.Running };
                agent.ObeysKills = random.Next(4) != 0;
                agent.Health = random.Next(3) switch { 0 => null, 1 => true, _ => false };
                break;
            case 11:
                cluster.RestartServer();
                break;
            case 12:
                agent.ForgetAll();
                agent.Connected = false;
                cluster.Connect(agent);
                break;
            case 13:
                agent.Connected = false; // orders get lost, and nobody has noticed yet
                agent.Outbox.Clear();
                break;
            case 14:
                cluster.Send(r => new Input.ChangeRunSpecs(r, [], random.Next(2) == 0)
                {
                    Groups = [new GroupChange.Put(new Group(random.Next(2) == 0 ? "/g" : "/g/sub", random.Next(2) == 0 ? [] : ["/h"], null, default))],
                });
                break;
            case 15 when random.Next(4) == 0:
                cluster.Send(r => new Input.ChangeRunSpecs(r, [], random.Next(2) == 0) { Groups = [new GroupChange.Remove("/g")] });
                break;
            case 16:
                cluster.Send(r => new Input.CordonNode(r, agent.Node.Id, random.Next(2) == 0));
                break;
            case 17:
                cluster.Send(r => new Input.DrainNode(r, agent.Node.Id, random.Next(2) == 0 ? null : TimeSpan.FromSeconds(random.Next(300)), false));
                break;
            case 18:
                cluster.Send(r => new Input.UndrainNode(r, agent.Node.Id));
                break;
            case 19:
                cluster.Send(r => new Input.RemoveNode(r, agent.Node.Id));
                break;
            default:
                cluster.Advance(TimeSpan.FromSeconds(random.Next(200)));
                break;
        }
    }
}
