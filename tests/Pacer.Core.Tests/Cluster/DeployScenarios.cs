using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class DeployScenarios
{
    [Fact]
    public void NewApp_WithRoom_RunsAndItsDeploymentEnds()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");

        var result = Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/hello", instances: 3)));

        Assert.All(cluster.InstancesOf("/hello"), i => Assert.Equal(Condition.Running, i.Condition));
        Assert.Equal(3, agent.Running.Count);
        Assert.Empty(cluster.State.Deployments);
        Assert.Contains(cluster.Events, e => e is ClusterEvent.DeploymentSucceeded s && s.Deployment.Id == result.DeploymentId);
    }

    [Fact]
    public void SameDefinition_PutAgain_KeepsTheTasks()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var before = agent.Running;

        Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a")));

        Assert.Equal(before, agent.Running);
        Assert.Single(cluster.State.Versions[new RunSpecId("/a")]);
    }

    [Fact]
    public void Scale_DownYoungestFirst_KeepsTheOldest()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var oldest = cluster.Single("/a").Id;
        cluster.Advance(TimeSpan.FromSeconds(10));
        cluster.Put(App("/a", instances: 4));

        cluster.Put(App("/a", instances: 1));

        Assert.Equal(oldest, cluster.Single("/a").Id);
    }

    [Fact]
    public void Remove_RunningApp_EndsItsTasksAndForgetsIt()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", instances: 2));

        cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Remove(new RunSpecId("/a"))], true));

        Assert.Empty(agent.Running);
        Assert.Empty(cluster.State.AllInstances);
        Assert.Empty(cluster.State.Versions);
        Assert.Contains(cluster.Events, e => e is ClusterEvent.AppTerminated);
    }

    [Fact]
    public void Remove_UnknownApp_IsRefused() =>
        Assert.IsType<CommandResult.RunSpecNotFound>(new TestCluster().Send(
            r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Remove(new RunSpecId("/a"))], true)));

    [Fact]
    public void Put_FromAnOldView_IsStaleAndChangesNothing()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var before = cluster.State.RunSpecs;

        var result = cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Put(App("/a", 5), new Timestamp(1))], false));

        Assert.IsType<CommandResult.Stale>(result);
        Assert.Same(before, cluster.State.RunSpecs);
    }

    [Fact]
    public void Put_WhileADeploymentRuns_IsRefusedUnlessForced()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 100);
        var first = Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a", instances: 2)));

        var refused = Assert.IsType<CommandResult.Conflict>(cluster.Put(App("/a", instances: 1)));
        Assert.Equal([first.DeploymentId], refused.Deployments);

        Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a", instances: 1), force: true));
        Assert.Empty(cluster.State.Deployments);
        Assert.Contains(cluster.Events, e => e is ClusterEvent.DeploymentFailed f && f.Deployment.Id == first.DeploymentId);
    }

    [Fact]
    public void Dependencies_DeployInOrder_AndWaitForHealth()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        var db = App("/db") with { HealthChecks = 1 };
        var web = App("/web") with { Dependencies = ["/db"] };

        cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Put(web, null), new RunSpecChange.Put(db, null)], false));
        Assert.Empty(cluster.InstancesOf("/web"));

        agent.Health = true;
        agent.Become(agent.Running[0], Condition.Running);
        cluster.Deliver();

        Assert.Equal(Condition.Running, cluster.Single("/web").Condition);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Dependencies_InACircle_AreRefused()
    {
        var cluster = new TestCluster();
        var result = cluster.Send(r => new Input.ChangeRunSpecs(r,
        [
            new RunSpecChange.Put(App("/a") with { Dependencies = ["/b"] }, null),
            new RunSpecChange.Put(App("/b") with { Dependencies = ["/a"] }, null),
        ], false));

        Assert.IsType<CommandResult.Invalid>(result);
        Assert.Empty(cluster.State.RunSpecs);
    }

    [Theory]
    [InlineData("/a", "/a/b")]
    [InlineData("/a/b", "/a")]
    public void Put_IdThatIsAlsoAGroup_IsRefused(string first, string second)
    {
        var cluster = new TestCluster();
        cluster.Put(App(first));
        Assert.IsType<CommandResult.Invalid>(cluster.Put(App(second)));
    }

    [Fact]
    public void Cancel_RunningUpgrade_PutsTheOldDefinitionBackAndKeepsOldInstances()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", instances: 2, definition: "{\"v\":1}"));
        var old = agent.Running;
        agent.OnLaunch = _ => Condition.Starting; // the new version never comes up
        var upgrade = Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a", instances: 2, definition: "{\"v\":2}")));
        agent.OnLaunch = _ => Condition.Running;

        cluster.Send(r => new Input.CancelDeployment(r, upgrade.DeploymentId, false));

        Assert.Equal("{\"v\":1}", cluster.State.RunSpecs[new RunSpecId("/a")].Definition);
        Assert.Equal(old.Order(), agent.Running.Order());
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Cancel_Forced_LeavesEverythingWhereItIs()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 100);
        var deploying = Assert.IsType<CommandResult.Deploying>(cluster.Put(App("/a", instances: 2)));

        Assert.IsType<CommandResult.Done>(cluster.Send(r => new Input.CancelDeployment(r, deploying.DeploymentId, true)));

        Assert.Empty(cluster.State.Deployments);
        Assert.Equal(2, cluster.State.RunSpecs[new RunSpecId("/a")].Instances);
    }

    [Fact]
    public void ServicePorts_OfZero_AreAssignedLowestFirstAndKept()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        var ported = App("/a") with { Ports = [new PortSpec(0, 0, 0, "tcp", "http"), new PortSpec(0, 0, 0, "tcp", "admin")] };
        cluster.Put(ported);
        cluster.Put(App("/b") with { Ports = [new PortSpec(0, 0, 0, "tcp", null)] });

        Assert.Equal([10000, 10001], cluster.State.RunSpecs[new RunSpecId("/a")].Ports.Select(p => p.ServicePort));
        Assert.Equal([10002], cluster.State.RunSpecs[new RunSpecId("/b")].Ports.Select(p => p.ServicePort));

        var task = cluster.Single("/a").Tasks[0].Id;
        cluster.Put(ported);
        Assert.Equal(task, cluster.Single("/a").Tasks[0].Id);
        Assert.Equal([10000, 10001], cluster.State.RunSpecs[new RunSpecId("/a")].Ports.Select(p => p.ServicePort));
    }

    [Fact]
    public void ServicePorts_WhenTheRangeIsUsedUp_RefuseTheChange()
    {
        var cluster = new TestCluster(settings: new ClusterSettings { ServicePortMin = 10000, ServicePortMax = 10000 });
        cluster.Put(App("/a") with { Ports = [new PortSpec(0, 0, 0, "tcp", null)] });
        Assert.IsType<CommandResult.ServicePortsExhausted>(cluster.Put(App("/b") with { Ports = [new PortSpec(0, 0, 0, "tcp", null)] }));
        Assert.Single(cluster.State.RunSpecs);
    }

    [Fact]
    public void Deployments_AboveTheLimit_AreRefused()
    {
        var cluster = new TestCluster(settings: new ClusterSettings { MaxRunningDeployments = 1 });
        cluster.Put(App("/a"));
        Assert.IsType<CommandResult.TooManyDeployments>(cluster.Put(App("/b")));
    }
}
