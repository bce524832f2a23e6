using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

public sealed class PlacementScenarios
{
    private static TestCluster Zones(int agents = 6)
    {
        var cluster = new TestCluster();
        for (var i = 0; i < agents; i++)
        {
            cluster.AddAgent($"n{i}", attributes: new Dictionary<string, string> { ["rack"] = $"r{i % 3}", ["disk"] = i < 2 ? "ssd" : "hdd" }, zone: $"z{i % 2}");
        }
        return cluster;
    }

    private static Dictionary<string, int> CountBy(TestCluster cluster, string field) => cluster.InstancesOf("/a")
        .Where(i => i.HoldsResources).GroupBy(i => cluster.State.Agents[i.Placement!.AgentId].FieldValue(field)!).ToDictionary(g => g.Key, g => g.Count());

    private static TestCluster With(int instances, string field, ConstraintOperator op, string? value)
    {
        var cluster = Zones();
        cluster.Put(App("/a", instances) with { Constraints = [new Constraint(field, op, value)] });
        return cluster;
    }

    [Fact]
    public void Spread_ByDefault_UsesEveryNodeAlike()
    {
        var cluster = Zones();
        cluster.Put(App("/a", 12));
        Assert.All(CountBy(cluster, "hostname").Values, count => Assert.Equal(2, count));
    }

    [Fact]
    public void Unique_AllowsOnePerValue()
    {
        var cluster = With(8, "hostname", ConstraintOperator.Unique, null);
        Assert.All(CountBy(cluster, "hostname").Values, count => Assert.Equal(1, count));
        Assert.Equal(6, cluster.InstancesOf("/a").Count(i => i.HoldsResources));
    }

    [Fact]
    public void MaxPer_AllowsThatMany() =>
        Assert.All(CountBy(With(10, "rack", ConstraintOperator.MaxPer, "2"), "rack").Values, count => Assert.Equal(2, count));

    [Fact]
    public void Cluster_WithValue_UsesOnlyThat() =>
        Assert.Equal(new Dictionary<string, int> { ["r1"] = 4 }, CountBy(With(4, "rack", ConstraintOperator.Cluster, "r1"), "rack"));

    [Fact]
    public void Cluster_WithoutValue_StaysWithTheFirst() =>
        Assert.Single(CountBy(With(4, "rack", ConstraintOperator.Cluster, null), "rack"));

    [Fact]
    public void Like_MatchesTheWholeValue()
    {
        Assert.Equal(new Dictionary<string, int> { ["ssd"] = 4 }, CountBy(With(4, "disk", ConstraintOperator.Like, "ss."), "disk"));
        Assert.Empty(CountBy(With(4, "disk", ConstraintOperator.Like, "s"), "disk"));
    }

    [Fact]
    public void Unlike_AcceptsNodesWithoutTheField()
    {
        Assert.Equal(new Dictionary<string, int> { ["hdd"] = 4 }, CountBy(With(4, "disk", ConstraintOperator.Unlike, "ssd"), "disk"));
        Assert.Equal(4, With(4, "gpu", ConstraintOperator.Unlike, "x").InstancesOf("/a").Count(i => i.HoldsResources));
        Assert.Equal(0, With(4, "gpu", ConstraintOperator.Like, ".*").InstancesOf("/a").Count(i => i.HoldsResources));
    }

    [Fact]
    public void GroupBy_WithCount_SharesEvenlyWithTheRemainder() =>
        Assert.Equal([2, 2, 3], CountBy(With(7, "rack", ConstraintOperator.GroupBy, "3"), "rack").Values.Order());

    [Fact]
    public void GroupBy_WithoutCount_KeepsGroupsBalanced() =>
        Assert.Equal([4, 4], CountBy(With(8, "@zone", ConstraintOperator.GroupBy, null), "@zone").Values.Order());

    [Fact]
    public void FixedPort_IsHeldOncePerNode()
    {
        var cluster = Zones(3);
        cluster.Put(App("/a", 5) with { Ports = [new PortSpec(31050, 31050, 0, "tcp", null)], RequirePorts = true });
        Assert.Equal(3, cluster.InstancesOf("/a").Count(i => i.HoldsResources));
        Assert.All(cluster.InstancesOf("/a").Where(i => i.HoldsResources), i => Assert.Equal([31050], i.Placement!.HostPorts));
        var why = Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]);
        Assert.Equal((3, 0), (why.Nodes, why.Accepting));
        Assert.All(why.Rejections, r => Assert.Equal(RejectReason.InsufficientPorts, r.Value.Reason));
    }

    [Fact]
    public void DynamicPorts_AreInTheNodesRangesAndNeverTwice()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 100_000, memoryMiB: 100_000, ports: "31000-31049");
        cluster.Put(App("/a", 30) with { Ports = [new PortSpec(0, 0, 0, "tcp", null), new PortSpec(0, 0, 0, "tcp", null)] });
        Assert.Equal(25, cluster.InstancesOf("/a").Count(i => i.HoldsResources)); // the invariants check the rest
    }

    [Fact]
    public void NoRoom_SaysWhatIsAskedAndWhatIsFree_AndLaunchesWhenRoomComes()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 1500);
        cluster.Put(App("/a", 2, cpuMillis: 1000));
        var why = Assert.Single(Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]).Rejections).Value;
        Assert.Equal(new Rejection(RejectReason.InsufficientCpus, "1", "0.5") { FreeAmount = 0.5 }, why);

        cluster.AddAgent("b");
        Assert.All(cluster.InstancesOf("/a"), i => Assert.Equal(Condition.Running, i.Condition));
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void Network_GoesOnlyWhereItIs_AndTheOthersSayWhatTheyHave()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.AddAgent("b", networks: ["container/bridge"]);
        cluster.Put(App("/a") with { Networks = ["front", "back"] });
        var why = Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]).Rejections.Select(r => r.Value);
        Assert.Equal(
            [
                new Rejection(RejectReason.UnfulfilledConstraint, "the network front", "no networks for tasks"),
                new Rejection(RejectReason.UnfulfilledConstraint, "the network front", "container/bridge"),
            ], why);

        cluster.AddAgent("c", networks: ["back", "container/bridge", "front"]);
        Assert.Equal(new AgentId("c"), Assert.Single(cluster.InstancesOf("/a")).Placement!.AgentId);
    }

    [Fact]
    public void ExternalVolume_GoesOnlyWhereItsDriverIs_AndTheOthersSayWhatTheyHave()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.AddAgent("b", volumeDrivers: ["docker/local", "local"]);
        var asked = new[] { ("nas", "the volume driver nas"), ("docker/nas", "the volume driver nas of the Docker daemon"), ("csi/nas", "the CSI plugin nas") };
        foreach (var (driver, words) in asked)
        {
            cluster.Put(App("/a") with { VolumeDrivers = [driver] }, force: true);
            var why = Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]).Rejections.Select(r => r.Value);
            Assert.Equal(
                [
                    new Rejection(RejectReason.UnfulfilledConstraint, words, "no volume drivers"),
                    new Rejection(RejectReason.UnfulfilledConstraint, words, "docker/local, local"),
                ], why);
        }
        cluster.AddAgent("c", volumeDrivers: ["csi/nas"]);
        Assert.Equal(new AgentId("c"), Assert.Single(cluster.InstancesOf("/a")).Placement!.AgentId);
    }

    [Fact]
    public void UnsharedVolume_Update_EndsTheOldInstanceBeforeTheNewOneIsPlaced()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", volumeDrivers: ["local"]);
        var app = App("/a") with { VolumeDrivers = ["local"], ExclusiveVolumes = ["rows"], Upgrade = new UpgradeStrategy(0.5, 0) };
        cluster.Put(app);
        var before = cluster.Single("/a").Id;
        cluster.Events.Clear();
        cluster.Put(app with { Definition = "{\"cmd\":\"new\"}" });
        var changes = cluster.Events.OfType<ClusterEvent.InstanceChanged>().Select(change => change.Instance).ToList();
        var end = changes.FindIndex(instance => instance.Id == before && instance.Condition == Condition.Killed);
        var start = changes.FindIndex(instance => instance.Id != before && instance.Placement is not null);
        Assert.InRange(end, 0, start - 1);
        Assert.Equal(Condition.Running, cluster.Single("/a").Condition);
        Assert.Empty(cluster.State.Deployments);
    }

    [Fact]
    public void DockerApp_GoesOnlyWhereDockerIs()
    {
        var cluster = Zones(2);
        cluster.Put(App("/a") with { Runtime = RuntimeKind.Docker });
        Assert.Null(cluster.Single("/a").Placement);
        cluster.AddAgent("d", runtime: "docker");
        Assert.Equal("d", cluster.Single("/a").Placement!.AgentId.Value);
    }

    [Fact]
    public void ImageInMesosContainer_GoesOnlyWhereImagesRun()
    {
        var cluster = Zones(1);
        cluster.Put(App("/a") with { Runtime = RuntimeKind.MesosImage });
        var why = Assert.Single(Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId("/a")]).Rejections).Value;
        Assert.Equal("the mesos runtime with images (root, crun, conmon, overlayfs)", why.Asked);
        cluster.AddAgent("i", runtime: "mesos-image");
        Assert.Equal("i", cluster.Single("/a").Placement!.AgentId.Value);
    }
}
