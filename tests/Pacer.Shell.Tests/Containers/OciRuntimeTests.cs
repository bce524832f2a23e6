using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>Real containers by crun and conmon.</summary>
public sealed class OciRuntimeTests : IAsyncLifetime
{
    private RuntimeLab _lab = null!;

    public async ValueTask InitializeAsync() => _lab = await RuntimeLab.CreateAsync("oci");

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData("exit 0", 0, null)]
    [InlineData("exit 7", 7, null)]
    [InlineData("kill -9 $$", null, 9)]
    public async Task Wait_CommandEnds_TellsHow(string script, int? code, int? signal)
    {
        var exit = await _lab.RunAsync(_lab.Sh("c1", script));
        Assert.Equal(new ContainerExit(code, signal, false, false), exit);
    }

    [Fact]
    public async Task Wait_MemoryLimitExceeded_SaysOutOfMemory()
    {
        var plan = _lab.Sh("hog", "exec tail /dev/zero") with { MemoryLimitBytes = 32 << 20 };
        Assert.Equal(new ContainerExit(null, 9, true, false), await _lab.RunAsync(plan));
    }

    [Fact]
    public async Task Wait_OnlyAChildRanOutOfMemory_KeepsTheCommandsOwnCode()
    {
        var plan = _lab.Sh("lived", "tail /dev/zero; exit 3") with { MemoryLimitBytes = 32 << 20 };
        Assert.Equal(new ContainerExit(3, null, false, false), await _lab.RunAsync(plan));
    }

    [Fact]
    public async Task Wait_MonitorKilled_ReportsLostWhenTheContainerEnds()
    {
        await _lab.Runtime.StartAsync(_lab.Sh("c1", "while [ ! -e stop ]; do sleep 0.02; done"), default);
        var monitor = int.Parse(File.ReadAllText($"{_lab.Oci.Paths.Bundle("c1")}/conmon.pid"));
        var wait = _lab.ExitAsync("c1");
        Assert.Equal(0, Libc.Kill(monitor, Libc.SigKill));
        await RuntimeLab.UntilAsync(() => ProcessIdentity.Of(monitor).Pid == 0);
        Assert.False(wait.IsCompleted);
        Assert.Equal(RecoveredState.Running, await _lab.Runtime.RecoverAsync("c1", "", default));
        File.WriteAllText($"{_lab.Directory}/work/sandboxes/c1/stop", "");
        Assert.Equal(ContainerExit.Unknown, await wait);
    }

    [Fact]
    public async Task Start_Outputs_AreSeparateAndAppended()
    {
        var plan = _lab.Sh("c1", "echo out; echo err >&2");
        File.WriteAllText($"{plan.Sandbox}/stdout", "before\n");
        await _lab.RunAsync(plan);
        Assert.Equal("before\nout\n", _lab.Read(plan, "stdout"));
        Assert.Equal("err\n", _lab.Read(plan, "stderr"));
    }

    [Fact]
    public async Task Start_EnvironmentAndDirectory_AreThePlans()
    {
        var plan = _lab.Sh("c1", "pwd; echo $HOME; echo \"$A\"; echo $PATH") with
        {
            Environment = new Dictionary<string, string> { ["A"] = "x \"y\"\n ü" },
        };
        await _lab.RunAsync(plan);
        Assert.Equal($"{plan.Sandbox}\n{plan.Sandbox}\nx \"y\"\n ü\n{CommandLookup.DefaultPath}\n", _lab.Read(plan, "stdout"));
    }

    [Fact]
    public async Task Start_Isolation_OwnNamespacesAndNothingOfOthers()
    {
        _lab.Sh("other", "true");
        Directory.CreateDirectory("/run/pacer-runtime-test-hidden");
        try
        {
            var plan = _lab.Sh(
                "c1",
                $"hostname; tr '\\0' ' ' </proc/1/cmdline; echo; ls {_lab.Directory}/work/sandboxes; ls {_lab.Directory}/work; ls -A /run; " +
                "touch /etc/x 2>/dev/null && echo writable; touch /tmp/mine && echo tmp; stat -c %a /tmp; ls /dev | grep -c vd; " +
                "grep -E 'NoNewPrivs|CapBnd' /proc/self/status; mknod /tmp/dev b 254 0 2>/dev/null || echo nodev; readlink /proc/self/ns/net");
            await _lab.RunAsync(plan with { Hostname = "web-1" });
            var lines = _lab.Read(plan, "stdout").Split('\n');
            Assert.Equal(
                [
                    "web-1", lines[1], "c1", "sandboxes", "tmp", "1777", "0", "CapBnd:\t00000000a00425fb", "NoNewPrivs:\t1", "nodev",
                    new FileInfo("/proc/self/ns/net").LinkTarget!, "",
                ],
                lines);
            Assert.StartsWith("/usr/bin/catatonit -g -- /bin/sh -c", lines[1], StringComparison.Ordinal);
            Assert.True(File.Exists($"{plan.Sandbox}/.tmp/mine"));
        }
        finally
        {
            Directory.Delete("/run/pacer-runtime-test-hidden");
        }
    }

    [Fact]
    public async Task Start_EnvironmentWithAPassword_IsNotReadableByOtherUsers()
    {
        var plan = _lab.Sh("c1", "exec sleep 1000") with { Environment = new Dictionary<string, string> { ["PASSWORD"] = "hush" } };
        await _lab.Runtime.StartAsync(plan, default);
        var search = await ChildProcess.RunAsync("/bin/sh", ["-c", $"setpriv --reuid 65534 --regid 65534 --clear-groups grep -rs hush {_lab.Directory}/run; true"]);
        Assert.Equal("", search.Output);
        Assert.Contains("hush", await File.ReadAllTextAsync($"{_lab.Directory}/run/c/c1/config.json"));
    }

    [Fact]
    public async Task Start_Limits_AreInTheCgroup()
    {
        if (_lab.Oci.Cgroups.Layout.Version == CgroupVersion.V2)
        {
            Assert.Skip("file names of cgroup v1");
        }

        var plan = _lab.Plan("c1", "sleep", "60") with
        {
            CpuMillis = 500, CpuLimitMillis = 1500, MemoryLimitBytes = 64 << 20, PidsLimit = 77,
        };
        await _lab.Runtime.StartAsync(plan, default);
        string File1(string controller, string file) => File.ReadAllText(
            $"{_lab.Oci.Cgroups.Layout.Directory(controller, _lab.Oci.Cgroups.PathOf("c1"))}/{file}").Trim();
        Assert.Equal("512", File1("cpu", "cpu.shares"));
        Assert.Equal("150000", File1("cpu", "cpu.cfs_quota_us"));
        Assert.Equal((64L << 20).ToString(), File1("memory", "memory.limit_in_bytes"));
        Assert.Equal("77", File1("pids", "pids.max"));
        Assert.DoesNotContain("a *:* rwm", File1("devices", "devices.list"), StringComparison.Ordinal);
        await RuntimeLab.UntilAsync(() => _lab.Runtime.ReadUsageAsync("c1", default).Result.Processes == 2); // init and the command, which starts a moment later
        var usage = await _lab.Runtime.ReadUsageAsync("c1", default);
        Assert.True(usage.MemoryBytes > 0 && usage.CpuTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task Signal_RecordIsGone_TheKillStillArrives()
    {
        var started = await _lab.Runtime.StartAsync(_lab.Plan("c1", "sleep", "60"), default);
        File.Delete(_lab.Oci.Paths.Record("c1"));
        await _lab.Runtime.SignalAsync("c1", 9, default);
        await RuntimeLab.UntilAsync(() => !Directory.Exists($"/proc/{started.Pid}") || File.ReadAllText($"/proc/{started.Pid}/stat").Contains(") Z ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_User_IsResolvedWithItsGroups()
    {
        var plan = _lab.Sh("c1", "id -u; id -g; grep CapEff /proc/self/status; touch /tmp/x && echo ok") with { User = "nobody" };
        File.SetUnixFileMode(plan.Sandbox, (UnixFileMode)0x1FF);
        await _lab.RunAsync(plan);
        Assert.Equal("65534\n65534\nCapEff:\t0000000000000000\nok\n", _lab.Read(plan, "stdout"));
    }

    [Theory]
    [InlineData("ghost", "true", "user 'ghost' does not exist on this node")]
    [InlineData(null, "no-such-command", "exec: 'no-such-command' not found (PATH is " + CommandLookup.DefaultPath + ")")]
    [InlineData(null, "/etc/passwd", "exec: '/etc/passwd' is not executable")]
    [InlineData(null, "/etc", "exec: '/etc' is a directory")]
    [InlineData(null, "./missing", "exec: './missing' not found")]
    public async Task Start_Impossible_NamesWhatIsWrong(string? user, string command, string message)
    {
        var e = await Assert.ThrowsAsync<ContainerStartException>(
            () => _lab.Runtime.StartAsync(_lab.Plan("c1", command) with { User = user }, default));
        Assert.Equal(message, e.Message);
        Assert.Equal(RecoveredState.Absent, await _lab.Runtime.RecoverAsync("c1", "", default));
    }

    [Fact]
    public async Task Start_RuntimeRefuses_GivesItsReasonAndLeavesNothing()
    {
        var e = await Assert.ThrowsAsync<ContainerStartException>(
            () => _lab.Runtime.StartAsync(_lab.Plan("c1", "true") with { Hostname = new string('x', 300) }, default));
        Assert.Contains("sethostname", e.Message, StringComparison.Ordinal);
        Assert.Equal(RecoveredState.Absent, await _lab.Runtime.RecoverAsync("c1", "", default));
    }

    [Fact]
    public async Task Recover_AgentDiedJustAfterTheStart_TheCommandRunsOn()
    {
        await _lab.Runtime.StartAsync(_lab.Sh("c1", "echo x >> starts; exec sleep 60"), default);
        // As it is found between the byte that starts the command and the removal of the fifo.
        var fifo = Directory.EnumerateDirectories(_lab.Directory, "c1", SearchOption.AllDirectories).Select(path => path + "/exec.fifo").First(path => File.Exists(Path.GetDirectoryName(path) + "/status"));
        using (var made = System.Diagnostics.Process.Start("mkfifo", fifo))
        {
            await made.WaitForExitAsync();
        }
        var later = await _lab.AnotherAgentAsync();
        Assert.Equal(RecoveredState.Running, await later.RecoverAsync("c1", "", default));
        Assert.False(File.Exists(fifo));
        Assert.Equal(RecoveredState.Running, await later.RecoverAsync("c1", "", default));
    }

    [Fact]
    public async Task Start_IdInUse_IsRefusedAndTheRunningOneStays()
    {
        await _lab.Runtime.StartAsync(_lab.Plan("c1", "sleep", "60"), default);
        await Assert.ThrowsAsync<ContainerStartException>(() => _lab.Runtime.StartAsync(_lab.Plan("c1", "true"), default));
        Assert.Equal(RecoveredState.Running, await _lab.Runtime.RecoverAsync("c1", "", default));
    }

    [Fact]
    public async Task Signal_Term_ReachesTheWholeProcessGroup()
    {
        var plan = _lab.Sh("c1", "(trap 'echo inner; exit' TERM; echo ready; while :; do sleep 0.02; done) & trap 'wait; exit 5' TERM; wait");
        await _lab.Runtime.StartAsync(plan, default);
        await RuntimeLab.UntilAsync(() => _lab.Read(plan, "stdout").Length > 0);
        await _lab.Runtime.SignalAsync("c1", 15, default);
        Assert.Equal(5, (await _lab.ExitAsync("c1")).ExitCode);
        Assert.Equal("ready\ninner\n", _lab.Read(plan, "stdout"));
    }

    [Fact]
    public async Task Signal_Kill_EndsEverythingAlsoWhenFrozen()
    {
        await _lab.Runtime.StartAsync(_lab.Sh("c1", "setsid sleep 60 & sleep 60"), default);
        using var frozen = _lab.Runtime.Freeze("c1");
        Assert.NotNull(frozen);
        await _lab.Runtime.SignalAsync("c1", 9, default);
        Assert.Equal(9, (await _lab.ExitAsync("c1")).Signal);
        await RuntimeLab.UntilAsync(() => _lab.Oci.Cgroups.Processes("c1").Count == 0);
    }

    [Fact]
    public async Task Freeze_Writer_StandsStillUntilThawed()
    {
        var plan = _lab.Sh("c1", "while :; do echo x; done");
        await _lab.Runtime.StartAsync(plan, default);
        await RuntimeLab.UntilAsync(() => new FileInfo($"{plan.Sandbox}/stdout").Length > 100);
        long frozenAt;
        using (_lab.Runtime.Freeze("c1"))
        {
            frozenAt = new FileInfo($"{plan.Sandbox}/stdout").Length;
            Thread.Sleep(30);
            Assert.Equal(frozenAt, new FileInfo($"{plan.Sandbox}/stdout").Length);
        }

        await RuntimeLab.UntilAsync(() => new FileInfo($"{plan.Sandbox}/stdout").Length > frozenAt);
    }

    [Fact]
    public async Task Delete_TwentyParallelContainers_NothingIsLeft()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _lab.Runtime.StartAsync(_lab.Plan($"p{i}", i % 2 == 0 ? "true" : "sleep", "60"), default)));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _lab.Runtime.DeleteAsync($"p{i}", default)));
        await _lab.Runtime.DeleteAsync("p0", default);
        Assert.Empty(_lab.Oci.Cgroups.Containers());
        Assert.Empty(Directory.GetFileSystemEntries(_lab.Oci.Paths.Bundles));
        Assert.Empty(Directory.GetFileSystemEntries(_lab.Oci.Paths.RuntimeRoot));
        Assert.Empty(Directory.GetFileSystemEntries(_lab.Oci.Paths.Records));
        Assert.Empty(Directory.GetFileSystemEntries(_lab.Oci.Paths.Exits));
        Assert.Single(File.ReadLines("/proc/self/mountinfo"), l => l.Contains(_lab.Directory, StringComparison.Ordinal));
        Assert.Empty(ProcessesNaming(_lab.Directory));
    }

    [Fact]
    public async Task RemoveOrphans_UnknownContainer_IsEndedAndForeignCgroupStays()
    {
        await _lab.Runtime.StartAsync(_lab.Plan("known", "sleep", "60"), default);
        await _lab.Runtime.StartAsync(_lab.Plan("orphan", "sleep", "60"), default);
        // Its traces are lost, only processes and cgroup remain.
        File.Delete(_lab.Oci.Paths.Record("orphan"));
        Directory.Delete(_lab.Oci.Paths.Bundle("orphan"), true);
        Directory.Delete(_lab.Oci.Paths.RuntimeState("orphan"), true);
        var foreign = $"{_lab.Oci.Cgroups.Layout.Directory("pids", $"{_lab.Oci.Paths.CgroupRoot}-foreign")}";
        Directory.CreateDirectory(foreign);
        try
        {
            var agent = await _lab.AnotherAgentAsync();
            Assert.Equal(1, await agent.RemoveOrphansAsync(new HashSet<string> { "known" }, default));
            Assert.Equal(["known"], _lab.Oci.Cgroups.Containers());
            Assert.Equal(RecoveredState.Running, await agent.RecoverAsync("known", "", default));
            Assert.True(Directory.Exists(foreign));
        }
        finally
        {
            Directory.Delete(foreign);
        }
    }

    [Fact]
    public async Task Recover_CreatedButNeverStarted_IsCleanedUp()
    {
        await _lab.Runtime.StartAsync(_lab.Plan("c1", "sleep", "60"), default);
        File.Delete(_lab.Oci.Paths.Record("c1"));
        var agent = await _lab.AnotherAgentAsync();
        Assert.Equal(RecoveredState.NeverStarted, await agent.RecoverAsync("c1", "", default));
        Assert.Equal(RecoveredState.Absent, await agent.RecoverAsync("c1", "", default));
        Assert.Empty(_lab.Oci.Cgroups.Processes("c1"));
    }

    [Fact]
    public async Task Recover_AfterReboot_ExitIsUnknown()
    {
        Directory.CreateDirectory(_lab.Oci.Paths.Records);
        File.WriteAllText(_lab.Oci.Paths.Record("old"), "1 another-boot 1 1 1 1\n");
        Assert.Equal(RecoveredState.Exited, await _lab.Runtime.RecoverAsync("old", "", default));
        Assert.Equal(ContainerExit.Unknown, await _lab.ExitAsync("old"));
        await _lab.Runtime.DeleteAsync("old", default);
        Assert.Equal(RecoveredState.Absent, await _lab.Runtime.RecoverAsync("old", "", default));
    }

    private static List<string> ProcessesNaming(string text) =>
        [.. Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1]) && d != $"/proc/{Environment.ProcessId}").Select(CommandLine)
            .Where(c => c.Contains(text, StringComparison.Ordinal))];

    private static string CommandLine(string directory)
    {
        try
        {
            return File.ReadAllText($"{directory}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
