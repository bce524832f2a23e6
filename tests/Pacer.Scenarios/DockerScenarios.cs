using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Edge.Dns;
using Pacer.Shell.Tests.Docker;
using Pacer.Shell.Tests.Images;

namespace Pacer.Scenarios;

/// <summary>A node with a Docker daemon.</summary>
public sealed class DockerNode(DockerDaemon daemon) : TestCluster(1)
{
    internal DockerDaemon Daemon => daemon;

    private protected override AgentOptions Tune(int number, AgentOptions options) => options with { DockerSocket = daemon.Socket };
}

[Collection(nameof(DockerCollection))]
public sealed partial class DockerScenarios : Scenario<DockerNode>
{
    private readonly DockerDaemon _daemon;

    public DockerScenarios(DockerNode cluster) : base(cluster)
    {
        _daemon = cluster.Daemon;
        _daemon.Require();
    }

    private const string Web = "printf found > /tmp/index.html; exec httpd -f -h /tmp -p ";

    private string Docker(string id, string cmd, string more = "", string container = "", string docker = "") =>
        App(id, cmd, $$$"""
            "container":{"type":"DOCKER","docker":{"image":"{{{_daemon.Image}}}"{{{(docker.Length > 0 ? "," + docker : "")}}} }{{{(container.Length > 0 ? "," + container : "")}}} }{{{(more.Length > 0 ? "," + more : "")}}}
            """);

    private static string Bridge(int containerPort, int? hostPort = null) =>
        $$"""
        "portMappings":[{"containerPort":{{containerPort}},"hostPort":{{hostPort ?? 0}},"protocol":"tcp","name":"http"}]
        """;

    private const string OnBridge = """ "networks":[{"mode":"container/bridge"}] """;
    private const string Checked = """ "healthChecks":[{"protocol":"HTTP","path":"/index.html","portIndex":0,"intervalSeconds":1,"gracePeriodSeconds":30,"timeoutSeconds":5}] """;

    private Task HealthyAsync(string app) => Cluster.UntilAppAsync(app, found => found["tasksHealthy"]!.GetValue<int>() == 1, "is healthy");

    [Fact(DisplayName = "SYS-APP-02: an app of type DOCKER runs, and says that it is one")]
    public async Task SYS_APP_02()
    {
        var answer = (await Cluster.SendAsync("POST", "/v2/apps", Docker("/docker", "exec sleep 1000"))).Expect(HttpStatusCode.Created);
        Assert.False(answer.Response.Headers.Contains("X-Pacer-Warning"));
        await Cluster.SucceedsAsync(answer.Deployment);
        Assert.Single(await Cluster.RunningAsync("/docker"));
        Assert.Equal("DOCKER", (await Cluster.GetAppAsync("/docker"))["container"]!["type"]!.ToString());
        Assert.Contains(await _daemon.NamesAsync(), name => name.StartsWith("pacer-docker.", StringComparison.Ordinal));
    }

    [Fact(DisplayName = "SYS-APP-04: a Docker app on the bridge answers at the node's port it was given")]
    public async Task SYS_APP_04()
    {
        await Cluster.DeployAsync(Docker("/web", Web + "8080", $"{OnBridge},{Checked}", Bridge(8080)));
        var task = Assert.Single(await Cluster.TasksAsync("/web"));
        using var http = new HttpClient();
        using var answer = await http.GetAsync($"http://127.0.0.1:{task["ports"]![0]}/index.html");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        // The one address of the one port model: the container's own.
        Assert.Equal("found", await http.GetStringAsync($"http://{task["ipAddresses"]![0]!["ipAddress"]}:8080/index.html"));
    }

    [Theory]
    [InlineData("bridge")]
    [InlineData("host")]
    [InlineData("named")]
    public async Task NamesOfApps_AreKnownInItsContainers(string network)
    {
        Assert.SkipWhen(Cluster.Nodes[0].Agent.ResolverAddress is null, "networks need root and nftables");
        await using var dns = await DnsHost.StartAsync(
            new DnsOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Resolver = Cluster.Nodes[0].Agent.ResolverAddress, Forward = false }, Cluster.Http.BaseAddress!, NullLogger.Instance);
        await dns.Ready;
        await Cluster.Nodes[0].Agent.UseDnsAsync(dns.Addresses[0], dns.ResolverAddress);
        await Cluster.DeployAsync(App("/named", "exec sleep 1000"));
        if (network == "named")
        {
            await _daemon.SendAsync("POST", "/networks/create", new JsonObject { ["Name"] = "pacer-names" });
        }
        var on = network switch
        {
            "bridge" => OnBridge,
            "named" => """ "networks":[{"mode":"container","name":"pacer-names"}] """,
            _ => """ "networks":[{"mode":"host"}] """,
        };
        await Cluster.DeployAsync(Docker("/asking", "cd $MESOS_SANDBOX; until nslookup named.marathon.mesos > answer; do sleep 0.2; done; mv answer answered; exec sleep 1000", on));
        var task = Assert.Single(await Cluster.RunningAsync("/asking"));
        var answered = Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", task, "answered");
        await Waiting.UntilAsync(() => Task.FromResult(File.Exists(answered)), "the name was found");
        Assert.Contains("named.marathon.mesos", await File.ReadAllTextAsync(answered));
    }

    [Fact(DisplayName = "SYS-APP-13: a Docker app with a health check has both of its host volumes")]
    public async Task SYS_APP_13()
    {
        var root = Directory.CreateTempSubdirectory("pacer-volumes-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(root, "one"), "given");
            await Cluster.DeployAsync(Docker("/volumes", "cat /in/one > /out/two; exec sleep 1000", """
                "healthChecks":[{"protocol":"COMMAND","command":{"value":"grep given /out/two"},"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":30}]
                """, $$"""
                "volumes":[{"containerPath":"/in","hostPath":"{{root}}","mode":"RO"},{"containerPath":"/out","hostPath":"{{root}}/made","mode":"RW"}]
                """));
            Assert.Single(await Cluster.RunningAsync("/volumes"));
            Assert.Equal("given", File.ReadAllText(Path.Combine(root, "made", "two")));
            Assert.Equal(["/in", "/out"], (await Cluster.GetAppAsync("/volumes"))["container"]!["volumes"]!.AsArray().Select(volume => volume!["containerPath"]!.ToString()));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact(DisplayName = "APP-DOCKER-02: a Docker app on the node's network becomes healthy by HTTP")]
    public async Task APP_DOCKER_02()
    {
        await Cluster.DeployAsync(Docker("/host", Web + "$PORT0", $$"""
            "networks":[{"mode":"host"}],"portDefinitions":[{"port":0}],{{Checked}}
            """));
        await HealthyAsync("/host");
    }

    [Fact(DisplayName = "APP-DOCKER-03: a Docker app on the bridge becomes healthy by HTTP at its mapped port")]
    public async Task APP_DOCKER_03()
    {
        await Cluster.DeployAsync(Docker("/bridge", Web + "8080", $"{OnBridge},{Checked}", Bridge(8080)));
        await HealthyAsync("/bridge");
    }

    [Fact(DisplayName = "APP-UPDATE-12: a Docker app's mappings and parameters are given back as they were sent")]
    public async Task APP_UPDATE_12()
    {
        await Cluster.DeployAsync(Docker("/given", "exec sleep 1000", OnBridge, Bridge(8080), """ "parameters":[{"key":"hostname","value":"boat"},{"key":"label","value":"a=b"}] """));
        var container = (await Cluster.GetAppAsync("/given"))["container"]!;
        Assert.Equal((8080, "tcp"), (container["portMappings"]![0]!["containerPort"]!.GetValue<int>(), container["portMappings"]![0]!["protocol"]!.ToString()));
        Assert.Equal("""[{"key":"hostname","value":"boat"},{"key":"label","value":"a=b"}]""", container["docker"]!["parameters"]!.ToJsonString());
    }

    [Fact(DisplayName = "APP-UPDATE-13: a Docker app is updated to another container port")]
    public async Task APP_UPDATE_13()
    {
        await Cluster.DeployAsync(Docker("/given", "exec sleep 1000", OnBridge, Bridge(8080)));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/given", $$$"""
            {"container":{"type":"DOCKER","docker":{"image":"{{{_daemon.Image}}}"},{{{Bridge(9000)}}} } }
            """));
        Assert.Equal(9000, (await Cluster.GetAppAsync("/given"))["container"]!["portMappings"]![0]!["containerPort"]!.GetValue<int>());
    }

    [Fact(DisplayName = "SYS-GRACE-03: a Docker task that ignores SIGTERM lives until its grace period ends")]
    public async Task SYS_GRACE_03()
    {
        await Cluster.DeployAsync(Docker("/grace", "trap '' TERM; touch /tmp/ready; while true; do sleep 0.1; done", """
            "healthChecks":[{"protocol":"COMMAND","command":{"value":"test -f /tmp/ready"},"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":30}]
            """).Replace("\"taskKillGracePeriodSeconds\":1", "\"taskKillGracePeriodSeconds\":2", StringComparison.Ordinal));
        var id = Assert.Single(await Cluster.RunningAsync("/grace"));
        var started = DateTimeOffset.UtcNow;
        (await Cluster.SendAsync("PUT", "/v2/apps/grace", """{"instances":0}""")).Expect(HttpStatusCode.OK);
        var end = await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == id && e.Text("taskStatus") == "TASK_KILLED");
        Assert.True(DateTimeOffset.Parse(end.Text("timestamp"), CultureInfo.InvariantCulture) - started >= TimeSpan.FromSeconds(1.9));
    }

    [Fact(DisplayName = "SYS-HEALTH-08: a Docker web app with a certificate of its own is healthy by MESOS_HTTPS")]
    public async Task SYS_HEALTH_08()
    {
        await using var registry = await TestRegistry.StartAsync();
        await Cluster.DeployAsync(await TlsAppAsync(registry, """
            "healthChecks":[{"protocol":"MESOS_HTTPS","path":"/","portIndex":0,"intervalSeconds":1,"delaySeconds":1,"gracePeriodSeconds":30}]
            """));
        await HealthyAsync("/tls");
    }

    [Fact(DisplayName = "SYS-HEALTH-09: a readiness check by HTTPS accepts a certificate of the app's own")]
    public async Task SYS_HEALTH_09()
    {
        await using var registry = await TestRegistry.StartAsync();
        await Cluster.DeployAsync(await TlsAppAsync(registry, """
            "readinessChecks":[{"name":"up","protocol":"HTTPS","path":"/","portName":"http","intervalSeconds":2,"timeoutSeconds":1}]
            """));
    }

    [Fact(DisplayName = "SYS-REG-01: a private image is pulled with credentials that come as an archive")]
    public async Task SYS_REG_01()
    {
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await TestImage.Busybox(new JsonObject { ["Cmd"] = new JsonArray("sleep", "1000") }).PushAsync(registry, "mine");
        using var layer = new TestLayer().Directory(".docker").File(".docker/config.json", registry.DockerConfig);
        var archive = Path.Combine(Path.GetTempPath(), $"pacer-credentials-{Environment.ProcessId}.tar.gz");
        try
        {
            using (var packed = new GZipStream(File.Create(archive), CompressionLevel.Fastest))
            {
                packed.Write(layer.ToArray());
            }
            await Cluster.DeployAsync($$"""
                {"id":"/private","cpus":0.01,"mem":32,"taskKillGracePeriodSeconds":1,"fetch":[{"uri":"file://{{archive}}"}],
                 "container":{"type":"DOCKER","docker":{"image":"{{registry.Host}}/mine"} } }
                """);
            Assert.Single(await Cluster.RunningAsync("/private"));
        }
        finally
        {
            File.Delete(archive);
        }
    }

    [Fact(DisplayName = "Docker apps wait while the daemon is away, and the queue says for what")]
    public async Task DaemonAway_AppWaits_UntilItIsBack()
    {
        await _daemon.StopAsync();
        try
        {
            await Waiting.UntilAsync(async () => !(await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]![0]!["runtimes"]!.ToJsonString().Contains("\"docker\"", StringComparison.Ordinal), "docker is offered no more");
            await Cluster.CreateAsync(Docker("/waits", "exec sleep 1000"));
            await Cluster.QueuedAsync("/waits", item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
                .Any(reason => reason!["reason"]!.ToString() == "UnfulfilledConstraint" && reason["declined"]!.GetValue<int>() == 1));
        }
        finally
        {
            await _daemon.StartAsync();
        }
        await Cluster.RunningAsync("/waits", 1);
    }

    [Fact(DisplayName = "The examples of the page on Docker containers run as it says")]
    public async Task ContainersPage_ItsDockerExamples_Run()
    {
        await using var registry = await TestRegistry.StartAsync();
        await TestImage.Busybox(new JsonObject { ["Cmd"] = new JsonArray("sleep", "1000") }).PushAsync(registry, "docs/web", "1");
        var page = File.ReadAllText(Path.Combine(Repository(), "docs/containers.md"));
        var example = JsonNode.Parse(JsonBlock().Matches(page[page.IndexOf("## Docker containers", StringComparison.Ordinal)..])[0].Groups[1].Value
            .Replace("registry.example.com", registry.Host, StringComparison.Ordinal))!;
        var answer = (await Cluster.SendAsync("POST", "/v2/apps", example.ToJsonString())).Expect(HttpStatusCode.Created);
        await Cluster.SucceedsAsync(answer.Deployment);
        var task = Assert.Single(await Cluster.TasksAsync("/docs/docker"));
        using var http = new HttpClient();
        Assert.Equal("boat\n", await http.GetStringAsync($"http://127.0.0.1:{task["ports"]![0]}/"));
    }

    // A web server with TLS: the machine's openssl with the libraries that it needs.
    private async Task<string> TlsAppAsync(TestRegistry registry, string more)
    {
        const string program = "/usr/bin/openssl";
        Assert.SkipUnless(File.Exists(program), "openssl is not installed (apt-get install openssl)");
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=nobody", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var layer = new TestLayer();
        layer.Program("usr/bin/openssl", File.ReadAllBytes(program)).File("key.pem", key.ExportPkcs8PrivateKeyPem()).File("cert.pem", certificate.ExportCertificatePem());
        using var list = Process.Start(new ProcessStartInfo("ldd", program) { RedirectStandardOutput = true })!;
        foreach (Match library in Library().Matches(await list.StandardOutput.ReadToEndAsync()))
        {
            layer.Program(library.Value.TrimStart('/'), File.ReadAllBytes(library.Value));
        }
        await TestImage.Busybox().With(layer).PushAsync(registry, "tls");
        return Docker("/tls", "exec openssl s_server -quiet -www -accept 8443 -key /key.pem -cert /cert.pem", $"{OnBridge},{more}", Bridge(8443))
            .Replace(_daemon.Image, registry.Host + "/tls", StringComparison.Ordinal);
    }

    private static string Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Pacer.slnx")))
        {
            directory = directory.Parent;
        }
        return directory.FullName;
    }

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();

    [GeneratedRegex(@"/\S+")]
    private static partial Regex Library();
}
