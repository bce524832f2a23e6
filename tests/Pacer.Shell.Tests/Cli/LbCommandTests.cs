using Pacer.Cli;

namespace Pacer.Shell.Tests.Cli;

public sealed class LbCommandTests
{
    [Theory]
    [InlineData("--lb-group", "")]
    [InlineData("--lb-http", "80")]
    [InlineData("--lb-https", "nowhere:1")]
    [InlineData("--lb-appid", "127.0.0.1:99999")]
    [InlineData("--lb-status", "127.0.0.1")]
    [InlineData("--lb-service-ports", "some")]
    [InlineData("--lb-bind", "eth0")]
    [InlineData("--lb-paths", "random")]
    [InlineData("--lb-strict", "maybe")]
    [InlineData("--lb-accept-proxy", "v2")]
    [InlineData("--lb-maxconn", "0")]
    [InlineData("--lb-drain", "forever")]
    public async Task WrongFlag_IsNamed(string flag, string value)
    {
        var terminal = new ScriptedTerminal();
        Assert.Equal(ExitCode.Usage, await terminal.RunAsync("lb", flag, value));
        Assert.Contains(flag, terminal.Error);
        Assert.Contains("Give", terminal.Error);
    }

    [Fact]
    public async Task Status_NobodyThere_SaysWhatToDo()
    {
        var terminal = new ScriptedTerminal();
        Assert.Equal(ExitCode.Unreachable, await terminal.RunAsync("lb", "status", "--lb-status", "127.0.0.1:1"));
        Assert.Contains("No load balancer answers at 127.0.0.1:1. Start one with 'pacer up' or 'pacer lb'", terminal.Error);
    }
}
