using Pacer.Agent;
using Pacer.Agent.Node;
using Pacer.Agent.Uplink;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

public sealed class UplinkTests
{
    [Fact]
    public async Task Registration_DescribesTheNode()
    {
        await using var bench = await AgentBench.StartAsync(change: options => options with
        {
            Hostname = "node-1",
            Cpus = 1.5,
            MemoryMiB = 512,
            DiskMiB = 100,
            Ports = "31000-31010, 32000",
            Attributes = new Dictionary<string, string> { ["rack"] = "r1" },
            Region = "eu",
            Zone = "eu-1",
            JoinToken = "secret",
        });
        var register = bench.Server.LastRegistration;
        Assert.Equal("node-1", register.Hostname);
        Assert.Equal(1500, register.Resources.CpuMillis);
        Assert.Equal(512L << 20, register.Resources.MemoryBytes);
        Assert.Equal(100L << 20, register.Resources.DiskBytes);
        Assert.Equal([(31000, 31010), (32000, 32000)], register.Ports.Select(range => (range.First, range.Last)));
        Assert.Equal("r1", register.Attributes["rack"]);
        Assert.Equal(("eu", "eu-1", "secret", "127.0.0.1"), (register.Region, register.Zone, register.JoinToken, register.Address));
        Assert.Equal(["process"], register.Runtimes);
    }

    [Fact]
    public async Task Stream_Broken_StatusIsToldAgainUntilAcknowledged()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Acknowledges = false;
        bench.Server.Launch(AgentBench.Shell("web.1", "exit 4"));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        bench.Server.Disconnect();
        await bench.Server.WaitForRegistrationsAsync(2);
        var again = Assert.Single(bench.Server.LastRegistration.Tasks);
        Assert.Equal((end.Sequence, end.State, end.ExitCode), (again.Sequence, again.State, again.ExitCode));
        bench.Server.Acknowledges = true;
        bench.Server.Disconnect();
        await AgentBench.UntilAsync(() => !bench.Agent.Tasks.All.Any(), "the task is not forgotten");
        bench.Server.Disconnect();
        await bench.Server.WaitForRegistrationsAsync(4);
        Assert.Empty(bench.Server.LastRegistration.Tasks);
    }

    [Fact]
    public async Task Server_Silent_AgentComesBack()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        bench.Server.Silent = true;
        bench.Server.HeartbeatMs = 100;
        await bench.StartAgentAsync();
        await bench.Server.WaitForRegistrationsAsync(3);
    }

    [Fact]
    public async Task Server_Alive_AgentBeatsAndStays()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        bench.Server.HeartbeatMs = 100;
        await bench.StartAgentAsync();
        await AgentBench.UntilAsync(() => bench.Server.Heartbeats >= 6, "no heartbeats");
        Assert.Equal(1, bench.Server.Registrations);
    }

    [Fact]
    public async Task Server_Restarted_AgentJoinsTheNewOne()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await bench.Server.DisposeAsync();
        bench.Server = await TestServer.StartAsync($"unix:{bench.Root}/server.sock");
        await bench.Server.WaitForRegistrationsAsync(1);
        Assert.Equal(TaskState.TaskRunning, Assert.Single(bench.Server.LastRegistration.Tasks).State);
    }

    [Fact]
    public async Task Server_RefusesToken_AgentSaysWhyAndKeepsAsking()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        bench.Server.Refusal = "the join token is not the server's";
        var agent = await bench.StartAgentAsync();
        await AgentBench.UntilAsync(() => agent.Trouble == "the join token is not the server's", "no trouble");
        Assert.False(agent.WaitForRegistrationAsync(CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task Server_OverTcp_IsJoined()
    {
        var port = FreePort();
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        await bench.Server.DisposeAsync();
        bench.Server = await TestServer.StartAsync($"127.0.0.1:{port}");
        bench.Options = bench.Options with { Join = $"127.0.0.1:{port}" };
        var agent = await bench.StartAgentAsync();
        Assert.Equal("test-cluster", await agent.WaitForRegistrationAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("31000-30000", "ends before it begins")]
    [InlineData("0-10", "not a port")]
    [InlineData("31000-31010,31005", "overlap")]
    [InlineData("a-b", "not a port")]
    [InlineData("70000", "not a port")]
    public void Ports_Wrong_MessageNamesThePart(string text, string message) =>
        Assert.Contains(message, Assert.Throws<AgentException>(() => PortRanges.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("localhost")]
    [InlineData("host:0")]
    [InlineData("host:http")]
    [InlineData("unix:relative.sock")]
    public void Join_Wrong_MessageNamesTheFlag(string text) =>
        Assert.StartsWith("--join:", Assert.Throws<AgentException>(() => ServerAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Backoff_Attempts_GrowToTheLimitWithJitter()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        var longest = Enumerable.Range(0, 10).Select(_ => backoff.Next(0.999)).ToList();
        Assert.Equal(longest.Order(), longest);
        Assert.InRange(longest[^1], TimeSpan.FromSeconds(4.9), TimeSpan.FromSeconds(5));
        backoff.Reset();
        Assert.Equal(TimeSpan.FromMilliseconds(50), backoff.Next(0));
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
