using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>HAProxy as the balancer's data path, under load while everything around it comes and goes.</summary>
public sealed class HaproxyTests
{
    [Fact]
    public async Task EverythingRestarts_UnderLoad_NoRequestFails()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        Assert.SkipUnless(File.Exists("/usr/sbin/haproxy"), "needs haproxy");
        await using var cluster = await Cluster.StartAsync("--cpus", "4", "--lb", "off");
        var directory = Path.Combine(cluster.DataDirectory, "lb");
        using var haproxy = new EndOfHaproxy(directory);
        var status = $"127.0.0.1:{Cluster.FreePort()}";
        string[] flags = ["lb", "--server", cluster.Api.Url, "--engine", "haproxy", "--lb-dir", directory, "--lb-http", "127.0.0.1:0", "--lb-https", "off", "--lb-appid", "off", "--lb-service-ports", "off", "--lb-status", status];
        const string Where = @"Load balancer for group external: http (\S+); statistics";
        using var first = PacerProcess.Start(flags);
        var address = await first.WaitForAsync(Where);
        using var load = await Upheaval.OfTasksAsync(cluster, address, instances: 3);

        first.KillAtOnce();
        using var second = await NextAsync();
        load.Check("kill -9 of the balancer");

        await second.HandOverAsync();
        using var third = await NextAsync();
        load.Check("restart of the balancer");

        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", """{"instances":1}""");
        await cluster.Api.WaitForRunningAsync("/web", 1);
        load.Check("scale down with the balancer that took over");

        await load.StopAsync();
        load.Check("the whole test");
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Served} requests");
        Assert.Equal(0, await third.TerminateAsync());
        Assert.False(Directory.Exists(directory));

        async Task<PacerProcess> NextAsync()
        {
            var next = PacerProcess.Start(flags);
            Assert.Equal(address, await next.WaitForAsync(Where));
            await next.WaitForAsync("Goes on with the HAProxy");
            await Api.Until(async () => (await cluster.PacerAsync("lb", "status", "--lb-status", status)).Output is var shown && Regex.Count(shown, @" UP +") == 2, "the new balancer serves both");
            return next;
        }
    }

    /// <summary>HAProxy outlives a balancer that is killed, but not a test that fails.</summary>
    private sealed class EndOfHaproxy(string directory) : IDisposable
    {
        public void Dispose()
        {
            var file = Path.Combine(directory, "haproxy.pid");
            if (File.Exists(file) && int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) is var id && Directory.Exists($"/proc/{id}"))
            {
                using var master = Process.GetProcessById(id);
                master.Kill(true);
                master.WaitForExit(TimeSpan.FromSeconds(10));
            }
        }
    }

    [Fact]
    public async Task BlueGreen_ThroughHaproxy_NoRequestFails()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        Assert.SkipUnless(File.Exists("/usr/sbin/haproxy"), "needs haproxy");
        await using var cluster = await Cluster.StartAsync("--cpus", "4", "--lb-engine", "haproxy", "--lb-http", "127.0.0.1:0", "--lb-https", "off", "--lb-appid", "off", "--lb-status", "127.0.0.1:0", "--lb-bind", "127.0.0.1");
        var places = await cluster.Up.WaitForAsync("Load balancer for group external: (.*)");
        var status = Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value;
        (await DeployAsync("1")).Expect(0);
        using var load = new Load(Regex.Match(places, @"http (\S+);").Groups[1].Value, "web.test");
        await load.UntilAsync("version 1");
        Assert.EndsWith("/web-green serves alone.\n", (await DeployAsync("2")).Expect(0).Output);
        await load.UntilAsync("version 2");
        await load.StopAsync();
        load.Check("the whole test");

        Task<CommandOutput> DeployAsync(string version) => cluster.PacerWithInputAsync($$$"""
            {"id":"/web","cmd":"exec python3 -c \"$SERVER\"","cpus":0.2,"mem":32,"instances":2,"env":{"VERSION":"{{{version}}}","SERVER":{{{System.Text.Json.JsonSerializer.Serialize(WebServer.Script)}}}},
             "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test"},"portDefinitions":[{"port":0}],"taskKillGracePeriodSeconds":20,
             "healthChecks":[{"protocol":"HTTP","portIndex":0,"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":60}]}
            """, "app", "deploy", "--blue-green", "-", "--step-delay", "0.1", "--lb-status", status);
    }
}
