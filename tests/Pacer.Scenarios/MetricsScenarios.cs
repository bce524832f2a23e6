using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

public sealed class MetricsScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "METRICS-01: /metrics is JSON of version 4.0.0")]
    public async Task METRICS_01()
    {
        var metrics = (await Cluster.SendAsync("GET", "/metrics")).Expect(HttpStatusCode.OK);
        Assert.Equal("application/json", metrics.Response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("4.0.0", metrics.Body!["version"]!.ToString());
    }

    [Fact(DisplayName = "METRICS-03: the documented gauges are there")]
    public async Task METRICS_03()
    {
        string[] names =
        [
            "apps.active", "pods.active", "groups.active", "deployments.active", "instances.running", "instances.staged", "uptime", "leadership.duration",
            "http.requests.active", "jvm.memory.heap.used", "jvm.threads.active", "instances.launch-overdue", "instances.inflight-kills",
        ];
        var gauges = (await ReadAsync())["gauges"]!.AsObject();
        Assert.All(names, name => Assert.Contains(gauges, gauge => gauge.Key.StartsWith($"marathon.{name}.gauge", StringComparison.Ordinal)));
    }

    [Fact(DisplayName = "METRICS-04: meters of response classes, timers of requests and of the store are there")]
    public async Task METRICS_04()
    {
        await Cluster.SendAsync("GET", "/v2/apps");
        var metrics = await ReadAsync();
        Assert.All(Enumerable.Range(1, 5), digit => Assert.NotNull(metrics["meters"]![$"marathon.http.responses.{digit}xx.rate.meter"]));
        Assert.All(["get", "post", "put", "delete"], method => Assert.NotNull(metrics["timers"]![$"marathon.http.requests.{method}.duration.timer.seconds"]));
        Assert.NotNull(metrics["timers"]!["marathon.persistence.commits.duration.timer.seconds"]);
        Assert.True((double)metrics["timers"]!["marathon.http.requests.duration.timer.seconds"]!["p50"]! > 0);
    }

    [Fact(DisplayName = "METRICS-06: the bytes of answers are counted")]
    public async Task METRICS_06()
    {
        var before = await CounterAsync("http.responses.size.counter.bytes");
        var size = (await Cluster.Http.GetByteArrayAsync("/v2/info")).Length;
        Assert.True(await CounterAsync("http.responses.size.counter.bytes") >= before + size);
    }

    [Fact(DisplayName = "METRICS-07: the bytes of requests are counted")]
    public async Task METRICS_07()
    {
        var before = await CounterAsync("http.requests.size.counter.bytes");
        var app = App("/counted");
        await Cluster.CreateAsync(app);
        Assert.True(await CounterAsync("http.requests.size.counter.bytes") >= before + app.Length);
    }

    [Fact(DisplayName = "SYS-API-02: /metrics counts running instances")]
    public async Task SYS_API_02()
    {
        await Cluster.DeployAsync(App("/counted"));
        Assert.Equal(1, (int)(await ReadAsync())["gauges"]!["marathon.instances.running.gauge"]!["value"]!);
    }

    private async Task<JsonNode> ReadAsync() => (await Cluster.SendAsync("GET", "/metrics")).Expect(HttpStatusCode.OK).Body!;

    private async Task<long> CounterAsync(string name) => (long)(await ReadAsync())["counters"]!["marathon." + name]!["count"]!;
}
