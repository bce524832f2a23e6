using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using static Pacer.Core.Tests.Cluster.TestCluster;

namespace Pacer.Core.Tests.Cluster;

/// <summary>Persistent volumes on disks beside the agent's own.</summary>
public sealed class DiskScenarios
{
    private const long GiB = 1L << 30;

    private static NodeDisk Shared(string path, long gib, string? profile = null) => new(DiskType.Path, path, gib * GiB, profile);

    private static NodeDisk Whole(string path, long gib, string? profile = null) => new(DiskType.Mount, path, gib * GiB, profile);

    private static DiskRequest Ask(DiskType type, long gib, long? most = null, string? profile = null, string volume = "data") =>
        new(volume, type, gib * GiB, most * GiB, profile, []);

    private static RunSpec Resident(string id, int instances, params ReadOnlySpan<DiskRequest> disks) => App(id, instances, cpuMillis: 10) with
    {
        IsResident = true,
        PersistentVolumes = ValueList.From(disks.ToArray().Select(disk => disk.Volume)),
        Disks = ValueList.Create(disks),
    };

    private static IEnumerable<(string Node, string Path, long GiB)> SharesOf(TestCluster cluster, string id) => cluster.InstancesOf(id)
        .Where(i => i.Placement is not null).SelectMany(i => i.Placement!.Disks.Select(share => (i.Placement.AgentId.Value, share.Path, share.SizeBytes / GiB))).Order();

    private static Rejection Why(TestCluster cluster, string id) =>
        Assert.Single(Orchestrator.Explain(cluster.State, cluster.State.RunSpecs[new RunSpecId(id)], cluster.Settings).Rejections).Value;

    [Fact]
    public void SharedDisk_TakesVolumesUntilItIsFull_TheLargestFirst()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Shared("/small", 5), Shared("/large", 10)]);
        cluster.Put(Resident("/db", 4, Ask(DiskType.Path, 4)));
        Assert.Equal([("a", "/large", 4), ("a", "/large", 4), ("a", "/small", 4)], SharesOf(cluster, "/db"));
        Assert.Equal(
            new Rejection(RejectReason.InsufficientDisk, "a disk of type path with 4096 MiB", "path /small with 1024 MiB free; path /large with 2048 MiB free"), Why(cluster, "/db"));
    }

    [Fact]
    public void WholeDisk_IsGivenToOneVolume_TheSmallestThatFits()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Whole("/m20", 20), Whole("/m10", 10), Whole("/m5", 5)]);
        cluster.Put(Resident("/db", 2, Ask(DiskType.Mount, 8)));
        Assert.Equal([("a", "/m10", 10), ("a", "/m20", 20)], SharesOf(cluster, "/db"));
        cluster.Put(Resident("/more", 1, Ask(DiskType.Mount, 8)));
        Assert.Empty(SharesOf(cluster, "/more"));
    }

    [Fact]
    public void WholeDisk_BeyondTheLargestWanted_IsLeftAlone()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Whole("/m20", 20)]);
        cluster.Put(Resident("/db", 1, Ask(DiskType.Mount, 8, most: 10)));
        Assert.Equal("a disk of type mount with 8192 MiB to 10240 MiB", Why(cluster, "/db").Asked);
    }

    [Fact]
    public void Profile_MustBeTheDisks()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Whole("/slow", 10, "slow")]);
        cluster.Put(Resident("/db", 1, Ask(DiskType.Mount, 8, profile: "fast")));
        Assert.Equal("a disk of type mount with 8192 MiB and the profile fast", Why(cluster, "/db").Asked);
        cluster.AddAgent("b", disks: [Whole("/fast", 10, "fast")]);
        Assert.Equal([("b", "/fast", 10)], SharesOf(cluster, "/db"));
    }

    [Theory]
    [InlineData(ConstraintOperator.Like, "/b")]
    [InlineData(ConstraintOperator.Unlike, "/a")]
    public void PathConstraint_ChoosesAmongDisks(ConstraintOperator op, string expected)
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Shared("/a", 10), Shared("/b", 10)]);
        cluster.Put(Resident("/db", 1, Ask(DiskType.Path, 1) with { Paths = [new Constraint("path", op, "/[b-z]")] }));
        Assert.Equal([("a", expected, 1)], SharesOf(cluster, "/db"));
    }

    [Fact]
    public void SeveralVolumes_FindDisksTogetherOrNotAtAll()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Whole("/m10", 10)]);
        cluster.Put(Resident("/db", 1, Ask(DiskType.Mount, 8, volume: "data"), Ask(DiskType.Mount, 1, volume: "log")));
        Assert.Empty(SharesOf(cluster, "/db"));
        cluster.AddAgent("b", disks: [Whole("/m10", 10), Whole("/m2", 2)]);
        Assert.Equal([("b", "/m10", 10), ("b", "/m2", 2)], SharesOf(cluster, "/db"));
    }

    [Fact]
    public void WipedInstance_GivesItsDiskBack()
    {
        var cluster = new TestCluster();
        cluster.AddAgent("a", disks: [Whole("/m10", 10)]);
        cluster.Put(Resident("/db", 1, Ask(DiskType.Mount, 8)));
        cluster.Put(Resident("/other", 1, Ask(DiskType.Mount, 8)));
        Assert.Empty(SharesOf(cluster, "/other"));
        cluster.Send(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Remove(new RunSpecId("/db"))], false));
        Assert.Equal([("a", "/m10", 10)], SharesOf(cluster, "/other"));
    }
}
