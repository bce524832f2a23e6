using System.Text;
using System.Text.Json;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Users;
using Pacer.Agent.Networks;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>The bundle as text; no container runs.</summary>
public sealed class BundleSpecTests
{
    private static readonly OciPaths Paths = new("/var/lib/pacer", "/run/pacer");
    private static readonly ContainerPlan Plan = new("c1", "t1", ["x"], new Dictionary<string, string>(), null, "/var/lib/pacer/s/c1", "h", 250, 500, 1 << 20, 10);

    [Fact]
    public void ToJson_V1_HasSharesQuotaMemoryWithSwapAndDeniesDevicesFirst()
    {
        var resources = Json(CgroupVersion.Hybrid).GetProperty("linux").GetProperty("resources");
        Assert.Equal(
            """{"devices":[{"allow":false,"access":"rwm"}],"cpu":{"shares":256,"quota":50000,"period":100000},"memory":{"limit":33554432,"swap":33554432},"pids":{"limit":10}}""",
            resources.GetRawText());
    }

    [Fact]
    public void ToJson_V2_HasAnExplicitWeightInsteadOfShares()
    {
        var resources = Json(CgroupVersion.V2).GetProperty("linux").GetProperty("resources");
        Assert.Equal("25", resources.GetProperty("unified").GetProperty("cpu.weight").GetString());
        Assert.False(resources.GetProperty("cpu").TryGetProperty("shares", out _));
    }

    [Fact]
    public void Process_ReadBack_IsTheSame()
    {
        var process = new BundleProcess(
            ["a", "\"b\"\n"], ["A=ü=1"], new ContainerUser(7, 8, [9, 10], null, null), ["CAP_KILL"], "/w", null);
        var back = BundleReader.Process(Spec(CgroupVersion.V1) with { Process = process } is { } spec ? spec.ToJson() : default);
        Assert.Equal(process.Arguments, back.Arguments);
        Assert.Equal(process.Environment, back.Environment);
        Assert.Equal(process.Capabilities, back.Capabilities);
        Assert.Equal(process.User.Groups, back.User.Groups);
        Assert.Equal((7u, 8u, "/w"), (back.User.Uid, back.User.Gid, back.WorkingDirectory));
    }

    [Fact]
    public void Network_ResolverOfTheNode_IsMountedUnlessAVolumeIs()
    {
        var plan = Plan with { Resolver = new ResolverPlace("169.254.40.1", "/run/pacer/resolver/resolv.conf", true) };
        Assert.Equal("/run/pacer/resolver/resolv.conf", Assert.Single(NetworkView.Apply(Spec(CgroupVersion.V1), plan).Mounts, mount => mount.Destination == "/etc/resolv.conf").Source);
        var withVolume = plan with { Mounts = [new ContainerMount("/srv/resolv.conf", "/etc/resolv.conf", ReadOnly: true)] };
        Assert.DoesNotContain(NetworkView.Apply(Spec(CgroupVersion.V1), withVolume).Mounts, mount => mount.Source == "/run/pacer/resolver/resolv.conf");
    }

    [Fact]
    public void HostRoot_LocalVolumes_AreHidden()
    {
        var paths = new OciPaths("/var/lib/pacer", "/run/pacer") { LocalVolumes = "/usr/share" };
        var hidden = Assert.Single(HostRootView.Mounts(["/usr", "/var"], paths, "/var/lib/pacer/s/c1", null, []), mount => mount.Destination == "/usr/share");
        Assert.Equal("tmpfs", hidden.Type);
    }

    [Fact]
    public void Mounts_WorkDirectory_IsHiddenBeforeTheSandboxIsBound()
    {
        var mounts = HostRootView.Mounts(["/etc", "/var"], Paths, "/var/lib/pacer/s/c1", "/run/systemd/resolve/stub-resolv.conf", []);
        var order = mounts.Select(m => m.Destination).ToList();
        Assert.True(order.IndexOf("/var") < order.IndexOf("/var/lib/pacer"));
        Assert.Equal(["/run/systemd/resolve/stub-resolv.conf", "/var/lib/pacer", "/var/lib/pacer/s/c1"], order[^3..]);
        Assert.Equal("tmpfs", mounts.Single(m => m.Destination == "/run").Type);
        Assert.Equal("/var/lib/pacer/s/c1/.tmp", mounts.Single(m => m.Destination == "/tmp").Source);
        Assert.All(mounts.Where(m => m.Destination is "/etc" or "/var"), m => Assert.Contains("rro", m.Options));
    }

    [Theory]
    [InlineData("/usr/bin/x", "/usr/bin/x")]
    [InlineData("/tmp/x", "/var/lib/pacer/s/c1/.tmp/x")]
    [InlineData("/var/lib/pacer/s/c1/x", "/var/lib/pacer/s/c1/x")]
    [InlineData("/run/x", null)]
    public void HostPathOf_PathInContainer_IsWhereItLies(string path, string? expected) =>
        Assert.Equal(expected, HostRootView.HostPathOf(path, Plan.Sandbox));

    [Fact]
    public void CgroupRoot_WorkDirectories_DoNotMeet()
    {
        Assert.Matches("^/pacer-[0-9a-f]{8}$", Paths.CgroupRoot);
        Assert.NotEqual(Paths.CgroupRoot, new OciPaths("/var/lib/pacer2", "/run/pacer").CgroupRoot);
        Assert.Equal(Paths.CgroupRoot, new OciPaths("/var/lib/pacer/", "/run/other").CgroupRoot);
    }

    [Theory]
    [InlineData("{\"data\": 77}", 77)]
    [InlineData("{\"data\": -1, \"message\": \"x\"}", -1)]
    [InlineData("", 0)]
    public void ParseSync_Line_GivesThePid(string line, int pid) => Assert.Equal(pid, MonitorLauncher.ParseSync(line));

    [Fact]
    public void LastError_JsonLog_IsTheLastMessage() =>
        Assert.Equal("second", MonitorLauncher.LastError("{\"msg\":\"first\",\"level\":\"error\"}\n{\"msg\":\"second\\n\"}\n{half"));

    private static BundleSpec Spec(CgroupVersion version) => new(
        new BundleProcess(["x"], [], ContainerUser.Root, [], "/", null), "/run/pacer/rootfs", "h", [], "/pacer/c1", version, CgroupLimits.Of(Plan));

    private static JsonElement Json(CgroupVersion version) =>
        JsonDocument.Parse(Encoding.UTF8.GetString(Spec(version).ToJson().Span)).RootElement;
}
