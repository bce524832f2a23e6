using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Shell.Tests.Containers;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>Containers that take all they can get, beside others that must not notice.</summary>
public sealed class LimitTests : IAsyncLifetime
{
    private RuntimeLab _lab = null!;

    public async ValueTask InitializeAsync() => _lab = await RuntimeLab.CreateAsync("oci");

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    private async Task<long> ProcessesAsync(string id) => (await _lab.Runtime.ReadUsageAsync(id, default)).Processes ?? 0;

    [Theory]
    [InlineData(null)]
    [InlineData("nobody")]
    public async Task ForkBomb_StaysWithinItsLimitAndOthersStart(string? user)
    {
        const int limit = 60;
        await _lab.Runtime.StartAsync(_lab.Sh("beside", "exec sleep 1000"), default);
        // The first process takes no part: a shell that can not fork ends.
        var bomb = _lab.Sh("bomb", "b() { while :; do b & sleep 0.05; done; }; b 2>/dev/null & exec sleep 1000") with { PidsLimit = limit, User = user, CpuLimitMillis = 500 };
        await _lab.Runtime.StartAsync(bomb, default);
        var most = 0L;
        await RuntimeLab.UntilAsync(() => (most = Math.Max(most, ProcessesAsync("bomb").Result)) >= limit - 3);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(new ContainerExit(0, null, false, false), await _lab.RunAsync(_lab.Sh($"after{i}", "true")));
            most = Math.Max(most, await ProcessesAsync("bomb"));
        }
        Assert.InRange(most, limit - 3, limit);
        await _lab.Runtime.SignalAsync("bomb", 9, default);
        Assert.Equal(9, (await _lab.ExitAsync("bomb")).Signal);
        Assert.Equal(RecoveredState.Running, await _lab.Runtime.RecoverAsync("beside", "", default));
        await _lab.Runtime.DeleteAsync("bomb", default);
        Assert.DoesNotContain("bomb", _lab.Oci.Cgroups.Containers());
    }

    [Fact]
    public async Task SystemCalls_OfLaterContainersAndOfWhatIsExecutedThere_AreFilteredAsThoseOfTheFirst()
    {
        const string tries = "grep ^Seccomp: /proc/self/status; unshare -U true 2>/dev/null || echo refused";
        foreach (var id in (string[])["first", "second", "third"])
        {
            await _lab.RunAsync(_lab.Sh(id, tries));
            Assert.Equal("Seccomp:\t2\nrefused\n", File.ReadAllText($"{_lab.Directory}/work/sandboxes/{id}/stdout"));
        }
        await _lab.Runtime.StartAsync(_lab.Sh("stays", "exec sleep 1000"), default);
        // The filter was made once and is handed over since then.
        Assert.Contains(SeccompFilter.Annotation, File.ReadAllText($"{_lab.Oci.Paths.Bundle("stays")}/config.json"), StringComparison.Ordinal);
        Assert.DoesNotContain(SeccompFilter.Annotation, File.ReadAllText($"{_lab.Oci.Paths.Bundle("first")}/config.json"), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes($"{_lab.Oci.Paths.RuntimeState("first")}/seccomp.bpf"), File.ReadAllBytes($"{_lab.Oci.Paths.RuntimeState("stays")}/seccomp.bpf"));
        await using var exec = await _lab.Runtime.ExecAsync("stays", new ExecPlan(["/bin/sh", "-c", tries], null, null, false, 0, 0), default);
        using var output = new StreamReader(exec.Output);
        Assert.Equal("Seccomp:\t2\nrefused\n", await output.ReadToEndAsync());
    }

    [Theory]
    [InlineData("exec tail /dev/zero")]
    [InlineData("exec dd if=/dev/zero of=/dev/shm/file bs=1M count=60")]
    [InlineData("exec dd if=/dev/zero of=/run/file bs=1M count=60")]
    [InlineData("exec dd if=/dev/zero of=/dev/file bs=1M count=60")]
    public async Task Memory_MoreThanAllowed_EndsThatContainerAlone(string command)
    {
        await _lab.Runtime.StartAsync(_lab.Sh("beside", "exec sleep 1000"), default);
        var exit = await _lab.RunAsync(_lab.Sh("hog", command) with { MemoryLimitBytes = 32 << 20 });
        Assert.Equal(new ContainerExit(null, 9, true, false), exit);
        Assert.Equal(RecoveredState.Running, await _lab.Runtime.RecoverAsync("beside", "", default));
        Assert.Equal(new ContainerExit(0, null, false, false), await _lab.RunAsync(_lab.Sh("after", "true")));
    }
}
