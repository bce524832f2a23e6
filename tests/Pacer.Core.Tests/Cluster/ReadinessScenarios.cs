using CsCheck;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class ReadinessScenarios
{
    private static RunSpec Ready(int instances, string definition = "{}") => App("/a", instances, definition) with { HasReadinessCheck = true };

    private static void BecomeReady(TestCluster cluster, TestAgent agent, IEnumerable<TaskId> tasks)
    {
        agent.Readiness = true;
        foreach (var task in tasks.ToList())
        {
            agent.Become(task, Condition.Running);
        }
        cluster.Deliver();
    }

    [Fact]
    public void Deployment_InstanceRunsButIsNotReady_StaysOpenUntilItIs()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Readiness = false;
        cluster.Put(Ready(1));

        Assert.Equal((Condition.Running, false), (cluster.Single("/a").Condition, cluster.Single("/a").Ready));
        Assert.Single(cluster.State.Deployments);
        BecomeReady(cluster, agent, agent.Running);

        Assert.True(cluster.Single("/a").Ready);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Deployment_ReadyButNotHealthyYet_WaitsForBoth()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Readiness = true;
        cluster.Put(Ready(1) with { HealthChecks = 1 });

        Assert.True(cluster.Single("/a").Ready);
        Assert.Single(cluster.State.Deployments);
        agent.Health = true;
        agent.Become(agent.Running[0], Condition.Running);
        cluster.Deliver();

        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Upgrade_NewOneNeverReady_OldOnesStay()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Readiness = true;
        cluster.Put(Ready(2, "{\"v\":1}"));
        var old = agent.Running;
        agent.Readiness = false;
        cluster.Put(Ready(2, "{\"v\":2}"));
        cluster.Advance(TimeSpan.FromHours(1));

        Assert.Subset(agent.Running.ToHashSet(), old.ToHashSet());
        Assert.Equal(4, agent.Running.Count);
        Assert.Single(cluster.State.Deployments);
    }

    [Fact]
    public void Ready_ServerAndAgentRestart_IsKept()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Readiness = true;
        cluster.Put(Ready(1));
        agent.Readiness = null; // polled no more
        cluster.RestartServer();
        cluster.Advance(TimeSpan.FromSeconds(5));
        Assert.True(cluster.Single("/a").Ready);
        cluster.Connect(agent);

        Assert.True(cluster.Single("/a").Ready);
    }

    [Fact]
    public void Upgrade_ServerRestartsInTheMiddle_GoesOnWithTheInstancesThatWereStarted()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        agent.Readiness = true;
        cluster.Put(Ready(2, "{\"v\":1}"));
        agent.Readiness = false;
        cluster.Put(Ready(2, "{\"v\":2}"));
        var started = agent.Running;
        cluster.RestartServer();
        cluster.Connect(agent);

        Assert.Equal(started, agent.Running);
        BecomeReady(cluster, agent, agent.Running);
        Assert.Equal(2, agent.Running.Count);
        Assert.Subset(started.ToHashSet(), agent.Running.ToHashSet());
        Assert.Empty(cluster.State.Deployments);
    }

    /// <summary>Whatever the bounds and the order in which new ones become ready: a deployment never ends ready ones below its minimum.</summary>
    [Fact]
    public void Upgrade_AnyBoundsAndAnyOrder_NeverBelowTheMinimumOfReadyOnes() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[0, 10], Gen.Int[0, 10], Gen.ULong).Sample((n, minimum, over, seed) =>
        {
            var random = new SeededRandom(seed);
            var cluster = new TestCluster(seed);
            var agent = cluster.AddAgent("a", cpuMillis: 100_000, memoryMiB: 100_000);
            var strategy = new UpgradeStrategy(minimum / 10.0, over / 10.0);
            agent.Readiness = true;
            cluster.Put(Ready(n, "{\"v\":1}") with { Upgrade = strategy });
            agent.Readiness = false;
            cluster.Put(Ready(n, "{\"v\":2}") with { Upgrade = strategy });
            var atLeast = (int)Math.Ceiling((n * strategy.MinimumHealthCapacity) - 1e-9);
            var atMost = Math.Max((int)Math.Floor((n * (1 + strategy.MaximumOverCapacity)) + 1e-9), atLeast == n ? n + 1 : n);
            for (var i = 0; cluster.State.Deployments.Count > 0; i++)
            {
                Assert.True(i < 200, "the upgrade does not end");
                var ready = cluster.InstancesOf("/a").Count(x => x is { Ready: true, KillSentAt: null });
                Assert.True(ready >= atLeast, $"{ready} of {n} are ready, at least {atLeast} must be");
                Assert.True(agent.Running.Count <= atMost, $"{agent.Running.Count} of {n} run, at most {atMost} may");
                var waiting = cluster.InstancesOf("/a").Where(x => x is { Condition: Condition.Running, Ready: false }).ToList();
                BecomeReady(cluster, agent, [waiting[random.Next(waiting.Count)].Tasks[0].Id]);
                agent.Readiness = false;
            }
            Assert.Equal(n, agent.Running.Count);
        }, iter: 200);

    [Fact]
    public void Report_OvertakenByANewerOne_IsNotTakenOver()
    {
        var cluster = new TestCluster();
        var agent = cluster.AddAgent("a");
        cluster.Put(App("/a"));
        var task = agent.Running[0];
        cluster.Step(new Input.TaskReported(agent.Node.Id, new TaskReport(task, 7, Condition.Running, null, null, default, null, null, [], [])));
        cluster.Step(new Input.TaskReported(agent.Node.Id, new TaskReport(task, 3, Condition.Staging, "late", null, default, null, null, [], [])));

        Assert.Equal((Condition.Running, 7L, null), (cluster.Single("/a").Condition, cluster.Single("/a").Tasks[0].Sequence, cluster.Single("/a").Tasks[0].Message));
    }
}
