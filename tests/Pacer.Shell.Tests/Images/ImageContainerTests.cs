using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Pacer.Agent;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;

namespace Pacer.Shell.Tests.Images;

/// <summary>The agent runs containers with images, by crun and conmon, from a real registry.</summary>
public sealed class ImageContainerTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;
    private AgentBench _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _bench = await AgentBench.StartAsync(startAgent: false, options => options with { Isolation = "oci" });
        _bench.Real = true;
        try
        {
            await _bench.StartAgentAsync();
        }
        catch (AgentException e)
        {
            _bench.Real = false;
            Assert.Skip(e.Message);
        }
        Assert.SkipUnless(_bench.Server.LastRegistration.Runtimes.Contains("mesos-image"), "overlayfs does not work here");
    }

    public async ValueTask DisposeAsync()
    {
        if (_bench is not null)
        {
            await _bench.DisposeAsync();
            Assert.DoesNotContain(_bench.Root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        }
        if (_registry is not null)
        {
            await _registry.DisposeAsync();
        }
    }

    private static JsonArray Words(params string[] words) => new([.. words.Select(word => JsonValue.Create(word))]);

    private TaskSpec Task(string id, string image, Action<TaskSpec>? change = null)
    {
        var spec = AgentBench.Shell(id, "", change: null);
        spec.Command = null;
        spec.Image = new ImageSpec { Name = $"{_registry.Host}/{image}" };
        change?.Invoke(spec);
        return spec;
    }

    private string Output(string task) => File.ReadAllText(Path.Combine(_bench.SandboxOf(task), "stdout"));

    private async Task<string> FinishedAsync(TaskSpec spec)
    {
        _bench.Server.Launch(spec);
        var end = await _bench.Server.WaitForAsync(spec.TaskId, status => status.State is TaskState.TaskFinished or TaskState.TaskFailed, "the end");
        Assert.True(end.State == TaskState.TaskFinished, $"{end.Message} {File.ReadAllText(Path.Combine(_bench.SandboxOf(spec.TaskId), "stderr"))}");
        return Output(spec.TaskId);
    }

    [Theory]
    [InlineData("1234", "", "1234")]
    [InlineData("1234", "nobody", "65534")]
    [InlineData("", "", "0")]
    public async Task SecretFile_IsOnlyItsUsersInMemory_AndGoesWithTheContainer(string ofImage, string ofTask, string owner)
    {
        await TestImage.Busybox(new JsonObject { ["User"] = ofImage }).PushAsync(_registry, "secret");
        var files = Path.Combine(_bench.Options.RunDir, "secrets");
        _bench.Server.Launch(Task("secret.1", "secret", spec =>
        {
            spec.User = ofTask;
            spec.Command = new Command
            {
                Shell = "stat -c '%a %u' /etc/key; cat /etc/key; (echo x > /etc/key) 2>/dev/null || echo ' kept'; grep -o ' /etc/key tmpfs ro' /proc/mounts; while [ ! -e $MESOS_SANDBOX/end ]; do sleep 0.1; done",
            };
            spec.Mounts.Add(new Mount { Source = "key", Destination = "/etc/key", ReadOnly = true, IsSecret = true, Secret = ByteString.CopyFromUtf8("open sesame") });
        }));
        await AgentBench.UntilAsync(() => File.Exists(_bench.SandboxOf("secret.1") + "/stdout")
            && Output("secret.1") == $"400 {owner}\nopen sesame kept\n /etc/key tmpfs ro\n", "the task has not found its secret");
        var file = Assert.Single(Directory.GetFiles(files, "*", SearchOption.AllDirectories));
        Assert.Equal("tmpfs", new DriveInfo(file).DriveFormat);
        foreach (var kept in Directory.EnumerateFiles(_bench.Options.WorkDir, "secret.1*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("sesame", File.ReadAllText(kept), StringComparison.Ordinal);
        }
        File.WriteAllText(_bench.SandboxOf("secret.1") + "/end", "");
        await _bench.Server.WaitForAsync("secret.1", TaskState.TaskFinished);
        await AgentBench.UntilAsync(() => !Directory.Exists(files), "the secret is still there");
    }

    [Fact]
    public async Task Image_ItsOwnCommandUserEnvironmentAndDirectory_AreTaken()
    {
        await TestImage.Busybox(new JsonObject
        {
            ["Entrypoint"] = Words("/bin/sh", "-c"),
            ["Cmd"] = Words("echo $GREETING $MESOS_TASK_ID $HOME; pwd; id; cd $MESOS_SANDBOX && pwd && echo mine > file; test -w /etc || echo protected"),
            ["Env"] = Words("GREETING=hello", "PATH=/bin", "MESOS_TASK_ID=image"),
            ["User"] = "app",
            ["WorkingDir"] = "/srv/new",
            ["Volumes"] = new JsonObject { ["/data"] = new JsonObject() },
        }).PushAsync(_registry, "own");
        Assert.Equal(
            "hello own.1 /home/app\n/srv/new\nuid=1234(app) gid=1235(app) groups=1236(extra)\n/mnt/mesos/sandbox\nprotected\n",
            await FinishedAsync(Task("own.1", "own", spec => spec.Environment["MESOS_TASK_ID"] = "own.1")));
        Assert.Equal("mine\n", File.ReadAllText(Path.Combine(_bench.SandboxOf("own.1"), "file")));
    }

    [Fact]
    public async Task Image_CommandOfTheTask_RunsInTheImageAndNotOnTheNode()
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        var output = await FinishedAsync(Task("shell.1", "plain", spec => spec.Command = new Command
        {
            Shell = "ls /; echo x > /etc/new && cat /etc/new; ls /dev | wc -l; grep -c . /etc/resolv.conf /etc/hosts >&2; test -e /usr/bin/dpkg || echo no dpkg; pwd",
        }));
        Assert.Equal("bin\ndev\netc\nhome\nmnt\nproc\nroot\nsys\ntmp\nvar\nx\n", output[..output.IndexOf("x\n", StringComparison.Ordinal)] + "x\n");
        Assert.EndsWith("no dpkg\n/mnt/mesos/sandbox\n", output, StringComparison.Ordinal);
        // What one container writes, the next does not see.
        Assert.Equal("clean\n", await FinishedAsync(Task("shell.2", "plain", spec => spec.Command = new Command { Shell = "test -e /etc/new || echo clean" })));
        await AgentBench.UntilAsync(() => Directory.GetDirectories($"{_bench.Options.WorkDir}/runtime/writable").Length == 0, "written files stay");
    }

    [Fact]
    public async Task Image_TaskUser_IsOneOfTheImageAndOwnsTheSandbox()
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        Assert.Equal("app\n", await FinishedAsync(Task("user.1", "plain", spec =>
        {
            spec.User = "app";
            spec.Command = new Command { Shell = "touch file; id -un" };
        })));
        _bench.Server.Launch(Task("user.2", "plain", spec =>
        {
            spec.User = "daemon";
            spec.Command = new Command { Shell = "true" };
        }));
        var end = await _bench.Server.WaitForAsync("user.2", TaskState.TaskFailed);
        Assert.Contains("user 'daemon' does not exist in the image", end.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing/there", "has no such image")]
    [InlineData("plain", "exec: 'absent' not found")]
    public async Task Image_ThatCannotRun_FailsWithTheCause(string image, string cause)
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        _bench.Server.Launch(Task("bad.1", image, spec => spec.Command = new Command { Arguments = new Arguments { Values = { "absent" } } }));
        var end = await _bench.Server.WaitForAsync("bad.1", TaskState.TaskFailed);
        Assert.Equal("REASON_CONTAINER_LAUNCH_FAILED", end.Reason);
        if (image == "plain")
        {
            // "args" alone need a command of the image to be given to.
            Assert.Contains("neither an entry point nor a command", end.Message, StringComparison.Ordinal);
            await TestImage.Busybox(new JsonObject { ["Entrypoint"] = Words("absent") }).PushAsync(_registry, "absent");
            _bench.Server.Launch(Task("bad.2", "absent"));
            end = await _bench.Server.WaitForAsync("bad.2", TaskState.TaskFailed);
        }
        Assert.Contains(cause, end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_AgentRestarted_ContainerGoesOnWithHealthExecAndKill()
    {
        await TestImage.Busybox(new JsonObject { ["Cmd"] = Words("sleep", "1000"), ["User"] = "app" }).PushAsync(_registry, "sleeps");
        _bench.Server.Launch(Task("stays.1", "sleeps", spec => spec.HealthChecks.Add(new HealthCheck
        {
            Protocol = HealthCheck.Types.Protocol.Command, Command = "test -d /mnt/mesos/sandbox -a -x /bin/busybox", IntervalMs = 100, TimeoutMs = 10_000, AgentKills = true,
        })));
        await _bench.Server.WaitForAsync("stays.1", status => status.Health is [{ Alive: true }], "good health");
        await _bench.Agent.StopAsync();
        await _bench.StartAgentAsync();
        Assert.Equal(TaskState.TaskRunning, _bench.Server.LastRegistration.Tasks.Single().State);
        foreach (var (user, expected) in ((string, string)[])[("", "app\n/mnt/mesos/sandbox\n"), ("root", "root\n/mnt/mesos/sandbox\n")])
        {
            using var session = await (await _bench.Server.OpenAsync(new OpenSession
            {
                TaskId = "stays.1", Exec = new Exec { Command = { "sh", "-c", "id -un; pwd" }, User = user },
            })).ReadToEndAsync();
            Assert.Equal((expected, 0), (session.Output, session.End!.ExitCode));
        }
        _bench.Server.Kill("stays.1");
        Assert.Equal(15, (await _bench.Server.WaitForAsync("stays.1", TaskState.TaskKilled)).Signal);
        await AgentBench.UntilAsync(() => !_bench.Agent.Tasks.All.Any(), "tasks are not forgotten");
        Assert.Empty(Directory.GetFileSystemEntries($"{_bench.Options.WorkDir}/images/uses"));
        Assert.Empty(Directory.GetFileSystemEntries($"{_bench.Options.WorkDir}/runtime/writable"));
    }

    [Fact]
    public async Task Image_AgentKilledAndMachineLeftWithMounts_NextAgentCleansThem()
    {
        await TestImage.Busybox(new JsonObject { ["Cmd"] = Words("sleep", "1000") }).PushAsync(_registry, "sleeps");
        _bench.Server.Launch(Task("lost.1", "sleeps"));
        await _bench.Server.WaitForAsync("lost.1", TaskState.TaskRunning);
        await _bench.Agent.StopAsync();
        // As if the agent had died before it wrote anything down.
        File.Delete(_bench.Checkpoint("lost.1", "state"));
        File.Delete(_bench.Checkpoint("lost.1", "spec"));
        Assert.Contains($"{_bench.Options.RunDir}/m/lost.1", File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        await _bench.StartAgentAsync();
        Assert.DoesNotContain($"{_bench.Options.RunDir}/m/lost.1", File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries($"{_bench.Options.WorkDir}/runtime/writable"));
        Assert.Empty(Directory.GetFileSystemEntries($"{_bench.Options.WorkDir}/images/uses"));
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("artifact")]
    [InlineData("node")]
    public async Task Image_PrivateRegistry_LoginFrom(string source)
    {
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await TestImage.Busybox(new JsonObject { ["Cmd"] = Words("echo", "private") }).PushAsync(registry, "mine");
        var file = $"{_bench.Root}/config.json";
        File.WriteAllText(file, registry.DockerConfig);
        if (source == "node")
        {
            await _bench.Agent.StopAsync();
            _bench.Options = _bench.Options with { DockerConfig = file };
            await _bench.StartAgentAsync();
        }
        Assert.Equal("private\n", await FinishedAsync(Task("mine.1", "", spec =>
        {
            spec.Image = new ImageSpec { Name = $"{registry.Host}/mine", DockerConfig = source == "secret" ? ByteString.CopyFrom(Encoding.UTF8.GetBytes(registry.DockerConfig)) : ByteString.Empty };
            if (source == "artifact")
            {
                spec.Fetch.Add(new Artifact { Uri = "file://" + file, DestPath = ".docker/config.json" });
            }
        })));
    }

    // Prints the name of each attempt that works.
    private static readonly string[] Attempts =
    [
        "mount mount -t tmpfs none /mnt",
        "remount mount -o remount,rw /proc/sys",
        "mount-namespace unshare -m true",
        "device-node mknod $MESOS_SANDBOX/disk b 254 0",
        "disk dd if=/dev/vda of=/dev/null bs=512 count=1",
        "memory-device dd if=/dev/mem of=/dev/null bs=512 count=1",
        "sysrq sh -c 'echo h >/proc/sysrq-trigger'",
        "sysctl sh -c 'echo 1 >/proc/sys/vm/drop_caches'",
        "hostname hostname broken-out",
        "cgroup mkdir /sys/fs/cgroup/memory/broken-out",
        "kill kill -0 HOST_PID",
        "environment cat /proc/HOST_PID/environ",
        "sandbox ls OTHER_SANDBOX",
        "checkpoints ls WORK_DIR/tasks",
        "privileges grep -q NoNewPrivs:.0 /proc/self/status",
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Isolation_RootTriesTheOrdinaryWaysOut_NoneWorks(bool image)
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        _bench.Server.Launch(AgentBench.Shell("other.1", "sleep 1000"));
        await _bench.Server.WaitForAsync("other.1", TaskState.TaskRunning);
        string[] attempts = image ? Attempts : [.. Attempts, "node sh -c 'echo x >/etc/broken-out'", "run ls /run/pacer"];
        var script = string.Join('\n', attempts.Select(attempt => $"try {attempt}"))
            .Replace("HOST_PID", $"{Environment.ProcessId}", StringComparison.Ordinal)
            .Replace("OTHER_SANDBOX", _bench.SandboxOf("other.1"), StringComparison.Ordinal).Replace("WORK_DIR", _bench.Options.WorkDir, StringComparison.Ordinal);
        var command = new Command { Shell = "try() { name=$1; shift; if \"$@\" >/dev/null 2>&1; then echo $name; fi; }\n" + script + "\ntry true true" };
        var output = await FinishedAsync(image
            ? Task("tries.1", "plain", spec => spec.Command = command)
            : AgentBench.Shell("tries.1", "", spec => spec.Command = command));
        // The last one shows that success would be seen.
        Assert.Equal("true\n", output);
    }

    [Fact]
    public async Task LinuxSettings_FilterAndSharedMemory_AreAsAsked()
    {
        await TestImage.Busybox().PushAsync(_registry, "plain");
        const string look = "grep ^Seccomp: /proc/self/status | tr -dc 0-9; echo; grep ' /dev/shm ' /proc/mounts | grep -o 'size=[0-9k]*'";
        TaskSpec Looks(string id, LinuxSpec? linux) => Task(id, "plain", spec =>
        {
            spec.Command = new Command { Shell = look };
            spec.Linux = linux;
        });
        Assert.Equal("2\nsize=65536k\n", await FinishedAsync(Looks("look.1", null)));
        Assert.Equal("0\nsize=16384k\n", await FinishedAsync(Looks("look.2", new LinuxSpec { SeccompUnconfined = true, ShmBytes = 16 << 20 })));
        _bench.Server.Launch(Looks("look.3", new LinuxSpec { SeccompProfile = "missing" }));
        var end = await _bench.Server.WaitForAsync("look.3", TaskState.TaskFailed);
        Assert.Contains("no seccomp profile 'missing'", end.Message, StringComparison.Ordinal);
        var host = AgentBench.Shell("look.4", "readlink /proc/self/ns/ipc", spec => spec.Linux = new LinuxSpec { ShareNodeIpc = true });
        Assert.Equal(File.ResolveLinkTarget("/proc/self/ns/ipc", false)?.Name ?? new FileInfo("/proc/self/ns/ipc").LinkTarget, (await FinishedAsync(host)).Trim());
    }

    [Fact]
    public async Task Image_KilledWhileItIsPulled_EndsAtOnce()
    {
        _bench.Server.Launch(Task("slow.1", "", spec => spec.Image = new ImageSpec { Name = $"10.255.255.1:5000/never" }));
        await _bench.Server.WaitForAsync("slow.1", TaskState.TaskStaging);
        _bench.Server.Kill("slow.1");
        await _bench.Server.WaitForAsync("slow.1", TaskState.TaskKilled);
    }
}
