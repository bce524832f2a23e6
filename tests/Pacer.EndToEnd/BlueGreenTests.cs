using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>A second version takes the place of the first while clients ask without a pause.</summary>
public sealed class BlueGreenTests
{
    /// <summary>An app of four instances; a broken one never answers its health check.</summary>
    private static string App(string version, bool broken = false, int port = 0) => $$$"""
        {"id":"/web","cmd":"{{{(broken ? "sleep 1000" : "exec python3 -c \\\"$SERVER\\\"")}}}","cpus":0.2,"mem":32,"instances":4,"env":{"VERSION":"{{{version}}}","SERVER":{{{System.Text.Json.JsonSerializer.Serialize(WebServer.Script)}}}},
         "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test"},"portDefinitions":[{"port":{{{port}}}}],"taskKillGracePeriodSeconds":20,
         "healthChecks":[{"protocol":"HTTP","portIndex":0,"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":60}]}
        """;

    private sealed class Site(Cluster cluster, string http, string status) : IAsyncDisposable
    {
        public Cluster Cluster => cluster;

        public string Http => http;

        public string[] Flags => ["--step-delay", "0.1", "--lb-status", status];

        public static async Task<Site> StartAsync()
        {
            Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
            var cluster = await Cluster.StartAsync("--cpus", "4", "--lb-http", "127.0.0.1:0", "--lb-https", "off", "--lb-appid", "off", "--lb-status", "127.0.0.1:0", "--lb-bind", "127.0.0.1");
            var places = await cluster.Up.WaitForAsync("Load balancer for group external: (.*)");
            return new Site(cluster, Regex.Match(places, @"http (\S+);").Groups[1].Value, Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value);
        }

        public Task<CommandOutput> DeployAsync(string version, params string[] flags) => cluster.PacerWithInputAsync(App(version), ["app", "deploy", "-", .. flags, .. Flags]);

        /// <summary>"/web-blue 4": versions with their instances.</summary>
        public async Task<string> VersionsAsync() =>
            string.Join(", ", (await cluster.Api.GetAsync("v2/apps"))["apps"]!.AsArray().Select(app => $"{app!["id"]} {app["instances"]}").Order(StringComparer.Ordinal));

        public ValueTask DisposeAsync() => cluster.DisposeAsync();
    }

    [Fact]
    [Trait("main-job", "yes")]
    public async Task BlueGreen_UnderLoad_NoRequestFails()
    {
        await using var site = await Site.StartAsync();
        var port = Cluster.FreePort();
        await site.Cluster.Api.PostAppAsync(App("1", port: port));
        await site.Cluster.Api.WaitUntilSettledAsync();
        using var load = new Load(site.Http, "web.test");
        using var byPort = new Load($"127.0.0.1:{port}", "any", clients: 2);
        await load.UntilAsync("version 1");
        await byPort.UntilAsync("version 1");

        var output = (await site.Cluster.PacerWithInputAsync(App("2", port: port), ["app", "deploy", "--blue-green", "-", .. site.Flags])).Expect(0).Output;
        Assert.Equal("/web-blue 4", await site.VersionsAsync());
        Assert.Contains("/web-blue: 1 instance beside /web\n", output);
        Assert.Contains("/web-blue: 1 → 2 instances\n", output);
        Assert.EndsWith("/web: removed\n/web-blue serves alone.\n", output);
        await load.UntilAsync("version 2");
        load.Check("blue beside an app that had no colour");

        var file = Path.Combine(site.Cluster.DataDirectory, "web.json");
        await File.WriteAllTextAsync(file, App("3", port: port));
        using (var deploy = PacerProcess.Start(["app", "deploy", "--blue-green", file, "--server", site.Cluster.Api.Url, .. site.Flags]))
        {
            await deploy.WaitForAsync("/web-green: 1 → 2 instances");
            Assert.Equal(130, await deploy.InterruptAsync());
            Assert.Contains($"Go on: pacer app deploy --resume {file}. Take it back: pacer app deploy --rollback {file}.", deploy.Text);
        }
        load.Check("Ctrl-C in the middle");
        var refused = (await site.DeployAsync("4", "--blue-green")).Expect(2);
        Assert.Contains("/web has two versions already: /web-blue and /web-green", refused.Error);
        (await site.Cluster.PacerAsync(["app", "deploy", "--resume", file, .. site.Flags])).Expect(0);
        Assert.Equal("/web-green 4", await site.VersionsAsync());
        await load.UntilAsync("version 3");
        await byPort.UntilAsync("version 3");
        load.Check("going on after Ctrl-C");
        Assert.Contains("is the only version of /web: nothing is left to do", (await site.Cluster.PacerAsync(["app", "deploy", "--complete", "web", .. site.Flags])).Expect(0).Output);
        await load.StopAsync();
        await byPort.StopAsync();
        load.Check("the whole test");
        byPort.Check("the whole test, by the service port");
    }

    [Fact]
    public async Task BlueGreen_NewVersionDoesNotServe_IsTakenBackAndNoRequestFails()
    {
        await using var site = await Site.StartAsync();
        Assert.EndsWith("/web-blue: 4 instances\n/web-blue serves alone.\n", Regex.Replace((await site.DeployAsync("1", "--blue-green")).Expect(0).Output, "\\d of 4.*\n", ""));
        using var load = new Load(site.Http, "web.test");
        await load.UntilAsync("version 1");

        var failed = (await site.Cluster.PacerWithInputAsync(App("2", broken: true), ["app", "deploy", "--blue-green", "-", "--timeout", "3", .. site.Flags])).Expect(4);
        Assert.Contains("0 of 1 instances of /web-green serve after 3 s", failed.Error);
        Assert.EndsWith("Going back to /web-blue.\n/web-green: removed\n/web-blue serves alone again.\n", failed.Output);
        Assert.Equal("/web-blue 4", await site.VersionsAsync());
        load.Check("a version that never serves");

        var refused = (await site.Cluster.PacerWithInputAsync(App("2"), ["app", "deploy", "--blue-green", "-", "--pre-kill-hook", "/bin/false", .. site.Flags])).Expect(2);
        Assert.Contains("--pre-kill-hook /bin/false ended with 1: /web-blue keeps its instances.", refused.Error);
        Assert.Equal("/web-blue 4, /web-green 1", await site.VersionsAsync());
        (await site.Cluster.PacerAsync(["app", "deploy", "--rollback", "web", .. site.Flags])).Expect(0);
        Assert.Equal("/web-blue 4", await site.VersionsAsync());
        await load.StopAsync();
        load.Check("the whole test");
    }

    [Fact]
    public async Task Canary_ShareAndInstances_GetTheirPartAndEndBothWays()
    {
        await using var site = await Site.StartAsync();
        (await site.DeployAsync("1", "--blue-green")).Expect(0);
        using var load = new Load(site.Http, "web.test");
        await load.UntilAsync("version 1");

        var held = (await site.DeployAsync("2", "--canary", "10%")).Expect(0).Output;
        Assert.EndsWith("/web-blue has 4 instances, /web-green has 1 instance; both versions are there. Finish: pacer app deploy --complete web. Take it back: pacer app deploy --rollback web.\n", held);
        await AssertShareAsync(load, "version 2", 0.07, 0.13);
        (await site.Cluster.PacerAsync(["app", "deploy", "--complete", "web", .. site.Flags])).Expect(0);
        Assert.Equal("/web-green 4", await site.VersionsAsync());
        load.Check("a canary with a share that does");

        (await site.DeployAsync("3", "--canary", "1")).Expect(0);
        Assert.Equal("/web-blue 1, /web-green 3", await site.VersionsAsync());
        await AssertShareAsync(load, "version 3", 0.2, 0.3);
        (await site.Cluster.PacerAsync(["app", "deploy", "--resume", "--canary", "2", "web", .. site.Flags])).Expect(0);
        Assert.Equal("/web-blue 2, /web-green 2", await site.VersionsAsync());
        (await site.Cluster.PacerAsync(["app", "deploy", "--rollback", "web", .. site.Flags])).Expect(0);
        Assert.Equal("/web-green 4", await site.VersionsAsync());
        await load.UntilAsync("version 2");
        await load.StopAsync();
        load.Check("the whole test");
    }

    private static async Task AssertShareAsync(Load load, string text, double least, double most)
    {
        var (all, of) = (load.Served, load.Answers(text));
        await Api.Until(() => Task.FromResult(load.Served >= all + 1000), "a thousand more requests");
        Assert.InRange((double)(load.Answers(text) - of) / (load.Served - all), least, most);
    }
}
