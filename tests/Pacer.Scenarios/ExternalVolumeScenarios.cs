using System.Net;
using System.Text.Json.Nodes;
using Pacer.Agent;
using Pacer.Shell.Tests.Docker;

namespace Pacer.Scenarios;

/// <summary>Two nodes that share the storage of the driver <c>local</c>.</summary>
public sealed class SharedStorage() : TestCluster(2)
{
    internal string Storage { get; private set; } = "";

    private protected override AgentOptions Tune(int number, AgentOptions options)
    {
        // Beside the nodes' own directories, and gone with them.
        Storage = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(options.WorkDir)!, "storage")).FullName;
        return options with { LocalVolumes = Storage };
    }
}

public sealed class ExternalVolumeScenarios(SharedStorage cluster) : Scenario<SharedStorage>(cluster)
{
    private readonly string _storage = cluster.Storage;

    private static string External(string id, string cmd, string options, string external = "\"provider\":\"dvdi\"", string more = "") => App(id, cmd, $$$"""
        "container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","external":{"name":"rows",{{{external}}},"options":{{{options}}} } }] }
        """ + more);

    [Fact(DisplayName = "SYS-ROOT-03: what an app writes into an external volume, its second run sees, on another node too")]
    public async Task SYS_ROOT_03()
    {
        var answer = (await Cluster.SendAsync("POST", "/v2/apps", External("/first", "printf written > data/f; exec sleep 1000", """{"dvdi/driver":"local"}""",
            more: ",\"constraints\":[[\"hostname\",\"LIKE\",\"node1\"]]"))).Expect(HttpStatusCode.Created);
        Assert.False(answer.Response.Headers.Contains("X-Pacer-Warning"));
        await Cluster.SucceedsAsync(answer.Deployment);
        await Waiting.UntilAsync(async () => File.Exists(_storage + "/rows/f") && await File.ReadAllTextAsync(_storage + "/rows/f") == "written", "the first run has written");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/first", """
            {"cmd":"cat data/f > seen; exec sleep 1000","constraints":[["hostname","LIKE","node2"]]}
            """));
        var sandbox = Path.Combine(Cluster.Nodes[1].Options.WorkDir, "sandboxes", Assert.Single(await Cluster.RunningAsync("/first", 1)));
        await Waiting.UntilAsync(async () => File.Exists(sandbox + "/seen") && await File.ReadAllTextAsync(sandbox + "/seen") == "written", "the second run sees it");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/apps/first"));
        Assert.Equal("written", await File.ReadAllTextAsync(_storage + "/rows/f"));
    }

    [Fact]
    public async Task LocalVolumes_OfOthers_AreNotSeen()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "without isolation nothing is hidden");
        Directory.CreateDirectory(_storage + "/other");
        await Cluster.DeployAsync(App("/looks", $"ls {_storage} > seen 2>&1; echo end >> seen; exec sleep 1000"));
        var task = Assert.Single(await Cluster.TasksAsync("/looks"));
        var node = Cluster.Nodes.Single(node => node.Name == task["host"]!.ToString());
        var seen = Path.Combine(node.Options.WorkDir, "sandboxes", task["id"]!.ToString(), "seen");
        await Waiting.UntilAsync(async () => File.Exists(seen) && (await File.ReadAllTextAsync(seen)).EndsWith("end\n", StringComparison.Ordinal), "it has looked");
        Assert.DoesNotContain("other\n", await File.ReadAllTextAsync(seen));
    }

    [Theory]
    [InlineData("dvdi", """{"dvdi/driver":"rexray"}""", "the volume driver rexray")]
    [InlineData("csi", """{"pluginName":"nfs.csi.k8s.io","capability":{"accessMode":"SINGLE_NODE_WRITER","accessType":"mount","fsType":"ext4"} }""", "the CSI plugin nfs.csi.k8s.io")]
    public async Task DriverThatNoNodeHas_AppWaits_AndItIsSaidForWhat(string provider, string options, string asked)
    {
        await Cluster.CreateAsync(External("/waits", "exec sleep 1000", options, $"\"provider\":\"{provider}\""));
        await Cluster.QueuedAsync("/waits", item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(reason => reason!["reason"]!.ToString() == "UnfulfilledConstraint" && reason["declined"]!.GetValue<int>() == 2));
        var why = (await Cluster.SendAsync("GET", "/v2/why/waits")).Expect(HttpStatusCode.OK).Body!;
        var reason = Assert.Single(why["reasons"]!.AsArray())!;
        Assert.Equal((asked, "local"), (reason["asked"]!.ToString(), reason["free"]!.ToString()));
    }
}

[Collection(nameof(DockerCollection))]
public sealed class DockerVolumeScenarios : Scenario<DockerNode>
{
    private readonly DockerDaemon _daemon;

    public DockerVolumeScenarios(DockerNode cluster) : base(cluster)
    {
        _daemon = cluster.Daemon;
        _daemon.Require();
    }

    private string Docker(string id, string cmd, string driver) => App(id, cmd, $$$"""
        "container":{"type":"DOCKER","docker":{"image":"{{{_daemon.Image}}}"},"volumes":[
          {"containerPath":"/data","mode":"RW","external":{"name":"pacer-rows","provider":"dvdi","options":{"dvdi/driver":"{{{driver}}}"} } }] }
        """);

    [Fact]
    public async Task DaemonsDriver_MakesTheVolume_AndTheNextContainerHasItsData()
    {
        try
        {
            await Cluster.DeployAsync(Docker("/first", "printf kept > /data/f; exec sleep 1000", "local"));
            var volume = (await _daemon.SendAsync("GET", "/volumes/pacer-rows"))!;
            Assert.Equal("local", volume["Driver"]!.ToString());
            await Waiting.UntilAsync(async () => File.Exists(volume["Mountpoint"] + "/f") && await File.ReadAllTextAsync(volume["Mountpoint"] + "/f") == "kept", "the first run has written");
            await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/apps/first"));
            await Cluster.DeployAsync(Docker("/second", "cat /data/f; echo; exec sleep 1000", "local"));
            var output = Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", Assert.Single(await Cluster.RunningAsync("/second", 1)), "stdout");
            await Waiting.UntilAsync(async () => await File.ReadAllTextAsync(output) == "kept\n", "the second run sees it");
        }
        finally
        {
            await Cluster.ClearAsync();
            await Waiting.UntilAsync(async () => (await _daemon.NamesAsync()).All(name => !name.Contains("second", StringComparison.Ordinal)), "the container is gone");
            await _daemon.SendAsync("DELETE", "/volumes/pacer-rows");
        }
    }

    [Fact]
    public async Task DriverThatTheDaemonHasNot_AppWaits()
    {
        await Cluster.CreateAsync(Docker("/waits", "exec sleep 1000", "rexray"));
        await Cluster.QueuedAsync("/waits", item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(reason => reason!["reason"]!.ToString() == "UnfulfilledConstraint" && reason["declined"]!.GetValue<int>() == 1));
        var reason = Assert.Single((await Cluster.SendAsync("GET", "/v2/why/waits")).Body!["reasons"]!.AsArray())!;
        Assert.Equal(("the volume driver rexray of the Docker daemon", "docker/local"), (reason["asked"]!.ToString(), reason["free"]!.ToString()));
    }
}
