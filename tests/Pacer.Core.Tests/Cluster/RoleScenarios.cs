using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

/// <summary>Roles and reservations, regions, GPUs, scores.</summary>
public sealed class RoleScenarios
{
    private static Reservation For(string role, long cpuMillis, params PortRange[] ports) =>
        new(role, new Resources(cpuMillis, 1L << 30, 0, 0), ValueList.From(ports));

    private static Rejection Why(TestCluster cluster, string id = "/a") =>
        Assert.Single(Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId(id)], cluster.Settings).Rejections).Value;

    [Fact]
    public void Reserved_IsOnlyForItsRole()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 3000, reservations: For("dev", 2000));
        cluster.Put(App("/a", 2, cpuMillis: 1000));
        Assert.Equal(1, cluster.InstancesOf("/a").Count(i => i.HoldsResources));
        Assert.Equal(new Rejection(RejectReason.InsufficientCpus, "1", "0") { FreeAmount = 0 }, Why(cluster));

        cluster.Put(App("/dev", 3, cpuMillis: 1000) with { Role = "dev" });
        Assert.Equal(2, cluster.InstancesOf("/dev").Count(i => i.HoldsResources));
        Assert.All(cluster.InstancesOf("/dev").Where(i => i.HoldsResources), i => Assert.Equal(1000, i.Placement!.Reserved.CpuMillis));
    }

    [Fact]
    public void Reserved_IsUsedFirst_AndFilledUpFromTheRest()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", cpuMillis: 3000, reservations: For("dev", 1500));
        cluster.Put(App("/dev", 2, cpuMillis: 1000) with { Role = "dev" });
        Assert.Equal([500, 1000], cluster.InstancesOf("/dev").Select(i => i.Placement!.Reserved.CpuMillis).Order());
        cluster.Put(App("/a", cpuMillis: 1000));
        Assert.NotNull(cluster.Single("/a").Placement);
    }

    [Theory]
    [InlineData("*", "a", 0)]
    [InlineData("dev", "b", 1000)]
    public void AcceptedRoles_DecideWhichPartIsUsed(string accepted, string expected, long reserved)
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.AddAgent("b", cpuMillis: 1000, reservations: For("dev", 1000));
        cluster.Put(App("/a", cpuMillis: 1000) with { Role = "dev", AcceptedRoles = [accepted] });
        Assert.Equal((expected, reserved), (cluster.Single("/a").Placement!.AgentId.Value, cluster.Single("/a").Placement!.Reserved.CpuMillis));
    }

    [Fact]
    public void NodeWithoutTheRole_IsRefusedForItsRole()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a");
        cluster.Put(App("/a") with { Role = "dev", AcceptedRoles = ["dev"] });
        Assert.Equal(new Rejection(RejectReason.UnfulfilledRole, "dev", "*"), Why(cluster));
    }

    [Theory]
    [InlineData(DefaultAcceptedRoles.Any, 3)]
    [InlineData(DefaultAcceptedRoles.Unreserved, 1)]
    [InlineData(DefaultAcceptedRoles.Reserved, 2)]
    public void DefaultAcceptedRoles_CountWhereTheAppNamesNone(DefaultAcceptedRoles standard, int placed)
    {
        var cluster = new TestCluster(settings: new ClusterSettings { DefaultAcceptedRoles = standard });
        cluster.AddAgent("a", cpuMillis: 3000, reservations: For("dev", 2000));
        cluster.Put(App("/a", 3, cpuMillis: 1000) with { Role = "dev" });
        Assert.Equal(placed, cluster.InstancesOf("/a").Count(i => i.HoldsResources));
    }

    [Fact]
    public void ReservedPorts_AreOnlyForTheirRole()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", ports: "31000-31003", reservations: For("dev", 1000, new PortRange(31001, 31002)));
        var port = new PortSpec(0, 0, 0, "tcp", null);
        cluster.Put(App("/a", 4) with { Ports = [port] });
        Assert.Equal([31000, 31003], cluster.InstancesOf("/a").Where(i => i.HoldsResources).Select(i => Assert.Single(i.Placement!.HostPorts)).Order());
        Assert.Equal(RejectReason.InsufficientPorts, Why(cluster).Reason);
        cluster.Put(App("/dev", 2) with { Role = "dev", Ports = [port] });
        Assert.Equal([31001, 31002], cluster.InstancesOf("/dev").Select(i => Assert.Single(i.Placement!.HostPorts)).Order());
    }

    [Fact]
    public void WithoutRegionConstraint_TheHomeRegionIsUsed_WithOneAnyRegion()
    {
        var cluster = new TestCluster(settings: new ClusterSettings { HomeRegion = "home" });
        cluster.AddAgent("far", region: "away");
        cluster.Put(App("/a"));
        Assert.Equal(new Rejection(RejectReason.UnfulfilledConstraint, "the home region home", "region away"), Why(cluster));
        cluster.Put(App("/b") with { Constraints = [new Constraint("@region", ConstraintOperator.Is, "away")] });
        Assert.Equal("away", cluster.Single("/b").Placement!.Region);
        cluster.AddAgent("near", region: "home");
        Assert.Equal("home", cluster.Single("/a").Placement!.Region);
    }

    [Theory]
    [InlineData(null, GpuScheduling.Restricted, false)]
    [InlineData(null, GpuScheduling.Unrestricted, true)]
    [InlineData(GpuScheduling.Unrestricted, GpuScheduling.Restricted, true)]
    [InlineData(GpuScheduling.Restricted, GpuScheduling.Unrestricted, false)]
    public void FreeGpus_AreKeptForThoseWhoNeedThem(GpuScheduling? own, GpuScheduling policy, bool placed)
    {
        var cluster = new TestCluster(settings: new ClusterSettings { GpuScheduling = policy });
        cluster.AddAgent("a", gpus: 1);
        cluster.Put(App("/a") with { GpuScheduling = own });
        Assert.Equal(placed, cluster.Single("/a").Placement is not null);
        if (!placed)
        {
            Assert.Equal(RejectReason.DeclinedScarceResources, Why(cluster).Reason);
            cluster.Put(App("/gpu") with { Resources = new Resources(100, 32 << 20, 0, 1) });
            Assert.NotNull(cluster.Single("/gpu").Placement);
            Assert.NotNull(cluster.Single("/a").Placement); // no GPU is free any more: an ordinary node
        }
    }

    [Fact]
    public void Pack_FillsOneNodeAfterTheOther()
    {
        var cluster = new TestCluster(settings: new ClusterSettings { PlacementScore = PlacementScore.Pack });
        for (var i = 0; i < 4; i++)
        {
            cluster.AddAgent($"n{i}", cpuMillis: 1000);
        }
        cluster.Put(App("/a", 15, cpuMillis: 100));
        cluster.Put(App("/b", 3, cpuMillis: 100));
        Assert.Equal([10, 8], cluster.State.Usage.Values.Select(u => u.Instances.Count).OrderDescending());
    }

    [Fact]
    public void ManyGroups_StayBalanced_InOneBurst()
    {
        var cluster = new TestCluster();
        for (var i = 0; i < 60; i++)
        {
            cluster.AddAgent($"n{i:d2}", attributes: new Dictionary<string, string> { ["rack"] = $"r{i / 10}" }, zone: $"z{i % 2}");
        }
        cluster.Put(App("/a", 90) with
        {
            Constraints = [new Constraint("rack", ConstraintOperator.GroupBy, null), new Constraint("@zone", ConstraintOperator.GroupBy, null)],
        });
        var placed = cluster.InstancesOf("/a").Where(i => i.HoldsResources).Select(i => cluster.State.Agents[i.Placement!.AgentId]).ToList();
        Assert.Equal(90, placed.Count);
        Assert.All(placed.GroupBy(n => n.Attributes["rack"]), g => Assert.Equal(15, g.Count()));
        Assert.All(placed.GroupBy(n => n.Zone), g => Assert.Equal(45, g.Count()));
    }

    [Theory]
    [InlineData("2.50", "2.5")]
    [InlineData("1.0005", "1")]
    [InlineData("[5-9, 1-3]", "[1-3,5-9]")]
    [InlineData("{b,a,b}", "{a,b}")]
    [InlineData("[a-b]", "[a-b]")]
    [InlineData("1e3", "1e3")]
    public void Attributes_AreComparedAsMesosWritesThem(string given, string expected) => Assert.Equal(expected, AttributeValue.Canonical(given));
}
