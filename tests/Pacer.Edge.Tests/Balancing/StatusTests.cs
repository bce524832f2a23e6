using System.Net;
using System.Text.Json;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>The pages of the status listener, and the access log.</summary>
public sealed class StatusTests
{
    [Fact]
    public async Task Pages_AfterARequest_ShowIt()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync();
        var tasks = balancer.Put("/shop/web", ["HAPROXY_0_VHOST=shop.test", "HAPROXY_0_PORT=0", "HAPROXY_0_STICKY=true"], backend.Port, TestBalancer.FreePort());
        tasks[1].Draining = true;
        balancer.Apply();
        using (var client = balancer.Client(host: "shop.test"))
        {
            await client.GetAsync("x");
        }
        using var status = balancer.Client("status");
        var stats = await status.GetStringAsync("haproxy?stats;csv");
        var lines = stats.Split('\n');
        var columns = lines[0].TrimStart('#', ' ').Split(',');
        var rows = lines[1..].Where(line => line.Length > 0).Select(line => line.Split(',')).ToList();
        Assert.All(rows, row => Assert.Equal(columns.Length, row.Length));
        string Cell(string server, string column) => rows.Single(row => row[1] == server)[Array.IndexOf(columns, column)];
        Assert.Equal(("UP", "1"), (Cell($"n1_127_0_0_1_{backend.Port}", "status"), Cell($"n1_127_0_0_1_{backend.Port}", "stot")));
        Assert.Equal("MAINT", Cell($"n1_127_0_0_1_{tasks[1].Ports[0].HostPort}", "status"));
        Assert.Equal("1", Cell("BACKEND", "hrsp_2xx"));

        Assert.Contains("shop_web_0", await status.GetStringAsync("haproxy?stats"), StringComparison.Ordinal);
        Assert.Contains("Service ready", await status.GetStringAsync("_haproxy_health_check"), StringComparison.Ordinal);
        Assert.Contains($"server n1_127_0_0_1_{backend.Port} 127.0.0.1:{backend.Port} id ", await status.GetStringAsync("_haproxy_getconfig"), StringComparison.Ordinal);
        Assert.Equal("shop.test shop_web_0\n", await status.GetStringAsync("_haproxy_getvhostmap"));
        Assert.Equal("/shop/web shop_web_0\n", await status.GetStringAsync("_haproxy_getappmap"));
        Assert.Equal($"{Environment.ProcessId}\n", await status.GetStringAsync("_haproxy_getpids"));
        Assert.Equal(HttpStatusCode.OK, (await status.PostAsync("_mlb_signal/hup", null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await status.GetAsync("_mlb_signal/usr1")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await status.GetAsync("nothing")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await status.PostAsync("metrics", null)).StatusCode);
        var metrics = await status.GetStringAsync("metrics");
        Assert.Contains("pacer_lb_requests_total{backend=\"shop_web_0\",code=\"2xx\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("pacer_lb_request_duration_seconds_bucket{backend=\"shop_web_0\",le=\"+Inf\"} 1\n", metrics, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await status.GetStringAsync("pacer/lb"));
        Assert.Equal("/shop/web", json.RootElement.GetProperty("backends")[0].GetProperty("service").GetString());
        Assert.Equal("HAPROXY_0_PORT", json.RootElement.GetProperty("warnings")[0].GetProperty("label").GetString());
    }

    [Fact]
    public async Task AccessLog_ALineForEachRequest_AlsoAfterTheFileWasMoved()
    {
        var directory = Directory.CreateTempSubdirectory("pacer-lb-test-").FullName;
        try
        {
            var file = Path.Combine(directory, "access.log");
            await using var backend = await TestBackend.StartAsync("a");
            await using var balancer = await TestBalancer.StartAsync(options => options with { AccessLog = file });
            balancer.Put("/a", ["HAPROXY_0_VHOST=h", "HAPROXY_0_PORT=1"], backend.Port);
            using var client = balancer.Client(host: "h");
            await client.GetAsync("one?\"x");
            await HttpTests.UntilAsync(async () => (await File.ReadAllTextAsync(file)).EndsWith('\n'));
            Assert.Matches($"^127\\.0\\.0\\.1 - - \\[.*\\] \"GET /one\\?%22x HTTP/1\\.1\" 200 .* h:{balancer["http"].Port} a_1 n1_127_0_0_1_{backend.Port} [0-9.]+\n$", await File.ReadAllTextAsync(file));
            File.Move(file, file + ".1");
            await client.GetAsync("two");
            await HttpTests.UntilAsync(async () => File.Exists(file) && (await File.ReadAllTextAsync(file)).Contains("GET /two", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    [Fact]
    public async Task ErrorPage_OfOnesOwn_IsShown()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "<h1>We are back soon</h1>");
            await using var balancer = await TestBalancer.StartAsync(options => options with { ErrorPage = file });
            using var client = balancer.Client();
            using var answer = await client.GetAsync("");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "<h1>We are back soon</h1>"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
