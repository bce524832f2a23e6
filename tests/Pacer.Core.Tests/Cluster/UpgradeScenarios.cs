using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class UpgradeScenarios
{
    [Theory]
    [InlineData(4, 1.0, 1.0, 4, 8)]
    [InlineData(4, 0.5, 0.0, 2, 4)]
    [InlineData(4, 1.0, 0.0, 4, 5)] // no room at all: one more than wanted
    [InlineData(4, 0.0, 0.0, 0, 4)]
    [InlineData(4, 0.6, 0.3, 3, 5)]
    [InlineData(1, 1.0, 1.0, 1, 2)]
    public void RollingUpgrade_StaysWithinItsBounds(int n, double minimumHealth, double overCapacity, int atLeast, int atMost)
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        var strategy = new UpgradeStrategy(minimumHealth, overCapacity);
        cluster.Put(App("/a", n, "{\"v\":1}") with { Upgrade = strategy });
        var old = agent.Running;
        agent.ObeysKills = false;
        agent.OnLaunch = _ => Condition.Starting;
        cluster.Put(App("/a", n, "{\"v\":2}") with { Upgrade = strategy });

        for (var i = 0; cluster.State.Deployments.Count > 0; i++)
        {
            Assert.True(i < 100, "the upgrade does not end");
            Assert.True(agent.Running.Count <= atMost, $"{agent.Running.Count} run at once");
            // One thing at a time: end one that was told to, else bring one up.
            var wanted = cluster.InstancesOf("/a").Where(i => i.KillSentAt is null && i.Condition == Condition.Running).ToList();
            Assert.True(wanted.Count >= atLeast, $"only {wanted.Count} are left alone");
            if (cluster.InstancesOf("/a").FirstOrDefault(i => i.KillSentAt is not null) is { } dying)
            {
                agent.Become(dying.Tasks[0].Id, Condition.Killed);
            }
            else
            {
                agent.Become(cluster.InstancesOf("/a").First(i => i.Condition == Condition.Starting).Tasks[0].Id, Condition.Running);
            }
            cluster.Deliver();
        }

        Assert.Equal(n, agent.Running.Count);
        Assert.Empty(agent.Running.Intersect(old));
    }

    [Fact]
    public void RollingUpgrade_NewInstanceNeverReady_OldOnesStay()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", 2, "{\"v\":1}"));
        var old = agent.Running;
        agent.OnLaunch = _ => Condition.Failed;

        cluster.Put(App("/a", 2, "{\"v\":2}"));
        cluster.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(old.Order(), agent.Running.Order());
        Assert.Single(cluster.State.Deployments);
    }

    [Fact]
    public void RollingUpgrade_OldOneDiesMeanwhile_IsNotStartedAgainInTheOldVersion()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", 2, "{\"v\":1}"));
        var old = agent.Running;
        agent.OnLaunch = _ => Condition.Starting;
        cluster.Put(App("/a", 2, "{\"v\":2}"));

        agent.Become(old[0], Condition.Failed);
        cluster.Deliver();

        var current = cluster.State.RunSpecs[new RunSpecId("/a")].LastConfigChangeAt;
        Assert.Single(cluster.InstancesOf("/a"), i => i.ConfigVersion != current);
    }

    [Fact]
    public void Restart_ReplacesEveryInstanceAndMovesTheConfigStamp()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", 3));
        var old = agent.Running;
        var scaledAt = cluster.State.RunSpecs[new RunSpecId("/a")].LastScalingAt;

        cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Restart(new RunSpecId("/a"))], false));

        Assert.Equal(3, agent.Running.Count);
        Assert.Empty(agent.Running.Intersect(old));
        Assert.Equal(scaledAt, cluster.State.RunSpecs[new RunSpecId("/a")].LastScalingAt);
    }

    [Fact]
    public void Upgrade_FromMoreToFewer_EndsWithTheWantedNumberOfNewOnes()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a", 10, "{\"v\":1}"));
        cluster.Put(App("/a", 3, "{\"v\":2}"));
        Assert.Equal(3, agent.Running.Count);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Upgrade_AllOldUnhealthyAndNoRoom_StillGoesOn()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Health = false;
        var spec = App("/a", 2, "{\"v\":1}") with { HealthChecks = 1, Upgrade = new UpgradeStrategy(1, 0) };
        cluster.Put(spec);
        agent.Health = true;

        cluster.Put(spec with { Definition = "{\"v\":2}" }, force: true);

        Assert.Empty(cluster.State.Deployments);
        Assert.All(cluster.InstancesOf("/a"), i => Assert.True(i.Healthy));
    }
}
