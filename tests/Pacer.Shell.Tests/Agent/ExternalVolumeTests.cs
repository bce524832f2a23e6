using Pacer.Agent;
using Pacer.Agent.ExternalVolumes;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>External volumes by the driver of directories, and by programs that are drivers.</summary>
public sealed class ExternalVolumeTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pacer-external-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task LocalDriver_DataIsThereForTheNextTask_AndStays()
    {
        var storage = Directory.CreateDirectory(_root + "/storage").FullName;
        await using var bench = await StartAsync(options => options with { LocalVolumes = storage });
        Assert.Equal(["local"], bench.Server.LastRegistration.VolumeDrivers);
        bench.Server.Launch(Order("one.1", "printf kept > data/f", "local"));
        await bench.Server.WaitForAsync("one.1", TaskState.TaskFinished);
        bench.Server.Launch(Order("two.1", "cat data/f; printf ' on' >> data/f", "local"));
        await bench.Server.WaitForAsync("two.1", TaskState.TaskFinished);
        Assert.Equal("kept", File.ReadAllText(bench.SandboxOf("two.1") + "/stdout"));
        Assert.Equal("kept on", File.ReadAllText(storage + "/rows/f"));
    }

    [Theory]
    [InlineData("rexray", "this node has no volume driver 'rexray'")]
    [InlineData("local", "the driver 'local' has no option 'iops'")]
    public async Task Volume_ThatCantBeMounted_FailsTheTaskWithItsNameAndTheReason(string driver, string reason)
    {
        await using var bench = await StartAsync(options => options with { LocalVolumes = _root });
        var task = Order("one.1", "true", driver);
        task.Mounts[0].External.Options["iops"] = "100";
        bench.Server.Launch(task);
        var end = await bench.Server.WaitForAsync("one.1", TaskState.TaskFailed);
        Assert.Contains("rows", end.Message, StringComparison.Ordinal);
        Assert.Contains(reason, end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_IsToldWhatTheAppSays_AndItsPathIsMounted()
    {
        await using var bench = await StartAsync(WithProgram);
        Assert.Equal(["nas"], bench.Server.LastRegistration.VolumeDrivers);
        var task = Order("one.1", "printf written > data/f", "nas");
        task.Mounts[0].External.SizeGib = 100;
        task.Mounts[0].External.Options["iops"] = "5";
        bench.Server.Launch(task);
        await bench.Server.WaitForAsync("one.1", TaskState.TaskFinished);
        Assert.Equal("written", File.ReadAllText(_root + "/mounted/f"));
        await AgentBench.UntilAsync(() => Log().Length == 2, "the volume is taken away");
        const string told = """{"name":"rows","size":100,"options":{"iops":"5"},"shared":false}""";
        Assert.Equal(["mount " + told, "unmount " + told], Log());
    }

    [Fact]
    public async Task Program_ThatFails_FailsTheTaskWithWhatItSaid()
    {
        File.WriteAllText(_root + "/fails", "");
        await using var bench = await StartAsync(WithProgram);
        bench.Server.Launch(Order("one.1", "true", "nas"));
        var end = await bench.Server.WaitForAsync("one.1", TaskState.TaskFailed);
        Assert.Equal("The volume rows can't be mounted: no zone has it", end.Message);
        File.Delete(_root + "/fails");
        bench.Server.Launch(Order("two.1", "true", "nas"));
        await bench.Server.WaitForAsync("two.1", TaskState.TaskFinished);
    }

    [Fact]
    public async Task Volume_ThatIsNotShared_WaitsForTheEndOfItsUser()
    {
        await using var bench = await StartAsync(WithProgram);
        bench.Server.Launch(Order("one.1", "while [ ! -e end ]; do sleep 0.02; done; printf one > data/f", "nas"));
        await bench.Server.WaitForAsync("one.1", TaskState.TaskRunning);
        bench.Server.Launch(Order("two.1", "cat data/f", "nas"));
        await bench.Server.WaitForAsync("two.1", TaskState.TaskStarting);
        File.WriteAllText(bench.SandboxOf("one.1") + "/end", "");
        await bench.Server.WaitForAsync("two.1", TaskState.TaskFinished);
        Assert.Equal("one", File.ReadAllText(bench.SandboxOf("two.1") + "/stdout"));
        await AgentBench.UntilAsync(() => Log() is { Length: > 0 } log && log[^1].StartsWith("unmount", StringComparison.Ordinal), "the volume is taken away");
    }

    [Fact]
    public async Task Volume_ThatIsShared_IsMountedOnceForAll()
    {
        await using var bench = await StartAsync(WithProgram);
        foreach (var id in new[] { "one.1", "two.1" })
        {
            bench.Server.Launch(Order(id, "while [ ! -e end ]; do sleep 0.02; done", "nas", shared: true));
        }
        await bench.Server.WaitForAsync("one.1", TaskState.TaskRunning);
        await bench.Server.WaitForAsync("two.1", TaskState.TaskRunning);
        File.WriteAllText(bench.SandboxOf("one.1") + "/end", "");
        await bench.Server.WaitForAsync("one.1", TaskState.TaskFinished);
        Assert.Single(Log());
        File.WriteAllText(bench.SandboxOf("two.1") + "/end", "");
        await AgentBench.UntilAsync(() => Log().Length == 2, "the volume is taken away");
    }

    [Fact]
    public async Task NextAgent_KeepsWhatRunningTasksUse_AndTakesAwayTheRestWithoutItsFlag()
    {
        await using var bench = await StartAsync(WithProgram);
        bench.Server.Launch(Order("one.1", "while [ ! -e end ]; do sleep 0.02; done", "nas"));
        await bench.Server.WaitForAsync("one.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        bench.Options = bench.Options with { VolumeDrivers = new Dictionary<string, string>() };
        await bench.StartAgentAsync();
        Assert.Single(Log());
        File.WriteAllText(bench.SandboxOf("one.1") + "/end", "");
        await AgentBench.UntilAsync(() => Log() is [_, var last] && last.StartsWith("unmount", StringComparison.Ordinal), "the volume is taken away");
        await AgentBench.UntilAsync(() => Directory.GetFiles(bench.Options.WorkDir + "/external").Length == 0, "nothing is noted any more");
    }

    [Fact]
    public async Task Program_ThatDoesNotEnd_IsEndedAndHasFailed()
    {
        File.WriteAllText(_root + "/hangs", "");
        WithProgram(new AgentOptions { Join = "", WorkDir = "", RunDir = "" });
        var e = await Assert.ThrowsAsync<VolumeException>(
            () => new ProgramDriver(_root + "/driver", TimeSpan.FromSeconds(0.3)).MountAsync(new VolumeRequest("rows", null, new Dictionary<string, string>()), CancellationToken.None));
        Assert.Contains("mount did not end within 0.3 seconds", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo not/absolute", "did not print one absolute path")]
    [InlineData("echo /no/such/directory", "is no directory of the node")]
    [InlineData("exit 3", "ended with code 3")]
    [InlineData("setsid sleep 5 & echo /tmp", null)]
    public async Task Program_WhatItPrints_IsChecked(string script, string? words)
    {
        File.WriteAllText(_root + "/driver", "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(_root + "/driver", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var mounting = new ProgramDriver(_root + "/driver", TimeSpan.FromSeconds(20)).MountAsync(new VolumeRequest("rows", null, new Dictionary<string, string>()), CancellationToken.None);
        if (words is null)
        {
            Assert.Equal("/tmp", await mounting.WaitAsync(TimeSpan.FromSeconds(4)));
        }
        else
        {
            Assert.Contains(words, (await Assert.ThrowsAsync<VolumeException>(() => mounting)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("a/b", "/bin/true", "can't be the name of a driver")]
    [InlineData("nas", "/no/such", "is not a program")]
    [InlineData("local", "/bin/true", "is that of --local-volumes")]
    public async Task Settings_ThatMakeNoSense_AreNamed(string name, string program, string words)
    {
        var e = await Assert.ThrowsAsync<AgentException>(() => StartAsync(options => options with
        {
            LocalVolumes = _root, VolumeDrivers = new Dictionary<string, string> { [name] = program },
        }));
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    private async Task<AgentBench> StartAsync(Func<AgentOptions, AgentOptions> change)
    {
        var bench = await AgentBench.StartAsync(startAgent: false, options => change(options) with { Isolation = "process" });
        bench.Real = true;
        try
        {
            await bench.StartAgentAsync();
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    private AgentOptions WithProgram(AgentOptions options)
    {
        var program = _root + "/driver";
        File.WriteAllText(program, $$"""
            #!/bin/sh
            if [ -e {{_root}}/hangs ]; then exec sleep 100; fi
            echo "$1 $(cat)" >> {{_root}}/log
            if [ $1 = mount ]; then
                if [ -e {{_root}}/fails ]; then echo 'no zone has it' >&2; exit 1; fi
                mkdir -p {{_root}}/mounted
                echo {{_root}}/mounted
            fi
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return options with { VolumeDrivers = new Dictionary<string, string> { ["nas"] = program } };
    }

    private string[] Log() => File.Exists(_root + "/log") ? File.ReadAllLines(_root + "/log") : [];

    private static TaskSpec Order(string id, string command, string driver, bool shared = false) => AgentBench.Shell(id, command, spec => spec.Mounts.Add(new Mount
    {
        Source = "rows", Destination = "data", External = new ExternalVolume { Driver = driver, Shared = shared },
    }));
}
