using System.Net.Sockets;
using Pacer.Agent;
using Pacer.Agent.Networks;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Networks;

namespace Pacer.Shell.Tests.Agent;

/// <summary>Tasks on networks of their own: the agent, crun and the kernel's real network.</summary>
public sealed class TaskNetworkTests
{
    private const string Server = """
        exec python3 -c '
        import http.server, os
        class H(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200); self.end_headers(); self.wfile.write(os.environ["MESOS_CONTAINER_IP"].encode())
        http.server.HTTPServer(("0.0.0.0", 80), H).serve_forever()'
        """;

    private static async Task<AgentBench> StartAsync(string ports)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        Assert.SkipWhen(NetworkTools.Missing() is not null, $"needs {NetworkTools.Missing()}");
        var bench = await AgentBench.StartAsync(startAgent: false, options => options with { Isolation = "oci", Ports = ports });
        bench.Real = true;
        try
        {
            await bench.StartAgentAsync();
        }
        catch (AgentException e)
        {
            bench.Real = false;
            await bench.DisposeAsync();
            Assert.Skip(e.Message);
        }
        Assert.SkipWhen(bench.Agent.MissingNetworks is not null, bench.Agent.MissingNetworks ?? "");
        return bench;
    }

    private static TaskSpec OnBridge(string id, string command, int hostPort = 0, Action<TaskSpec>? change = null) => AgentBench.Shell(id, command, spec =>
    {
        spec.Networks.Add(new TaskNetwork { Name = "container/bridge" });
        spec.Ports.Add(new TaskPort { HostPort = hostPort, ContainerPort = 80, Protocol = "tcp" });
        change?.Invoke(spec);
    });

    [Fact]
    public async Task Bridge_Server_AnswersAtItsHostPortIsCheckedFromBothSidesAndOutlivesTheAgent()
    {
        await using var bench = await StartAsync("24900-24909");
        bench.Server.Launch(OnBridge("web.1", Server, 24900, spec =>
        {
            spec.User = "nobody";
            foreach (var (target, port) in new[] { (HealthCheck.Types.Target.Node, 24900), (HealthCheck.Types.Target.Inside, 80), (HealthCheck.Types.Target.Address, 80) })
            {
                spec.HealthChecks.Add(new HealthCheck { Protocol = HealthCheck.Types.Protocol.Http, Path = "/", Port = port, Target = target, IntervalMs = 100, TimeoutMs = 5000 });
                spec.HealthChecks.Add(new HealthCheck { Protocol = HealthCheck.Types.Protocol.Tcp, Port = port, Target = target, IntervalMs = 100, TimeoutMs = 5000 });
            }
        }));
        var status = await bench.Server.WaitForAsync("web.1", status => status.Health.Count == 6 && status.Health.All(check => check.Alive), "all checks are good");
        var address = Assert.Single(status.IpAddresses);
        using var http = new HttpClient();
        Assert.Equal(address, await http.GetStringAsync("http://127.0.0.1:24900/"));
        Assert.Equal(address, await http.GetStringAsync($"http://{address}/"));

        await bench.Agent.StopAsync();
        Assert.Equal(address, await http.GetStringAsync("http://127.0.0.1:24900/"));
        await bench.StartAgentAsync();
        Assert.Equal([address], bench.Server.LastRegistration.Tasks.Single().IpAddresses);
        Assert.Equal(address, await http.GetStringAsync("http://127.0.0.1:24900/"));

        bench.Server.Kill("web.1");
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        await AgentBench.UntilAsync(() => !bench.Agent.Tasks.All.Any(), "tasks are not forgotten");
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("http://127.0.0.1:24900/"));
        await bench.Agent.StopAsync();
        Assert.DoesNotContain(await new NetworkTools().LinksAsync(), link => link.StartsWith(new NetworkNaming(bench.Options.WorkDir).Prefix, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bridge_Container_HasNameAddressAndResolverOfItsOwn()
    {
        await using var bench = await StartAsync("24910-24919");
        bench.Server.Launch(OnBridge("see.1", "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; echo $MESOS_CONTAINER_IP $LIBPROCESS_IP; cat /proc/net/dev"));
        var status = await bench.Server.WaitForAsync("see.1", TaskState.TaskFinished);
        var seen = await File.ReadAllTextAsync(Path.Combine(bench.SandboxOf("see.1"), "stdout"));
        var address = Assert.Single(status.IpAddresses);
        var lines = seen.Split('\n');
        Assert.StartsWith("see-1-", lines[0]);
        Assert.Equal(lines[0], lines[1]);
        Assert.Contains($"{address}\t{lines[0]}\n", seen);
        Assert.Contains($"{address} {address}\n", seen);
        Assert.Contains("nameserver ", seen);
        Assert.Contains("eth0:", seen);
    }

    [Fact]
    public async Task Group_ItsTasks_ShareOneLoopback()
    {
        await using var bench = await StartAsync("24920-24929");
        var server = OnBridge("server.1", Server, 24920, spec => spec.Group = "pod.1");
        var client = OnBridge("client.1", "until exec 3<>/dev/tcp/127.0.0.1/80; do sleep 0.05; done 2>/dev/null; echo there", 0, spec => spec.Group = "pod.1");
        client.Command = new Command { Arguments = new Arguments { Values = { "/bin/bash", "-c", client.Command.Shell } } };
        bench.Server.Launch(server);
        bench.Server.Launch(client);
        await bench.Server.WaitForAsync("client.1", TaskState.TaskFinished);
        Assert.Equal("there\n", await File.ReadAllTextAsync(Path.Combine(bench.SandboxOf("client.1"), "stdout")));
        using var http = new HttpClient();
        var address = await http.GetStringAsync("http://127.0.0.1:24920/");
        Assert.Equal([address], bench.Server.Of("client.1")[^1].IpAddresses);
        bench.Server.Kill("server.1");
        await bench.Server.WaitForAsync("server.1", TaskState.TaskKilled);
        await AgentBench.UntilAsync(() => !bench.Agent.Tasks.All.Any(), "tasks are not forgotten");
    }

    [Fact]
    public async Task Network_ThatTheNodeLacks_FailsTheTaskWithTheReason()
    {
        await using var bench = await StartAsync("24930-24939");
        bench.Server.Launch(AgentBench.Shell("lost.1", "sleep 1000", spec => spec.Networks.Add(new TaskNetwork { Name = "dcos" })));
        var end = await bench.Server.WaitForAsync("lost.1", TaskState.TaskFailed);
        Assert.Equal("Failed to launch the container: this node has no network 'dcos'; it has container/bridge", end.Message);
    }

    [Fact]
    public async Task Network_PlainProcesses_AreRefusedIt()
    {
        await using var bench = await AgentBench.StartAsync();
        Assert.Empty(bench.Server.LastRegistration.Networks);
        bench.Server.Launch(AgentBench.Shell("plain.1", "sleep 1000", spec => spec.Networks.Add(new TaskNetwork { Name = "container/bridge" })));
        var end = await bench.Server.WaitForAsync("plain.1", TaskState.TaskError);
        Assert.Equal("The task asks for the network 'container/bridge', but this node runs plain processes, which have no networks of their own", end.Message);
    }
}
