using Pacer.Cli;
using Pacer.Shell.Tests.Endpoints;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Cli;

public sealed class DnsCommandTests
{
    [Fact]
    public async Task Lookup_ShowsTheTaskBehindEachRecord()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", """{"id":"/web","cmd":"true","cpus":0.1,"mem":32,"instances":2}""");
        var task = await agent.RunNextAsync();
        await server.UntilRunningAsync("/web");
        var terminal = new ScriptedTerminal();
        var code = await terminal.RunAsync("dns", "lookup", "/web", "--server", server.Http.BaseAddress!.ToString());
        Assert.Equal(ExitCode.Ok, code);
        var text = terminal.Output;
        Assert.Contains("web.marathon.mesos is in the domain mesos; answers are good for 5 s", text);
        Assert.Contains($"127.0.0.1  {task.TaskId}", text);
        Assert.Contains("it is TASK_STAGING", text);

        terminal = new ScriptedTerminal();
        Assert.Equal(ExitCode.NotFound, await terminal.RunAsync("dns", "lookup", "nobody.marathon.mesos", "--server", server.Http.BaseAddress!.ToString()));
        Assert.Contains("nobody.marathon.mesos does not exist (NXDOMAIN)", terminal.Output);
        terminal = new ScriptedTerminal();
        Assert.Equal(ExitCode.Ok, await terminal.RunAsync("dns", "lookup", "www.example.com", "--server", server.Http.BaseAddress!.ToString()));
        Assert.Contains("is no name of the cluster", terminal.Output);
    }

    [Theory]
    [InlineData("--dns-listen", "53")]
    [InlineData("--dns-http", "nowhere:1")]
    [InlineData("--dns-upstreams", "resolver.example")]
    [InlineData("--dns-zones", "corp.example")]
    [InlineData("--dns-domain", "a..b")]
    [InlineData("--dns-ttl", "forever")]
    [InlineData("--dns-ip-sources", "guess")]
    [InlineData("--dns-unhealthy", "maybe")]
    public async Task WrongFlag_IsNamed(string flag, string value)
    {
        var terminal = new ScriptedTerminal();
        Assert.Equal(ExitCode.Usage, await terminal.RunAsync("dns", flag, value));
        Assert.Contains(flag, terminal.Error);
        Assert.Contains("Give", terminal.Error);
    }
}
