using System.Net;

namespace Pacer.Scenarios;

public sealed class UpdatingScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private const string Healthy = "\"healthChecks\":[{\"protocol\":\"COMMAND\",\"command\":{\"value\":\"true\"},\"intervalSeconds\":1}]";
    private const string Unhealthy = "\"healthChecks\":[{\"protocol\":\"COMMAND\",\"command\":{\"value\":\"false\"},\"intervalSeconds\":1,\"maxConsecutiveFailures\":0}]";

    [Fact(DisplayName = "APP-UPDATE-01: a new command and count give two healthy tasks of the new version")]
    public async Task APP_UPDATE_01()
    {
        await Cluster.DeployAsync(App("/up", more: Healthy));
        var old = await Cluster.RunningAsync("/up");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/up", """{"cmd":"exec sleep 1001","instances":2}"""));
        await Cluster.RunningAsync("/up", 2, old);
        var app = await Cluster.GetAppAsync("/up");
        Assert.Equal(2, app["tasksHealthy"]!.GetValue<int>());
        Assert.All(await Cluster.TasksAsync("/up"), task => Assert.Equal(app["version"]!.ToString(), task["version"]!.ToString()));
    }

    [Fact(DisplayName = "APP-UPDATE-03: a health check that a patch does not name stays")]
    public async Task APP_UPDATE_03()
    {
        await Cluster.DeployAsync(App("/up"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PATCH", "/v2/apps/up", "{" + Healthy + "}"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PATCH", "/v2/apps/up", """{"cmd":"exec sleep 1001"}"""));
        Assert.Equal("true", (await Cluster.GetAppAsync("/up"))["healthChecks"]![0]!["command"]!["value"]!.ToString());
    }

    [Fact(DisplayName = "APP-UPDATE-04: scaling up starts one more task beside the first")]
    public async Task APP_UPDATE_04()
    {
        await Cluster.DeployAsync(App("/up"));
        var first = Assert.Single(await Cluster.RunningAsync("/up"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/up", """{"instances":2}"""));
        Assert.Contains(first, await Cluster.RunningAsync("/up", 2));
    }

    [Fact(DisplayName = "APP-UPDATE-06: a restart replaces every task")]
    public async Task APP_UPDATE_06()
    {
        await Cluster.DeployAsync(App("/up", more: "\"instances\":2"));
        var old = await Cluster.RunningAsync("/up");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("POST", "/v2/apps/up/restart"));
        await Cluster.RunningAsync("/up", 2, old);
    }

    [Fact(DisplayName = "APP-UPDATE-07: the list of versions has every one of them, the current one too")]
    public async Task APP_UPDATE_07()
    {
        var first = await TwoVersionsAsync();
        var versions = (await Cluster.SendAsync("GET", "/v2/apps/up/versions")).Body!["versions"]!.AsArray().Select(v => v!.ToString()).ToList();
        Assert.Equal(2, versions.Count);
        Assert.Contains(first, versions);
        Assert.Contains((await Cluster.GetAppAsync("/up"))["version"]!.ToString(), versions);
    }

    [Fact(DisplayName = "APP-UPDATE-09: an old version still shows its own memory")]
    public async Task APP_UPDATE_09()
    {
        var first = await TwoVersionsAsync();
        Assert.Equal(16, (await Cluster.SendAsync("GET", "/v2/apps/up/versions/" + first)).Body!["mem"]!.GetValue<double>());
        Assert.Equal(20, (await Cluster.GetAppAsync("/up"))["mem"]!.GetValue<double>());
    }

    [Fact(DisplayName = "APP-UPDATE-10: a container of the kind MESOS is kept without an image")]
    public async Task APP_UPDATE_10()
    {
        await Cluster.DeployAsync(App("/up", more: "\"container\":{\"type\":\"MESOS\",\"volumes\":[]}"));
        var container = (await Cluster.GetAppAsync("/up"))["container"]!.AsObject();
        Assert.Equal("MESOS", container["type"]!.ToString());
        Assert.False(container.ContainsKey("docker"));
    }

    [Fact(DisplayName = "APP-UPDATE-15: a command that needs a terminal fails without one")]
    public async Task APP_UPDATE_15()
    {
        await Cluster.CreateAsync(App("/terminal", "test -t 0 && exec sleep 1000", "\"backoffSeconds\":600"));
        await Cluster.StatusAsync("/terminal", "TASK_FAILED");
    }

    [Fact(DisplayName = "APP-UPDATE-16: an old-style host network without ports gets one service port")]
    public async Task APP_UPDATE_16()
    {
        (await Cluster.SendAsync("PUT", "/v2/apps/old",
            """{"id":"/old","cmd":"sleep 1000","mem":16,"container":{"type":"DOCKER","docker":{"image":"none","network":"HOST"}}}""")).Expect(HttpStatusCode.Created);
        var definition = Assert.Single((await Cluster.GetAppAsync("/old"))["portDefinitions"]!.AsArray())!;
        Assert.InRange(definition["port"]!.GetValue<int>(), 10000, 20000);
    }

    [Fact(DisplayName = "SYS-UPDATE-02: rolling an update back brings the original version back")]
    public async Task SYS_UPDATE_02()
    {
        await Cluster.DeployAsync(App("/up", more: Healthy));
        var update = await Cluster.ChangeAsync("PUT", "/v2/apps/up", """{"cmd":"exec sleep 1001","healthChecks":[{"protocol":"COMMAND","command":{"value":"sleep 1; true"},"intervalSeconds":1}]}""");
        await Cluster.SucceedsAsync((await Cluster.SendAsync("DELETE", "/v2/deployments/" + update)).Expect(HttpStatusCode.OK).Deployment);
        Assert.Equal("exec sleep 1000", (await Cluster.GetAppAsync("/up"))["cmd"]!.ToString());
        await Cluster.RunningAsync("/up", 1);
    }

    [Fact(DisplayName = "SYS-UPDATE-03: rolling back an update that never gets healthy leaves the original task and no deployment")]
    public async Task SYS_UPDATE_03()
    {
        await Cluster.DeployAsync(App("/up", more: Healthy));
        var original = await Cluster.RunningAsync("/up");
        var update = await Cluster.ChangeAsync("PUT", "/v2/apps/up", "{\"cmd\":\"exec sleep 1001\"," + Unhealthy + "}");
        await Cluster.RunningAsync("/up", 2);
        await Cluster.SucceedsAsync((await Cluster.SendAsync("DELETE", "/v2/deployments/" + update)).Expect(HttpStatusCode.OK).Deployment);
        Assert.Equal(original, await Cluster.RunningAsync("/up", 1));
        Assert.Empty(await Cluster.DeploymentsAsync());
    }

    private async Task<string> TwoVersionsAsync()
    {
        await Cluster.DeployAsync(App("/up"));
        var first = (await Cluster.GetAppAsync("/up"))["version"]!.ToString();
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/up", """{"mem":20}"""));
        return first;
    }
}
