using Pacer.Cli;
using Pacer.Cli.Roles;
using Xunit;

namespace Pacer.Shell.Tests.Cli;

public sealed class RoleLockTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pacer-cli-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public void Take_HeldAlready_NamesTheHolderAndTheCure()
    {
        using var held = RoleLock.Take(_directory, RoleLock.Server, "up");
        held.Write("http://127.0.0.1:1234");

        var refusal = Assert.Throws<CliException>(() => RoleLock.Take(_directory, RoleLock.Server, "server"));

        Assert.Contains($"'pacer up' runs already on {_directory} (process {Environment.ProcessId}, http://127.0.0.1:1234)", refusal.Message);
        Assert.Contains("pacer down --data-dir", refusal.Message);
    }

    [Fact]
    public void Take_OfEachRole_DoNotExclude()
    {
        using var server = RoleLock.Take(_directory, RoleLock.Server, "server");
        using var agent = RoleLock.Take(_directory, RoleLock.Agent, "agent");

        Assert.Equal("agent", RoleLock.Read(_directory, RoleLock.Agent)!.Command);
    }

    [Fact]
    public void Read_OwnerIsGoneAndItsIdTaken_IsNobody()
    {
        File.WriteAllText(Path.Combine(_directory, "server.owner"), $$"""{"pid":{{Environment.ProcessId}},"startTicks":1,"command":"up"}""");

        Assert.Null(RoleLock.Read(_directory, RoleLock.Server));
    }

    [Fact]
    public void Take_AfterRelease_Works()
    {
        RoleLock.Take(_directory, RoleLock.Server, "up").Dispose();

        using var again = RoleLock.Take(_directory, RoleLock.Server, "up");
        Assert.NotNull(RoleLock.Read(_directory, RoleLock.Server));
    }
}
