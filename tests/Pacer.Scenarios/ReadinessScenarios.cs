using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

public sealed class ReadinessScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private const string Check =
        "\"readinessChecks\":[{\"name\":\"up\",\"portName\":\"http-api\",\"path\":\"/ready\",\"intervalSeconds\":2,\"timeoutSeconds\":1,\"preserveLastResponse\":true}]"
        + ",\"portDefinitions\":[{\"port\":0,\"name\":\"http-api\"}]";

    [Fact(DisplayName = "READY-01: an app that is not ready is asked again and again, and its deployment stays open")]
    public async Task READY_01()
    {
        await Cluster.CreateAsync(App("/ready", more: Check));
        await using var web = await AnswerAsync(503);
        await StaysOpenAsync(web);
        var result = Assert.Single((await Cluster.SendAsync("GET", "/v2/apps/ready?embed=app.readiness")).Body!["app"]!["readinessCheckResults"]!.AsArray())!;
        Assert.Equal(("up", false, 503), (result["name"]!.ToString(), result["ready"]!.GetValue<bool>(), result["lastResponse"]!["status"]!.GetValue<int>()));
    }

    [Fact(DisplayName = "READY-02: once the service is ready, its deployment finishes")]
    public async Task READY_02()
    {
        var deployment = await Cluster.CreateAsync(App("/ready", more: Check));
        await using var web = await AnswerAsync(503);
        await StaysOpenAsync(web);
        web.Status = 200;
        await Cluster.SucceedsAsync(deployment);
        var calls = web.Calls;
        Assert.Empty((await Cluster.SendAsync("GET", "/v2/apps/ready?embed=app.readiness")).Body!["app"]!["readinessCheckResults"]!.AsArray());
        await Task.Delay(TimeSpan.FromSeconds(3)); // longer than the interval: nothing to wait for, as nothing must happen
        Assert.Equal(calls, web.Calls);
    }

    [Fact(DisplayName = "READY-04: with a health check too, the deployment finishes when both turn green")]
    public async Task READY_04()
    {
        await using var health = new WebEndpoint(500);
        var deployment = await Cluster.CreateAsync(App("/ready", more: Check
            + $",\"healthChecks\":[{{\"protocol\":\"HTTP\",\"port\":{health.Port},\"intervalSeconds\":1,\"gracePeriodSeconds\":600}}]"));
        await using var web = await AnswerAsync(200);
        await Waiting.UntilAsync(async () => (await ResultsAsync()).Any(result => result["ready"]!.GetValue<bool>()), "it is ready");
        Assert.Single(await Cluster.DeploymentsAsync());
        health.Status = 200;
        await Cluster.SucceedsAsync(deployment);
    }

    [Fact(DisplayName = "READY-05: an upgrade to a version that is not ready stays open, and the check is polled")]
    public async Task READY_05()
    {
        await Cluster.CreateAsync(App("/ready", more: Check));
        await using (await AnswerAsync(200))
        {
            await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the first version is ready");
        }
        var old = Assert.Single(await Cluster.RunningAsync("/ready"));
        await Cluster.ChangeAsync("PUT", "/v2/apps/ready", App("/ready", "exec sleep 2000", Check));
        await Cluster.RunningAsync("/ready", 2);
        await using var web = await AnswerAsync(503, old);
        await StaysOpenAsync(web);
        Assert.Contains(old, await Cluster.RunningAsync("/ready"));
    }

    private async Task StaysOpenAsync(WebEndpoint web)
    {
        await Waiting.UntilAsync(() => Task.FromResult(web.Calls > 1), "the check is polled");
        Assert.Single(await Cluster.DeploymentsAsync());
        await Waiting.UntilAsync(async () => (await ResultsAsync()).Any(result => result["lastResponse"]?["status"]?.GetValue<int>() == 503), "the answer is shown");
        Assert.All(await ResultsAsync(), result => Assert.False(result["ready"]!.GetValue<bool>()));
    }

    /// <summary>Results among the current actions.</summary>
    private async Task<List<JsonNode>> ResultsAsync() =>
        [.. (await Cluster.DeploymentsAsync()).SelectMany(d => d!["currentActions"]!.AsArray()).SelectMany(a => a!["readinessCheckResults"]!.AsArray()).Select(r => r!)];

    /// <summary>Answers in the place of the one task that is not <paramref name="except"/>.</summary>
    private async Task<WebEndpoint> AnswerAsync(int status, string except = "")
    {
        var port = 0;
        await Waiting.UntilAsync(async () =>
        {
            var tasks = (await Cluster.TasksAsync("/ready")).Where(task => task["id"]!.ToString() != except && task["state"]!.ToString() == "TASK_RUNNING").ToList();
            port = tasks.Count == 1 ? tasks[0]["ports"]![0]!.GetValue<int>() : 0;
            return port != 0;
        }, "the task runs");
        return new WebEndpoint(status, port);
    }
}
