using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

public sealed class PodScenarios(OneNode cluster) : PodScenario<OneNode>(cluster)
{
    private const string Sleep = "exec sleep 1000";

    [Fact(DisplayName = "POD-01: a pod of one container becomes stable")]
    public async Task POD_01()
    {
        var created = await Cluster.SendAsync("POST", "/v2/pods", Pod("/pod", Container("one", Sleep)));
        created.Expect(HttpStatusCode.Created);
        await Cluster.SucceedsAsync(Deployment(created));
        Assert.Equal("STABLE", (await StatusAsync("/pod"))["status"]!.ToString());
    }

    [Fact(DisplayName = "POD-03: a deleted pod is gone once its deployment has finished")]
    public async Task POD_03()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        var deleted = (await Cluster.SendAsync("DELETE", "/v2/pods/pod")).Expect(HttpStatusCode.Accepted);
        await Cluster.SucceedsAsync(Deployment(deleted));
        (await Cluster.SendAsync("GET", "/v2/pods/pod")).Expect(HttpStatusCode.NotFound);
    }

    [Fact(DisplayName = "POD-06: a pod of two containers with HTTP health checks is stable when both answer")]
    public async Task POD_06()
    {
        await DeployAsync(WebPod("/pod"));
        var instance = Instances(await StableAsync("/pod")).Single();
        foreach (var port in instance["containers"]!.AsArray().SelectMany(c => c!["endpoints"]!.AsArray()).Select(e => e!["allocatedHostPort"]!.GetValue<int>()))
        {
            using var http = new HttpClient();
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://127.0.0.1:{port}/")).StatusCode);
        }
    }

    [Fact(DisplayName = "POD-07: a changed pod is deployed in a new version")]
    public async Task POD_07()
    {
        await DeployAsync(WebPod("/pod"));
        var before = Instances(await StableAsync("/pod")).Single();
        await ChangeAsync("/pod", WebPod("/pod").Replace("\"id\":\"/pod\"", "\"id\":\"/pod\",\"environment\":{\"A\":\"b\"}", StringComparison.Ordinal));
        var after = Instances(await StableAsync("/pod")).Single();
        Assert.NotEqual(before["specReference"]!.ToString(), after["specReference"]!.ToString());
    }

    [Fact(DisplayName = "POD-10: a pod in a group is listed with the group")]
    public async Task POD_10()
    {
        await DeployAsync(Pod("/folder/pod", Container("one", Sleep)));
        var group = (await Cluster.SendAsync("GET", "/v2/groups/folder")).Expect(HttpStatusCode.OK).Body!;
        Assert.Equal("/folder/pod", Assert.Single(group["pods"]!.AsArray())!["id"]!.ToString());
    }

    [Fact(DisplayName = "POD-12: all versions of a pod are listed")]
    public async Task POD_12()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        await ChangeAsync("/pod", Pod("/pod", Container("one", "exec sleep 1001")));
        Assert.Equal(2, (await Cluster.SendAsync("GET", "/v2/pods/pod::versions")).Expect(HttpStatusCode.OK).Body!.AsArray().Count);
    }

    [Fact(DisplayName = "POD-13: a container that is added runs in the new version")]
    public async Task POD_13()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        await ChangeAsync("/pod", Pod("/pod", Container("one", Sleep), Container("two", Sleep)));
        Assert.Equal(["one", "two"], Containers(Instances(await StableAsync("/pod")).Single()).Select(c => c["name"]!.ToString()));
    }

    [Fact(DisplayName = "POD-15: a pod with a constraint that nobody meets leaves its deployment open")]
    public async Task POD_15()
    {
        await CreateUnsatisfiableAsync();
        Assert.Equal("/pod", Assert.Single((await Cluster.DeploymentsAsync()).Single()!["affectedPods"]!.AsArray())!.ToString());
        await Cluster.QueuedAsync("/pod", item => item["pod"] is not null);
    }

    [Fact(DisplayName = "POD-16: that deployment can be stopped by force, and the pod stays")]
    public async Task POD_16()
    {
        var deployment = await CreateUnsatisfiableAsync();
        (await Cluster.SendAsync("DELETE", $"/v2/deployments/{deployment}?force=true")).Expect(HttpStatusCode.Accepted);
        await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the deployment is gone");
        (await Cluster.SendAsync("GET", "/v2/pods/pod")).Expect(HttpStatusCode.OK);
    }

    [Fact(DisplayName = "POD-18: a deleted instance comes back under its id")]
    public async Task POD_18()
    {
        await DeployAsync(Pod("/pod", 2, Container("one", Sleep)));
        var before = Instances(await StableAsync("/pod"));
        await DeleteInstanceAsync(before[0]);
        await RelaunchedAsync("/pod", TaskIds(before[0]));
        Assert.Equal(before.Select(Id), Instances(await StableAsync("/pod")).Select(Id));
    }

    [Fact(DisplayName = "POD-19: the containers of an instance that came back have a higher incarnation")]
    public async Task POD_19()
    {
        await DeployAsync(Pod("/pod", 2, Container("one", Sleep)));
        var before = Instances(await StableAsync("/pod"))[0];
        await DeleteInstanceAsync(before);
        var after = await RelaunchedAsync("/pod", TaskIds(before));
        Assert.Equal(TaskIds(before).Select(id => id[..^1] + "2"), TaskIds(after));
    }

    [Fact(DisplayName = "POD-21: a wiped instance vanishes, and a new one takes its place")]
    public async Task POD_21()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        var before = Instances(await StableAsync("/pod")).Single();
        await DeleteInstanceAsync(before, "?wipe=true");
        await Waiting.UntilAsync(async () => Instances(await StatusAsync("/pod")) is [{ } now] && Id(now) != Id(before)
            && now["status"]!.ToString() == "STABLE", "another instance runs");
    }

    [Fact(DisplayName = "POD-24: the queue tells that an instance waits for its constraint")]
    public async Task POD_24()
    {
        var pod = Pod("/pod", 2, Container("one", Sleep)).Replace("\"scaling\"", """
            "scheduling":{"placement":{"constraints":[{"fieldName":"hostname","operator":"UNIQUE"}]}},"scaling"
            """, StringComparison.Ordinal);
        (await Cluster.SendAsync("POST", "/v2/pods", pod)).Expect(HttpStatusCode.Created);
        await Cluster.QueuedAsync("/pod", item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(step => step!["reason"]!.ToString() == "UnfulfilledConstraint" && step["declined"]!.GetValue<int>() > 0));
    }

    [Fact(DisplayName = "SYS-POD-01: a pod can be read back after its deployment")]
    public async Task SYS_POD_01()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        Assert.Equal("/pod", (await Cluster.SendAsync("GET", "/v2/pods/pod")).Expect(HttpStatusCode.OK).Body!["id"]!.ToString());
    }

    [Fact(DisplayName = "SYS-POD-04: a removed pod is not found")]
    public async Task SYS_POD_04()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        await Cluster.SucceedsAsync(Deployment(await Cluster.SendAsync("DELETE", "/v2/pods/pod")));
        (await Cluster.SendAsync("GET", "/v2/pods/pod")).Expect(HttpStatusCode.NotFound);
    }

    [Fact(DisplayName = "SYS-POD-05: three instances are listed")]
    public async Task SYS_POD_05()
    {
        await DeployAsync(Pod("/pod", 3, Container("one", Sleep)));
        Assert.Equal(3, Instances(await StableAsync("/pod")).Count);
    }

    [Fact(DisplayName = "SYS-POD-07: a pod scaled down to one has one instance")]
    public async Task SYS_POD_07()
    {
        await DeployAsync(Pod("/pod", 3, Container("one", Sleep)));
        await ChangeAsync("/pod", Pod("/pod", Container("one", Sleep)));
        await Waiting.UntilAsync(async () => Instances(await StatusAsync("/pod")).Count == 1, "one instance is left");
    }

    [Fact(DisplayName = "SYS-POD-08: HEAD tells that there are pods")]
    public async Task SYS_POD_08() => (await Cluster.SendAsync("HEAD", "/v2/pods")).Expect(HttpStatusCode.OK);

    [Fact(DisplayName = "SYS-POD-10: containers share an ephemeral volume")]
    public async Task SYS_POD_10()
    {
        await DeployAsync(Pod("/pod", "\"volumes\":[{\"name\":\"shared\"}]",
            Container("writer", "echo hello > shared/text; " + Sleep, "\"volumeMounts\":[{\"name\":\"shared\",\"mountPath\":\"shared\"}]"),
            Container("reader", "while ! grep hello data/text; do sleep 0.1; done; touch seen; " + Sleep, """
                "volumeMounts":[{"name":"shared","mountPath":"data","readOnly":true}],
                "healthCheck":{"exec":{"command":{"shell":"test -f seen && ! touch data/x"}},"intervalSeconds":1,"timeoutSeconds":0,"delaySeconds":0}
                """)));
        await StableAsync("/pod");
    }

    [Fact(DisplayName = "SYS-POD-11: a container that fails takes the others along, and all are launched again")]
    public async Task SYS_POD_11()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep), Container("two", "while [ ! -f fail ]; do sleep 0.1; done; exit 3")));
        var before = Instances(await StableAsync("/pod")).Single();
        await File.WriteAllTextAsync(Path.Combine(Sandbox(TaskIds(before)[1]), "fail"), "");
        var after = await RelaunchedAsync("/pod", TaskIds(before));
        Assert.Equal(Id(before), Id(after));
        var history = (await StatusAsync("/pod"))["terminationHistory"]![0]!;
        Assert.Equal("TASK_FAILED", history["containers"]![0]!["lastKnownState"]!.ToString());
    }

    [Fact(DisplayName = "SYS-POD-13: containers reach each other on localhost")]
    public async Task SYS_POD_13()
    {
        await DeployAsync(Pod("/pod",
            Container("server", "exec python3 -m http.server $ENDPOINT_WEB --bind 127.0.0.1", "\"endpoints\":[{\"name\":\"web\"}]"),
            Container("client", "while ! (exec 3<>/dev/tcp/127.0.0.1/$ENDPOINT_WEB); do sleep 0.1; done; touch seen; " + Sleep, """
                "healthCheck":{"exec":{"command":{"shell":"test -f seen"}},"intervalSeconds":1,"timeoutSeconds":0,"delaySeconds":0}
                """, "bash")));
        await StableAsync("/pod");
    }

    [Fact(DisplayName = "SECRET-06: a pod's container finds a stored secret in its environment")]
    public async Task SECRET_06()
    {
        (await Cluster.SendAsync("PUT", "/v2/secrets/pod-key", """{"value":"open sesame"}""")).Expect(HttpStatusCode.Created);
        await DeployAsync(Pod("/pod", "\"secrets\":{\"key\":{\"source\":\"pod-key\"}}",
            Container("one", "printf %s \"$KEY\" > key; " + Sleep, "\"environment\":{\"KEY\":{\"secret\":\"key\"}}")));
        var file = Path.Combine(Sandbox(TaskIds(Instances(await StableAsync("/pod")).Single())[0]), "key");
        await Waiting.UntilAsync(async () => File.Exists(file) && await File.ReadAllTextAsync(file) == "open sesame", "the container has the secret");
        (await Cluster.SendAsync("DELETE", "/v2/secrets/pod-key")).Expect(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Agent_BackAfterItsEnd_FindsAllContainers()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep), Container("two", Sleep)));
        var before = Instances(await StableAsync("/pod")).Single();
        await Cluster.Nodes[0].StopAsync();
        await Cluster.Nodes[0].StartAsync();
        Assert.Equal(TaskIds(before), TaskIds(Instances(await StableAsync("/pod")).Single()));
    }

    [Fact]
    public async Task ContainerFails_WhileTheAgentIsAway_OthersEndWhenItIsBack()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep), Container("two", "while [ ! -f fail ]; do sleep 0.1; done; exit 3")));
        var before = Instances(await StableAsync("/pod")).Single();
        await Cluster.Nodes[0].StopAsync();
        await File.WriteAllTextAsync(Path.Combine(Sandbox(TaskIds(before)[1]), "fail"), "");
        await Cluster.Nodes[0].StartAsync();
        await RelaunchedAsync("/pod", TaskIds(before));
    }

    [Fact]
    public async Task Tasks_OfPods_AreNotListedWithThoseOfApps()
    {
        await DeployAsync(Pod("/pod", Container("one", Sleep)));
        Assert.Empty((await Cluster.SendAsync("GET", "/v2/tasks")).Expect(HttpStatusCode.OK).Body!["tasks"]!.AsArray());
        (await Cluster.SendAsync("GET", "/v2/apps/pod/tasks")).Expect(HttpStatusCode.NotFound);
    }

    private async Task<string> CreateUnsatisfiableAsync()
    {
        var pod = Pod("/pod", Container("one", Sleep)).Replace("\"scaling\"", """
            "scheduling":{"placement":{"constraints":[{"fieldName":"hostname","operator":"LIKE","value":"nowhere"}]}},"scaling"
            """, StringComparison.Ordinal);
        return Deployment((await Cluster.SendAsync("POST", "/v2/pods", pod)).Expect(HttpStatusCode.Created));
    }
}
