using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pacer.Server.Metrics;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Http;

public sealed class MetricsTests
{
    [Fact]
    public async Task Json_HasMarathonsShape_AndRealNumbers()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        await server.SendAsync("POST", "/v2/apps", """{"id":"/in/a","cmd":"true","cpus":1,"mem":32,"instances":2}""");
        await agent.RunNextAsync();
        await server.SendAsync("GET", "/v2/apps/none");

        var metrics = await server.GetJsonAsync("/metrics");
        Assert.Equal("4.0.0", metrics.GetProperty("version").GetString());
        await Eventually.TrueAsync(async () => Value(await server.GetJsonAsync("/metrics"), "gauges", "instances.running.gauge", "value") == 1, "one runs");
        metrics = await server.GetJsonAsync("/metrics");
        Assert.Equal(1, Value(metrics, "gauges", "apps.active.gauge", "value"));
        Assert.Equal(0, Value(metrics, "gauges", "pods.active.gauge", "value"));
        Assert.Equal(2, Value(metrics, "gauges", "groups.active.gauge", "value"));
        Assert.Equal(1, Value(metrics, "gauges", "deployments.active.gauge", "value"));
        Assert.Equal(1, Value(metrics, "gauges", "tasks.running.gauge", "value"));
        Assert.Equal(1, Value(metrics, "gauges", "agents.connected.gauge", "value"));
        Assert.True(Value(metrics, "gauges", "uptime.gauge.seconds", "value") > 0);
        Assert.True(Value(metrics, "gauges", "http.requests.active.gauge", "value") >= 1); // this one
        Assert.Equal(2, Value(metrics, "counters", "tasks.launched.counter", "count"));
        Assert.Equal(1, Value(metrics, "counters", "deployments.counter", "count"));
        Assert.Equal(1, Value(metrics, "counters", "mesos.task-updates.running.counter", "count"));
        Assert.True(Value(metrics, "counters", "http.responses.size.counter.bytes", "count") > 1000);
        Assert.Equal(1, Value(metrics, "meters", "http.responses.4xx.rate.meter", "count"));
        Assert.True(Value(metrics, "timers", "http.requests.duration.timer.seconds", "count") >= 3);
        Assert.True(Value(metrics, "timers", "persistence.commits.duration.timer.seconds", "p99") > 0);
        Assert.True(Value(metrics, "histograms", "loop.steps.inputs.histogram", "max") >= 1);
        Assert.Equal("calls/second", metrics.GetProperty("timers").GetProperty("marathon.http.requests.get.duration.timer.seconds").GetProperty("rate_units").GetString());
    }

    [Fact]
    public async Task Prometheus_EveryLineParses_AndHistogramsAddUp()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a","cmd":"true","instances":0}""");
        await server.GetJsonAsync("/v2/apps/a");
        using var byPath = await server.Http.GetAsync("/metrics/prometheus");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
        using var byAccept = await server.Http.SendAsync(request);
        Assert.Equal("text/plain", byAccept.Content.Headers.ContentType!.MediaType);
        Assert.Equal("text/plain", byPath.Content.Headers.ContentType!.MediaType);

        var text = await byAccept.Content.ReadAsStringAsync();
        var types = new HashSet<string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Matches("""^(# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (gauge|counter|summary|histogram)|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z]+="[^"]*",?)+\})? [0-9.eE+-]+)$""", line);
            Assert.True(line[0] != '#' || types.Add(line.Split(' ')[2]), "a type twice: " + line);
        }
        const string get = """pacer_http_request_duration_seconds_{0}{{method="GET",route="/v2/apps/{{**path}}",status="200"{1}}} 1""";
        Assert.Contains(string.Format(CultureInfo.InvariantCulture, get, "count", ""), text);
        Assert.Contains(string.Format(CultureInfo.InvariantCulture, get, "bucket", ",le=\"+Inf\""), text);
        Assert.Contains("marathon_apps_active_gauge 1\n", text);
        Assert.Matches("marathon_http_requests_get_duration_timer_seconds\\{quantile=\"0.99\"\\} [0-9]", text);
    }

    [Fact]
    public void Distribution_Quantiles_AreWithinAnEighth_AndForgetOldValues()
    {
        var time = new ManualTime();
        var values = new Distribution(time);
        for (var i = 1; i <= 10_000; i++)
        {
            values.Record(i);
        }
        var recent = values.Recent();
        foreach (var share in new[] { 0.5, 0.75, 0.99 })
        {
            Assert.InRange(recent.Quantile(share), share * 10_000 * 0.87, share * 10_000 * 1.13);
        }
        Assert.InRange(recent.Mean, 4800, 5200);
        Assert.InRange(recent.Deviation, 2700, 3100);
        values.Record(long.MaxValue);
        values.Record(-1);
        time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(0, values.Recent().Quantile(0.5));
        Assert.Equal(10_002, values.Count);
    }

    [Fact]
    public void Rate_OfASteadyFlow_IsThatFlow_AndFadesAfterIt()
    {
        var time = new ManualTime();
        var rate = new Rate(time);
        for (var i = 0; i < 60; i++)
        {
            rate.Mark(10);
            time.Advance(TimeSpan.FromSeconds(1));
            rate.PerSecond();
        }
        Assert.InRange(rate.PerSecond().OneMinute, 9.9, 10.1);
        time.Advance(TimeSpan.FromMinutes(10));
        var later = rate.PerSecond();
        Assert.True(later.OneMinute < 0.01);
        Assert.InRange(later.FifteenMinutes, 4, 6);
    }

    [Fact]
    public async Task Bytes_OfBodies_AreCounted()
    {
        await using var server = await RunningServer.StartAsync();
        var before = await server.GetJsonAsync("/metrics");
        var body = """{"id":"/a","cmd":"true","instances":0}""";
        await server.SendAsync("POST", "/v2/apps", body);
        var pong = await server.Http.GetByteArrayAsync("/v2/info");
        var after = await server.GetJsonAsync("/metrics");
        Assert.Equal(body.Length, Value(after, "counters", "http.requests.size.counter.bytes", "count") - Value(before, "counters", "http.requests.size.counter.bytes", "count"));
        Assert.True(Value(after, "counters", "http.responses.size.counter.bytes", "count") - Value(before, "counters", "http.responses.size.counter.bytes", "count") >= pong.Length);
    }

    private static double Value(JsonElement metrics, string section, string name, string field) =>
        metrics.GetProperty(section).GetProperty("marathon." + name).GetProperty(field).GetDouble();
}
