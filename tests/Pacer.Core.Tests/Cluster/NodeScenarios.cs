using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

/// <summary>Cordoned, draining and removed nodes.</summary>
public sealed class NodeScenarios
{
    private static readonly AgentId A = new("a");

    private static CommandResult Drain(TestCluster cluster, TimeSpan? deadline = null, bool includeResident = false) =>
        cluster.Send(r => new Input.DrainNode(r, A, deadline, includeResident));

    private static string[] Hosts(TestCluster cluster, string id = "/a") =>
        [.. cluster.InstancesOf(id).Where(i => i.Condition == Condition.Running).Select(i => i.Placement!.AgentId.Value).Order(StringComparer.Ordinal)];

    [Fact]
    public void Cordon_KeepsWhatRuns_AndTakesNothingNew()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a"));
        cluster.Send(r => new Input.CordonNode(r, A, true));
        cluster.Put(App("/a", 3));
        Assert.Equal(["a"], Hosts(cluster));
        var why = Assert.Single(Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]).Rejections).Value;
        Assert.Equal(new Rejection(RejectReason.AgentMaintenance, "a node that is open", "cordoned"), why);

        cluster.Send(r => new Input.CordonNode(r, A, false));
        Assert.Equal(["a", "a", "a"], Hosts(cluster));
    }

    [Fact]
    public void Drain_StartsReplacementsFirst_AndNeverGoesBelowTheMinimum()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a", 3) with { Upgrade = new UpgradeStrategy(1, 0.34) });
        var b = cluster.AddAgent("b");
        b.OnLaunch = _ => Condition.Starting;
        Drain(cluster);
        Assert.Equal(3, a.Running.Count);
        var waiting = Assert.Single(b.Running); // one more than wanted is allowed

        b.OnLaunch = _ => Condition.Running;
        b.Become(waiting, Condition.Running);
        cluster.Deliver();
        Assert.Empty(a.Running);
        Assert.Equal(["b", "b", "b"], Hosts(cluster));
        Assert.Equal(3, cluster.InstancesOf("/a").Count);
    }

    [Fact]
    public void Drain_WithoutRoomElsewhere_WaitsUntilTheDeadline_AndThenKills()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a", 2));
        Drain(cluster, TimeSpan.FromMinutes(10));
        cluster.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(2, a.Running.Count);
        cluster.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(a.Running);
        Assert.True(cluster.State.Agents[A].Drain!.Expired);
        Assert.Equal(2, cluster.InstancesOf("/a").Count(i => i.IsScheduled));

        cluster.Send(r => new Input.UndrainNode(r, A));
        Assert.Equal(["a", "a"], Hosts(cluster));
    }

    [Fact]
    public void Drain_LeavesResidentInstances_UntilToldOtherwise()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a") with { IsResident = true, Upgrade = new UpgradeStrategy(0.5, 0) });
        cluster.AddAgent("b");
        Drain(cluster, TimeSpan.FromMinutes(1));
        cluster.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(a.Running);
        Drain(cluster, null, includeResident: true);
        Assert.Empty(a.Running);
        Assert.Equal(["b"], Hosts(cluster));
    }

    [Fact]
    public void Drain_SurvivesRestarts_AndGoesOn()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a", 2));
        Drain(cluster, TimeSpan.FromMinutes(10));
        cluster.RestartServer();
        cluster.Connect(a);
        Assert.Equal(2, a.Running.Count);
        Assert.NotNull(cluster.State.Agents[A].Drain);
        cluster.AddAgent("b");
        Assert.Equal(["b", "b"], Hosts(cluster));
    }

    [Fact]
    public void Undrain_EndsTheSurplusThatWasStarted()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a", 2));
        var b = cluster.AddAgent("b");
        b.OnLaunch = _ => Condition.Starting;
        Drain(cluster);
        Assert.Equal(4, cluster.InstancesOf("/a").Count);
        cluster.Send(r => new Input.UndrainNode(r, A));
        Assert.Equal(["a", "a"], Hosts(cluster));
        Assert.Equal(2, cluster.InstancesOf("/a").Count);
    }

    [Fact]
    public void Remove_IsRefusedInContact_AndGivesUpWhatWasThere()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a") with { Unreachable = null });
        Assert.IsType<CommandResult.NodeConnected>(cluster.Send(r => new Input.RemoveNode(r, A)));
        cluster.Disconnect(a);
        cluster.AddAgent("b");
        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.RemoveNode(r, A)));
        Assert.Equal(["b"], Hosts(cluster));
        Assert.DoesNotContain(A, cluster.State.Agents.Keys);
        cluster.Connect(a);
        Assert.Empty(a.Running); // nobody wants what it still ran
        Assert.IsType<CommandResult.NodeNotFound>(cluster.Send(r => new Input.RemoveNode(r, new AgentId("x"))));
    }

    [Fact]
    public void Task_RunsAfterItWasDeclaredGoneAndEnds_ItsNodeIsOpenAgain()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        agent.ObeysKills = false;
        cluster.Put(TestCluster.App("/a", 1));
        var task = cluster.Single("/a").Tasks[0].Id;
        agent.Become(task, Condition.Failed);
        cluster.Deliver();
        Assert.True(cluster.Single("/a").IsScheduled); // held by its back-off, with the ended task

        agent.Become(task, Condition.Running);
        cluster.Deliver();
        Assert.Equal([task], cluster.State.Agents[agent.Node.Id].Unwanted);
        agent.Become(task, Condition.Killed);
        cluster.Deliver();
        Assert.Empty(cluster.State.Agents[agent.Node.Id].Unwanted);
    }
}
