using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Core.Tests.Cluster;

/// <summary>Instances of several tasks: begun together, one condition, ended together.</summary>
public sealed class PodScenarios
{
    [Fact]
    public void Pod_Launched_OneTaskForEachContainer()
    {
        var cluster = Running("/pod", out _);
        var instance = cluster.Single("/pod");
        Assert.Equal(Condition.Running, instance.Condition);
        Assert.Equal([$"{instance.Id}.web.1", $"{instance.Id}.log.1"], instance.Tasks.Select(t => t.Id.Value));
    }

    [Fact]
    public void Pod_NotAllContainersRunning_NotRunningYet()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        agent.OnLaunch = id => id.Value.Contains(".log.") ? Condition.Staging : Condition.Running;
        cluster.Put(Pod("/pod"));
        Assert.Equal(Condition.Staging, cluster.Single("/pod").Condition);
        Assert.Single(cluster.State.Deployments);
        agent.Become(cluster.Single("/pod").Tasks[1].Id, Condition.Running);
        cluster.Deliver();
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Pod_ContainerFails_OthersEndAndAllAreLaunchedAgain()
    {
        var cluster = Running("/pod", out var agent);
        var before = cluster.Single("/pod");
        agent.Become(before.Tasks[0].Id, Condition.Failed);
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromSeconds(5));
        var after = cluster.Single("/pod");
        Assert.Equal(before.Id, after.Id);
        Assert.Equal(2, after.Incarnation);
        Assert.Equal(Condition.Running, after.Condition);
        Assert.Equal([$"{after.Id}.log.2", $"{after.Id}.web.2"], agent.Running.Select(id => id.Value));
    }

    [Fact]
    public void Pod_ContainerFailedWhileItsNodeWasAway_TheOthersEndToo()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        cluster.Put(Pod("/pod") with { Unreachable = new UnreachableStrategy(TimeSpan.FromHours(1), TimeSpan.FromHours(2)) });
        var before = cluster.Single("/pod");
        cluster.Disconnect(agent);
        cluster.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(Condition.Unreachable, cluster.Single("/pod").Condition);
        agent.Become(before.Tasks[1].Id, Condition.Failed);
        agent.Outbox.Clear(); // told on return, before the other is known to run
        cluster.Connect(agent);
        cluster.Advance(TimeSpan.FromMinutes(1));

        Assert.DoesNotContain(before.Tasks[0].Id, agent.Running);
        Assert.Equal((Condition.Running, 2), (cluster.Single("/pod").Condition, cluster.Single("/pod").Incarnation));
    }

    [Fact]
    public void Pod_HeldContainerFinishes_WhatItsCheckSaidLastEndsNothing()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        agent.Health = true;
        agent.ObeysKills = false;
        cluster.Put(Pod("/pod") with { Instances = 4, ContainerHealthChecks = [1, 0] });
        agent.FailedTooOften.UnionWith(cluster.InstancesOf("/pod").Select(i => i.Tasks[0].Id));
        foreach (var instance in cluster.InstancesOf("/pod").ToList())
        {
            agent.Become(instance.Tasks[0].Id, Condition.Running);
            cluster.Deliver();
        }
        var held = cluster.InstancesOf("/pod").First(i => i.HeldKill is not null);
        agent.Become(held.Tasks[0].Id, Condition.Finished);
        agent.ObeysKills = true;
        cluster.Advance(TimeSpan.FromMinutes(1));

        var after = cluster.InstancesOf("/pod").Single(i => i.Id == held.Id);
        Assert.Equal(held.Incarnation, after.Incarnation);
        Assert.Equal((Condition.Running, null, null), (after.Condition, after.HeldKill, after.KillSentAt));
    }

    [Fact]
    public void Pod_ContainerFinishesBeforeItWasReady_OthersAreEnough()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        agent.Readiness = false;
        cluster.Put(Pod("/pod") with { HasReadinessCheck = true });
        var tasks = cluster.Single("/pod").Tasks;
        agent.Become(tasks[0].Id, Condition.Finished);
        cluster.Deliver();
        Assert.Single(cluster.State.Deployments);
        agent.Readiness = true;
        agent.Become(tasks[1].Id, Condition.Running);
        cluster.Deliver();
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Pod_ContainerFailsWhileOthersEndSlowly_PlaceIsKeptUntilAllEnded()
    {
        var cluster = Running("/pod", out var agent);
        agent.ObeysKills = false;
        var before = cluster.Single("/pod");
        agent.Become(before.Tasks[0].Id, Condition.Failed);
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromSeconds(10));
        var ending = cluster.Single("/pod");
        Assert.Equal(1, ending.Incarnation);
        Assert.NotNull(ending.KillSentAt);
        Assert.True(ending.HoldsResources);
        agent.Become(before.Tasks[1].Id, Condition.Killed);
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, cluster.Single("/pod").Incarnation);
    }

    [Fact]
    public void Pod_ContainerFinishes_OthersGoOn()
    {
        var cluster = Running("/pod", out var agent);
        agent.Become(cluster.Single("/pod").Tasks[0].Id, Condition.Finished);
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromMinutes(1));
        var instance = cluster.Single("/pod");
        Assert.Equal(Condition.Running, instance.Condition);
        Assert.Null(instance.KillSentAt);
        Assert.Equal(1, instance.Incarnation);
    }

    [Fact]
    public void Pod_AllContainersFinish_LaunchedAgain()
    {
        var cluster = Running("/pod", out var agent);
        foreach (var task in cluster.Single("/pod").Tasks)
        {
            agent.Become(task.Id, Condition.Finished);
        }
        cluster.Deliver();
        cluster.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(2, cluster.Single("/pod").Incarnation);
    }

    [Fact]
    public void Pod_AgentComesBackWithoutOneTask_OthersEndAndAllAreLaunchedAgain()
    {
        var cluster = Running("/pod", out var agent);
        var lost = cluster.Single("/pod").Tasks[0].Id;
        cluster.Disconnect(agent);
        agent.Forget(lost);
        cluster.Connect(agent);
        cluster.Advance(TimeSpan.FromSeconds(5));
        var after = cluster.Single("/pod");
        Assert.Equal((2, Condition.Running), (after.Incarnation, after.Condition));
        Assert.Equal(2, agent.Running.Count);
    }

    [Fact]
    public void Pod_NodeLostAndBack_TasksAreKnownAgain()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        cluster.Put(Pod("/pod") with { Unreachable = new UnreachableStrategy(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10)) });
        cluster.Disconnect(agent);
        cluster.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(Condition.Unreachable, cluster.Single("/pod").Condition);
        cluster.Connect(agent);
        Assert.Equal((1, Condition.Running), (cluster.Single("/pod").Incarnation, cluster.Single("/pod").Condition));
    }

    [Fact]
    public void Pod_OneContainerChecked_HealthyWhenThatOneIs()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a1");
        cluster.Put(Pod("/pod") with { HealthChecks = 1, ContainerHealthChecks = [0, 1] });
        Assert.Null(cluster.Single("/pod").Healthy);
        Assert.Single(cluster.State.Deployments);
        agent.Health = true;
        agent.Become(cluster.Single("/pod").Tasks[1].Id, Condition.Running);
        cluster.Deliver();
        Assert.True(cluster.Single("/pod").Healthy);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Pod_EndpointsWithoutServicePort_StayWithout()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a1");
        cluster.Put(Pod("/pod") with { Ports = [new PortSpec(0, 0, 0, "tcp", "http")] });
        Assert.Equal(0, cluster.State.RunSpecs[new RunSpecId("/pod")].Ports[0].ServicePort);
        Assert.Single(cluster.Single("/pod").Placement!.HostPorts);
    }

    [Fact]
    public void Pod_Below_IsRefusedByItsKind()
    {
        var cluster = Running("/pod", out _);
        var refused = Assert.IsType<CommandResult.Invalid>(cluster.Put(TestCluster.App("/pod/app")));
        Assert.Contains("'/pod' is a pod", refused.Message);
    }

    private static TestCluster Running(string id, out TestAgent agent)
    {
        var cluster = new TestCluster();
        agent = cluster.AddAgent("a1");
        cluster.Put(Pod(id));
        Assert.Equal(Condition.Running, cluster.Single(id).Condition);
        return cluster;
    }

    private static RunSpec Pod(string id) => TestCluster.App(id) with { Kind = RunSpecKind.Pod, Containers = ["web", "log"] };
}
