using System.Net;
using System.Net.Sockets;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>What can be wrong when a role starts: one clear line, the cure, an exit code, no stack trace.</summary>
public sealed class StartingTests
{
    [Fact]
    public async Task Up_PortInUse_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var address = taken.LocalEndpoint.ToString()!;
        var data = Directory.CreateTempSubdirectory("pacer-e2e-");
        try
        {
            await Refused($"--http {address}", "up", "--http", address, "--data-dir", data.FullName);
        }
        finally
        {
            data.Delete(true);
        }
    }

    [Fact]
    public async Task Up_TwiceOnOneDataDirectory_NamesTheFirstAndTheCure()
    {
        await using var cluster = await Cluster.StartAsync();

        await Refused($"'pacer up' runs already on {cluster.DataDirectory} (process {cluster.Up.Id}, {cluster.Api.Url})", "up", "--http", "127.0.0.1:0", "--data-dir", cluster.DataDirectory);
    }

    [Fact]
    public async Task Up_DataDirectoryIsAFile_SaysSo() => await Refused("can't be written to", "up", "--data-dir", "/etc/passwd");

    [Fact]
    public async Task Up_FileIsMissing_StartsNothing() => await Refused("/no/such/app.json: no such file", "up", "/no/such/app.json");

    [Fact]
    public async Task Agent_WrongToken_IsToldWhy()
    {
        var data = Directory.CreateTempSubdirectory("pacer-e2e-").FullName;
        try
        {
            using var server = PacerProcess.Start("server", "--http", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0", "--join-token", "right", "--data-dir", data + "/server");
            var address = await server.WaitForAsync(@"--join (\S+:\d+)");
            using var agent = PacerProcess.Start("agent", "--join", address, "--join-token", "wrong", "--data-dir", data + "/agent");
            await agent.WaitForAsync("(?i)token");
            await agent.TerminateAsync();
            await server.TerminateAsync();
            (await PacerProgram.RunAsync(null, "", "down", "--data-dir", data + "/agent")).Expect(0);
        }
        finally
        {
            Directory.Delete(data, true);
        }
    }

    [Fact]
    public async Task Down_NothingThere_SaysSo() =>
        Assert.Contains("Nothing to stop", (await PacerProgram.RunAsync(null, "", "down", "--data-dir", "/tmp/pacer-e2e-never-was")).Expect(0).Output);

    private static async Task Refused(string expected, params string[] arguments)
    {
        var refused = (await PacerProgram.RunAsync(null, "", arguments)).Expect(1);
        Assert.Contains(expected, refused.Error);
        Assert.DoesNotContain("   at ", refused.Error);
        Assert.Single(refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Down_WhileAnAgentIsJustBeginning_WaitsForItsNameAndDoesNotGiveUp()
    {
        var data = Directory.CreateTempSubdirectory("pacer-e2e-").FullName;
        try
        {
            Directory.CreateDirectory(data + "/agent");
            Task<CommandOutput> down;
            // It has the lock and has not said yet who it is.
            using (File.Open(data + "/agent.lock", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                down = PacerProgram.RunAsync(null, "", "down", "--data-dir", data);
                await Task.WhenAny(down, Task.Delay(1000));
                Assert.False(down.IsCompleted, "it gave up");
            }
            (await down).Expect(0);
        }
        finally
        {
            Directory.Delete(data, true);
        }
    }
}
