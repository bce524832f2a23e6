using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class HealthBrakeScenarios
{
    private static (TestCluster Cluster, TestAgent Agent) Healthy(int instances, ClusterSettings? settings = null)
    {
        var cluster = new TestCluster(settings: settings);
        var agent = cluster.AddAgent("a");
        agent.Health = true;
        cluster.Put(App("/a", instances) with { HealthChecks = 1 });
        Assert.Empty(cluster.State.Deployments);
        return (cluster, agent);
    }

    private static void Fail(TestCluster cluster, TestAgent agent, params TaskId[] tasks)
    {
        agent.FailedTooOften.UnionWith(tasks);
        foreach (var task in tasks)
        {
            agent.Become(task, Condition.Running);
        }
        cluster.Deliver();
    }

    [Fact]
    public void Unhealthy_OneOfThree_IsKilledAndStartedAgain()
    {
        var (cluster, agent) = Healthy(3);
        var task = agent.Running[0];
        Fail(cluster, agent, task);

        Assert.DoesNotContain(task, agent.Running);
        Assert.Equal(3, agent.Running.Count);
        Assert.Single(cluster.Events.OfType<ClusterEvent.UnhealthyInstanceKilled>(), e => e.TaskId == task);
        Assert.Empty(cluster.Events.OfType<ClusterEvent.UnhealthyKillHeld>());
    }

    [Fact]
    public void Unhealthy_TheOnlyOne_IsKilled()
    {
        var (cluster, agent) = Healthy(1);
        var task = agent.Running[0];
        Fail(cluster, agent, task);

        Assert.DoesNotContain(task, agent.Running);
    }

    [Fact]
    public void Unhealthy_OneAfterTheOther_NeverMoreThanHalfAreKilled()
    {
        var (cluster, agent) = Healthy(6);
        agent.ObeysKills = false;
        var tasks = agent.Running;
        foreach (var task in tasks)
        {
            Fail(cluster, agent, task);
        }

        Assert.Equal(3, cluster.InstancesOf("/a").Count(i => i.KillSentAt is not null));
        Assert.Equal(3, cluster.InstancesOf("/a").Count(i => i.HeldKill is not null));
        Assert.Equal(3, cluster.Events.OfType<ClusterEvent.UnhealthyKillHeld>().Count());
    }

    [Fact]
    public void Held_MostAreHealthyAgain_TheRestIsKilled()
    {
        var (cluster, agent) = Healthy(6);
        agent.ObeysKills = false;
        var tasks = agent.Running;
        foreach (var task in tasks)
        {
            Fail(cluster, agent, task);
        }
        var held = cluster.InstancesOf("/a").Where(i => i.HeldKill is not null).Select(i => i.Tasks[0].Id).ToList();
        var last = held[^1];
        agent.FailedTooOften.Clear();
        agent.FailedTooOften.Add(last);
        foreach (var task in held.Where(task => task != last))
        {
            agent.Become(task, Condition.Running);
        }
        cluster.Deliver();
        Assert.Contains(last, agent.Running); // still, four of six are unhealthy or were ended for it
        agent.ObeysKills = true;
        cluster.Advance(TimeSpan.FromMinutes(1)); // kills are repeated, and what comes up again is healthy

        Assert.DoesNotContain(last, agent.Running);
        Assert.Subset(agent.Running.ToHashSet(), held.Where(task => task != last).ToHashSet());
        Assert.DoesNotContain(cluster.InstancesOf("/a"), i => i.HeldKill is not null);
    }

    [Fact]
    public void Unhealthy_AllTogetherWithTheBrakeOff_AllAreKilled()
    {
        var (cluster, agent) = Healthy(4, new ClusterSettings { HoldsUnhealthyKills = false });
        var tasks = agent.Running;
        Fail(cluster, agent, [.. tasks]);

        Assert.Empty(agent.Running.Intersect(tasks));
        Assert.Equal(4, agent.Running.Count);
    }

    [Fact]
    public void UnhealthyKill_NotConfirmed_IsRepeatedAsOne()
    {
        var (cluster, agent) = Healthy(1);
        agent.ObeysKills = false;
        Fail(cluster, agent, agent.Running[0]);
        cluster.RestartServer();
        var instance = cluster.Single("/a");

        Assert.Equal(instance.KillReason, instance.UnhealthyKill);
        agent.ObeysKills = true;
        cluster.Connect(agent);
        Assert.NotEqual(instance.Tasks[0].Id, Assert.Single(agent.Running));
    }
}
