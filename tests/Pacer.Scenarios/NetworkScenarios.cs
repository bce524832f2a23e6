using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

/// <summary>Apps on networks of their own; the nodes are agents on one machine, each with a bridge and a subnet of its own.</summary>
public sealed class NetworkScenarios(NamedNetworks cluster) : Scenario<NamedNetworks>(cluster)
{
    // GET /ping says pong; GET /relay/HOST/PORT asks that server for /ping and passes its answer on.
    private const string Server = """
        exec python3 -c '
        import http.server, urllib.request
        class H(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                p = self.path.split("/")
                text = b"pong" if p[1] == "ping" else urllib.request.urlopen("http://" + p[2] + ":" + p[3] + "/ping", timeout=10).read()
                self.send_response(200); self.end_headers(); self.wfile.write(text)
        http.server.ThreadingHTTPServer(("0.0.0.0", 8080), H).serve_forever()'
        """;

    private static string OnBridge(string id, string node) => App(id, Server, $$"""
        "networks":[{"mode":"container/bridge"}],"container":{"type":"MESOS","portMappings":[{"containerPort":8080,"hostPort":0,"name":"http"}]},
        "constraints":[["hostname","CLUSTER","{{node}}"]],"healthChecks":[{"protocol":"HTTP","path":"/ping","gracePeriodSeconds":30,"intervalSeconds":1}]
        """).Replace("\"mem\":16", "\"mem\":64", StringComparison.Ordinal);

    private async Task<(string Address, int Port)> PlaceAsync(string app)
    {
        var task = Assert.Single(await Cluster.TasksAsync(app));
        return (task["ipAddresses"]![0]!["ipAddress"]!.ToString(), task["ports"]![0]!.GetValue<int>());
    }

    [Fact(DisplayName = "SYS-NET-04: of two apps with bridge networking one relays a ping to the other")]
    public async Task SYS_NET_04()
    {
        await SkipWithoutNetworksAsync();
        await Task.WhenAll(Cluster.DeployAsync(OnBridge("/relay", "node1")), Cluster.DeployAsync(OnBridge("/pong", "node2")));
        var relay = await PlaceAsync("/relay");
        var pong = await PlaceAsync("/pong");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
        // By the port of the other's node: the relay's own gateway is an address of that machine.
        var gateway = Gateway(relay.Address);
        Assert.Equal("pong", await http.GetStringAsync($"http://127.0.0.1:{relay.Port}/relay/{gateway}/{pong.Port}"));
        // And by its own address.
        Assert.Equal("pong", await http.GetStringAsync($"http://127.0.0.1:{relay.Port}/relay/{pong.Address}/8080"));
        Assert.NotEqual(gateway, Gateway(pong.Address));

        var status = await Cluster.StatusAsync("/pong", "TASK_RUNNING");
        Assert.Contains(pong.Address, status.Body.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "SYS-POD-17: a pod on the bridge network has an address of its own, and answers at the port of its node and on its containers' loopback")]
    public async Task SYS_POD_17()
    {
        await SkipWithoutNetworksAsync();
        var pod = $$$"""
            {"id":"/pod","networks":[{"mode":"container/bridge"}],"containers":[
              {"name":"server","resources":{"cpus":0.05,"mem":64},"exec":{"command":{"shell":{{{System.Text.Json.JsonSerializer.Serialize(Server)}}}}},
               "endpoints":[{"name":"http","containerPort":8080,"hostPort":0}],
               "healthCheck":{"http":{"endpoint":"http","path":"/ping"},"gracePeriodSeconds":30,"intervalSeconds":2,"timeoutSeconds":1,"delaySeconds":1}},
              {"name":"client","resources":{"cpus":0.05,"mem":32},
               "exec":{"command":{"argv":["/bin/bash","-c","until exec 3<>/dev/tcp/127.0.0.1/8080; do sleep 0.05; done 2>/dev/null; touch reached; exec sleep 1000"]} } }]}
            """;
        (await Cluster.SendAsync("POST", "/v2/pods", pod)).Expect(System.Net.HttpStatusCode.Created);
        var instance = await Waiting.ForAsync(
            async () => (await Cluster.SendAsync("GET", "/v2/pods/pod::status")).Body is { } status && status["status"]!.ToString() == "STABLE"
                ? status["instances"]![0] : null,
            "the pod is stable");
        var address = instance["networks"]![0]!["addresses"]![0]!.ToString();
        Assert.NotEqual("127.0.0.1", address);
        var port = instance["containers"]!.AsArray().Single(container => container!["name"]!.ToString() == "server")!["endpoints"]![0]!["allocatedHostPort"]!.GetValue<int>();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
        Assert.Equal("pong", await http.GetStringAsync($"http://127.0.0.1:{port}/ping"));
        Assert.Equal("pong", await http.GetStringAsync($"http://{address}:8080/ping"));
        await Waiting.UntilAsync(
            () => Task.FromResult(Cluster.Nodes.Any(node => Directory.EnumerateFiles(node.Options.WorkDir + "/sandboxes", "reached", SearchOption.AllDirectories).Any())),
            "the client reached the server on their loopback");
        (await Cluster.SendAsync("DELETE", "/v2/pods/pod")).Expect(System.Net.HttpStatusCode.Accepted);
        await Waiting.UntilAsync(async () => (await Cluster.SendAsync("GET", "/v2/pods")).Body!.AsArray().Count == 0, "the pod is gone");
    }

    [Fact(DisplayName = "SYS-POD-16: a pod on a container network tells the network's name, and an address that answers")]
    public async Task SYS_POD_16()
    {
        await SkipWithoutNetworksAsync();
        var pod = $$$"""
            {"id":"/pod","networks":[{"mode":"container","name":"overlay"}],"containers":[
              {"name":"server","resources":{"cpus":0.05,"mem":64},"exec":{"command":{"shell":{{{System.Text.Json.JsonSerializer.Serialize(Server)}}}} },
               "endpoints":[{"name":"http","containerPort":8080}],
               "healthCheck":{"http":{"endpoint":"http","path":"/ping"},"gracePeriodSeconds":30,"intervalSeconds":2,"timeoutSeconds":1,"delaySeconds":1} }]}
            """;
        (await Cluster.SendAsync("POST", "/v2/pods", pod)).Expect(System.Net.HttpStatusCode.Created);
        var instance = await Waiting.ForAsync(
            async () => (await Cluster.SendAsync("GET", "/v2/pods/pod::status")).Body is { } status && status["status"]!.ToString() == "STABLE"
                ? status["instances"]![0] : null,
            "the pod is stable");
        var network = Assert.Single(instance["networks"]!.AsArray())!;
        Assert.Equal("overlay", network["name"]!.ToString());
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
        Assert.Equal("pong", await http.GetStringAsync($"http://{network["addresses"]![0]}:8080/ping"));
    }

    private async Task SkipWithoutNetworksAsync()
    {
        var nodes = (await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray();
        Assert.SkipWhen(nodes.Any(node => node!["networks"]!.AsArray().Count == 0), "networks need root, crun, iproute2 and nftables");
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
    }

    // The bridges' subnets are /22s.
    private static string Gateway(string address)
    {
        var parts = address.Split('.').Select(int.Parse).ToArray();
        return $"{parts[0]}.{parts[1]}.{parts[2] & ~3}.1";
    }
}
