using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Native;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>Plain process groups.</summary>
public sealed class ProcessRuntimeTests : IAsyncLifetime
{
    private RuntimeLab _lab = null!;

    public async ValueTask InitializeAsync() => _lab = await RuntimeLab.CreateAsync("process");

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData("exit 0", 0, null)]
    [InlineData("exit 7", 7, null)]
    [InlineData("kill -9 $$", null, 9)]
    public async Task Wait_CommandEnds_TellsHow(string script, int? code, int? signal) =>
        Assert.Equal(new ContainerExit(code, signal, false, false), await _lab.RunAsync(_lab.Sh("c1", script)));

    [Fact]
    public async Task Start_OutputsEnvironmentAndDirectory_AreThePlans()
    {
        var plan = _lab.Sh("c1", "pwd; echo \"$A\"; echo err >&2; read x || echo noinput") with
        {
            Environment = new Dictionary<string, string> { ["A"] = "b c" },
        };
        File.WriteAllText($"{plan.Sandbox}/stdout", "before\n");
        await _lab.RunAsync(plan);
        Assert.Equal($"before\n{plan.Sandbox}\nb c\nnoinput\n", _lab.Read(plan, "stdout"));
        Assert.Equal("err\n", _lab.Read(plan, "stderr"));
    }

    [Fact]
    public async Task Signal_Term_EndsTheGroupAndKeepsTheLogClean()
    {
        var plan = _lab.Sh("c1", "echo ready; exec sleep 60");
        await _lab.Runtime.StartAsync(plan, default);
        await RuntimeLab.UntilAsync(() => File.Exists($"{plan.Sandbox}/stdout") && _lab.Read(plan, "stdout").Length > 0);
        await _lab.Runtime.SignalAsync("c1", 15, default);
        Assert.Equal(15, (await _lab.ExitAsync("c1")).Signal);
        Assert.Equal("", _lab.Read(plan, "stderr"));
    }

    [Fact]
    public async Task Signal_Kill_ReachesProcessesThatLeftTheGroup()
    {
        var plan = _lab.Sh("c1", "trap '' TERM; setsid sh -c 'echo $$ >escaped; exec sleep 600' & sleep 600");
        await _lab.Runtime.StartAsync(plan, default);
        await RuntimeLab.UntilAsync(() => File.Exists($"{plan.Sandbox}/escaped") && _lab.Read(plan, "escaped").EndsWith('\n'));
        await _lab.Runtime.SignalAsync("c1", 9, default);
        Assert.Equal(9, (await _lab.ExitAsync("c1")).Signal);
        await RuntimeLab.UntilAsync(() => ProcessIdentity.Of(int.Parse(_lab.Read(plan, "escaped"))).Pid == 0);
    }

    [Fact]
    public async Task Delete_DaemonisedChild_IsEndedToo()
    {
        var plan = _lab.Sh("c1", "setsid sleep 600 & echo $! >child");
        await _lab.RunAsync(plan);
        var child = int.Parse(_lab.Read(plan, "child"));
        Assert.NotEqual(0, ProcessIdentity.Of(child).Pid);
        await _lab.Runtime.DeleteAsync("c1", default);
        await _lab.Runtime.DeleteAsync("c1", default);
        Assert.Equal(0, ProcessIdentity.Of(child).Pid);
        Assert.Equal(RecoveredState.Absent, await _lab.Runtime.RecoverAsync("c1", "", default));
    }

    [Theory]
    [InlineData("ghost", "true", "user 'ghost' does not exist on this node")]
    [InlineData(null, "no-such-command", "exec: 'no-such-command' not found (PATH is " + CommandLookup.DefaultPath + ")")]
    public async Task Start_Impossible_NamesWhatIsWrong(string? user, string command, string message)
    {
        var e = await Assert.ThrowsAsync<ContainerStartException>(
            () => _lab.Runtime.StartAsync(_lab.Plan("c1", command) with { User = user }, default));
        Assert.Equal(message, e.Message);
    }

    [Fact]
    public async Task Start_OtherUser_CommandRunsAsThatUser()
    {
        if (Libc.GetUid() != 0)
        {
            Assert.Skip("only root can change users");
        }

        var plan = _lab.Sh("c1", "id -u; id -g; id -G") with { User = "nobody" };
        await _lab.RunAsync(plan);
        Assert.Equal("65534\n65534\n65534\n", _lab.Read(plan, "stdout"));
    }

    [Fact]
    public async Task MissingIsolation_SaysWhatAndHow()
    {
        await Task.CompletedTask;
        Assert.Contains("no namespaces", _lab.Runtime.MissingIsolation, StringComparison.Ordinal);
        Assert.Contains("apt-get install crun conmon catatonit", _lab.Runtime.MissingIsolation, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', _lab.Runtime.MissingIsolation!);
    }

    [Fact]
    public async Task ReadUsage_RunningProcess_IsCounted()
    {
        await _lab.Runtime.StartAsync(_lab.Plan("c1", "sleep", "600"), default);
        await RuntimeLab.UntilAsync(() => _lab.Runtime.ReadUsageAsync("c1", default).Result.Processes == 2);
        Assert.True((await _lab.Runtime.ReadUsageAsync("c1", default)).MemoryBytes > 0);
    }
}
