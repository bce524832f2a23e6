using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class HealingScenarios
{
    [Fact]
    public void FailingApp_IsStartedAgainWithGrowingDelays()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.OnLaunch = _ => Condition.Failed;
        cluster.Put(App("/a") with { Backoff = new BackoffPolicy(TimeSpan.FromSeconds(10), 2, TimeSpan.FromSeconds(60)) });
        var id = new RunSpecId("/a");
        Assert.Equal(TimeSpan.FromSeconds(10), cluster.State.LaunchDelays[id].Delay);
        Assert.Equal(1, cluster.Single("/a").Incarnation);

        cluster.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, cluster.Single("/a").Incarnation);
        cluster.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, cluster.Single("/a").Incarnation);
        Assert.Equal(TimeSpan.FromSeconds(20), cluster.State.LaunchDelays[id].Delay);

        cluster.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(TimeSpan.FromSeconds(60), cluster.State.LaunchDelays[id].Delay);
        Assert.Equal("TASK_FAILED", cluster.State.TaskFailures[id].State);
        Assert.True(cluster.State.Pending.ContainsKey(id));
    }

    [Fact]
    public void ResetDelay_WhileWaiting_LaunchesAtOnce()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.OnLaunch = _ => Condition.Failed;
        cluster.Put(App("/a") with { Backoff = new BackoffPolicy(TimeSpan.FromMinutes(5), 2, TimeSpan.FromMinutes(5)) });
        agent.OnLaunch = _ => Condition.Running;

        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.ResetDelay(r, new RunSpecId("/a"))));
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
        Assert.IsType<CommandResult.NotQueued>(cluster.Send(r => new Input.ResetDelay(r, new RunSpecId("/a"))));
    }

    [Fact]
    public void Delay_AfterALongQuietTime_IsForgotten()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.OnLaunch = task => task.Value.EndsWith(".1") ? Condition.Failed : Condition.Running;
        cluster.Put(App("/a"));
        cluster.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
        Assert.NotEmpty(cluster.State.LaunchDelays);

        cluster.Advance(TimeSpan.FromSeconds(301));
        Assert.Empty(cluster.State.LaunchDelays);
    }

    [Fact]
    public void LostNode_DefaultStrategy_TasksAreReplacedAndEndWhenItReturns()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var b = cluster.AddAgent("b");

        cluster.Disconnect(a);
        cluster.Advance(TimeSpan.FromSeconds(74));
        Assert.Empty(b.Running);
        cluster.Advance(TimeSpan.FromSeconds(2));
        Assert.Single(b.Running);
        Assert.Contains(cluster.Events, e => e is ClusterEvent.StatusUpdated s && s.Task.Condition == Condition.Unreachable);

        cluster.Connect(a);
        Assert.Empty(a.Running);
        Assert.Single(b.Running);
    }

    [Fact]
    public void ReturnedNode_WhileItStillEndsUnwantedTasks_GetsNoNewOnes()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        var fixedPort = App("/a") with { Ports = [new PortSpec(31001, 31001, 0, "tcp", null)] };
        cluster.Put(fixedPort);
        cluster.Disconnect(a);
        cluster.Advance(TimeSpan.FromSeconds(80));
        a.ObeysKills = false;

        cluster.Connect(a); // its port is still taken by the task that was given up
        Assert.Null(cluster.Single("/a").Placement);

        a.ObeysKills = true;
        cluster.Advance(TimeSpan.FromSeconds(31)); // the kill is repeated
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
        Assert.Single(a.Running);
    }

    [Fact]
    public void LostNode_WithinInactiveTime_KeepsItsTaskWhenItReturns()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a") with { Unreachable = new UnreachableStrategy(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10)) });
        var b = cluster.AddAgent("b");
        var task = a.Running;

        cluster.Disconnect(a);
        cluster.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(Condition.Unreachable, cluster.Single("/a").Condition);
        Assert.Empty(b.Running);

        cluster.Connect(a);
        Assert.Equal(task, a.Running);
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
    }

    [Fact]
    public void LostNode_PastInactiveTime_IsReplacedAndTheSurplusEndsWhenItReturns()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a") with { Unreachable = new UnreachableStrategy(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(60)) });
        var b = cluster.AddAgent("b");

        cluster.Disconnect(a);
        cluster.Advance(TimeSpan.FromMinutes(10));
        Assert.Single(b.Running);
        Assert.Equal(2, cluster.InstancesOf("/a").Count);

        cluster.Connect(a);
        Assert.Equal(1, a.Running.Count + b.Running.Count);
        Assert.Single(cluster.InstancesOf("/a"));
    }

    [Fact]
    public void LostNode_StrategyDisabled_WaitsForEver()
    {
        var cluster = new TestCluster();
        var a = cluster.AddAgent("a");
        cluster.Put(App("/a") with { Unreachable = null });
        cluster.AddAgent("b");
        cluster.Disconnect(a);
        cluster.Advance(TimeSpan.FromDays(30));
        Assert.Equal(Condition.Unreachable, cluster.Single("/a").Condition);
    }

    [Fact]
    public void Launch_ThatNeverArrived_IsSentAgainUnderTheSameTaskId()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Connected = false; // the order is lost on its way, and the server has not noticed yet
        cluster.Put(App("/a"));
        var task = cluster.Single("/a").Tasks[0].Id;
        Assert.Empty(agent.Running);

        cluster.Connect(agent);
        Assert.Equal([task], agent.Running);
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
    }

    [Fact]
    public void Task_MissingAfterReconnect_IsGoneAndReplaced()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        cluster.Disconnect(agent);
        agent.ForgetAll();

        cluster.Connect(agent);
        cluster.Advance(TimeSpan.FromSeconds(5));

        Assert.Contains(cluster.Events, e => e is ClusterEvent.StatusUpdated s && s.Task.Condition == Condition.Gone);
        Assert.Equal(2, cluster.Single("/a").Incarnation);
        Assert.Single(agent.Running);
    }

    [Fact]
    public void ServerRestart_AtAnyTime_KeepsEveryTask()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", 5));
        var tasks = agent.Running;

        cluster.RestartServer();
        Assert.All(cluster.State.Agents.Values, node => Assert.False(node.Connected));
        cluster.Connect(agent);

        Assert.Equal(tasks, agent.Running);
        Assert.All(cluster.InstancesOf("/a"), i => Assert.Equal(Condition.Running, i.Condition));
    }

    [Fact]
    public void Exit_WhileTheServerWasAway_IsReportedOnReturn()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        cluster.RestartServer();
        agent.Become(agent.Running[0], Condition.Failed);

        cluster.Connect(agent);

        Assert.Equal(1, Assert.Single(cluster.Events.OfType<ClusterEvent.StatusUpdated>(), s => s.Task.Condition == Condition.Failed).Task.ExitCode);
        cluster.Advance(TimeSpan.FromSeconds(2));
        Assert.Single(agent.Running);
    }

    [Fact]
    public void Kill_ThatIsNotConfirmed_IsRepeated()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        agent.ObeysKills = false;
        cluster.Send(r => new Input.KillInstances(r, [cluster.Single("/a").Id], false, false, false));
        Assert.Single(agent.Running);

        agent.ObeysKills = true;
        cluster.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(2, cluster.Single("/a").Incarnation);
    }

    [Fact]
    public void Kill_Plain_StartsTheSameInstanceAgainWithoutDelay()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var id = cluster.Single("/a").Id;
        cluster.Send(r => new Input.KillInstances(r, [id], false, false, false));
        Assert.Equal((id, 2, Condition.Running), (cluster.Single("/a").Id, cluster.Single("/a").Incarnation, cluster.Single("/a").Condition));
    }

    [Fact]
    public void Kill_Wipe_StartsANewInstance()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var id = cluster.Single("/a").Id;
        cluster.Send(r => new Input.KillInstances(r, [id], false, true, false));
        Assert.NotEqual(id, cluster.Single("/a").Id);
    }

    [Fact]
    public void Kill_Scale_EndsThatInstanceAndWantsOneFewer()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a", 3));
        var victim = cluster.InstancesOf("/a")[1].Id;
        Assert.IsType<CommandResult.Deploying>(cluster.Send(r => new Input.KillInstances(r, [victim], true, false, false)));
        Assert.Equal(2, cluster.State.RunSpecs[new RunSpecId("/a")].Instances);
        Assert.Equal(2, cluster.InstancesOf("/a").Count);
        Assert.DoesNotContain(cluster.InstancesOf("/a"), i => i.Id == victim);
    }

    [Fact]
    public void UnknownTask_ThatAnAgentReports_IsEnded()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Become(new TaskId("x.instance-00000000-0000-4000-8000-000000000000._app.1"), Condition.Running);
        cluster.Deliver();
        Assert.Empty(agent.Running);
    }

    [Fact]
    public void LaunchThatNobodyConfirms_IsGivenUpAndTriedAgain()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.OnLaunch = task => task.Value.EndsWith(".1") ? Condition.Staging : Condition.Running;
        cluster.Put(App("/a"));
        cluster.Advance(TimeSpan.FromSeconds(301));
        Assert.Equal((2, Condition.Running), (cluster.Single("/a").Incarnation, cluster.Single("/a").Condition));
    }
}
