using System.Text;
using Google.Protobuf;
using Pacer.Agent.Logs;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

public sealed class SessionTests
{
    private static OpenSession Read(string task, string path, long offset = 0, long length = -1, bool follow = false) =>
        new() { TaskId = task, Read = new ReadFile { Path = path, Offset = offset, Length = length, Follow = follow } };

    private static async Task<AgentBench> WithEndedTaskAsync()
    {
        var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "echo hello; mkdir dir; echo deep > dir/file; ln -s /etc etc; ln -s dir/file link; chmod 640 dir/file"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskFinished);
        return bench;
    }

    [Fact]
    public async Task Browse_EndedTask_ListsFilesInMesosFields()
    {
        await using var bench = await WithEndedTaskAsync();
        using var root = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "web.1", Browse = new BrowseFiles { Path = "" } })).ReadToEndAsync();
        Assert.Equal(["dir", "etc", "link", "stderr", "stdout"], root.Entries!.Entries.Select(entry => entry.Path));
        Assert.StartsWith("d", root.Entries.Entries[0].Mode, StringComparison.Ordinal);
        using var dir = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "web.1", Browse = new BrowseFiles { Path = "/dir/" } })).ReadToEndAsync();
        var file = Assert.Single(dir.Entries!.Entries);
        Assert.Equal(("dir/file", 5L, "-rw-r-----", Environment.UserName, 1), (file.Path, file.Size, file.Mode, file.Uid, file.Nlink));
        Assert.InRange(file.MtimeS, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);
    }

    [Theory]
    [InlineData("stdout", 0, -1, "hello\n")]
    [InlineData("stdout", 1, 3, "ell")]
    [InlineData("stdout", -3, -1, "lo\n")]
    [InlineData("stdout", 100, -1, "")]
    [InlineData("link", 0, -1, "deep\n")]
    public async Task Read_PartOfAFile_IsSent(string path, long offset, long length, string expected)
    {
        await using var bench = await WithEndedTaskAsync();
        using var session = await (await bench.Server.OpenAsync(Read("web.1", path, offset, length))).ReadToEndAsync();
        Assert.Equal(expected, session.Output);
        Assert.Equal(path == "link" ? 5 : 6, session.Size);
        Assert.Equal("", session.End!.ErrorKind);
    }

    [Theory]
    [InlineData("web.1", "../../agent-id", "not-found")]
    [InlineData("web.1", "etc/passwd", "not-found")]
    [InlineData("web.1", "missing", "not-found")]
    [InlineData("web.1", "dir", "refused")]
    [InlineData("web.2", "stdout", "not-found")]
    [InlineData("../tasks", "x", "not-found")]
    public async Task Read_NotThereOrOutside_IsRefused(string task, string path, string kind)
    {
        await using var bench = await WithEndedTaskAsync();
        using var session = await (await bench.Server.OpenAsync(Read(task, path))).ReadToEndAsync();
        Assert.Equal(kind, session.End!.ErrorKind);
        Assert.NotEqual("", session.End.Error);
        Assert.Equal("", session.Output);
    }

    [Fact]
    public async Task Follow_RunningTask_SendsWhatComesAndEndsWithTheTask()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", $"echo one; while ! test -e {bench.Root}/go; do sleep 0.02; done; echo two"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        using var session = await bench.Server.OpenAsync(Read("web.1", "stdout", follow: true));
        await session.ReadUntilAsync(s => s.Output == "one\n");
        File.WriteAllText(Path.Combine(bench.Root, "go"), "");
        await session.ReadToEndAsync();
        Assert.Equal("one\ntwo\n", session.Output);
        Assert.Equal("", session.End!.ErrorKind);
    }

    [Fact]
    public async Task Follow_LogIsRotatedManyTimes_NoLineIsLostOrRepeated()
    {
        const int lines = 20_000;
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", $"i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); done; while ! test -e {bench.Root}/go; do sleep 0.02; done"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        using var session = await bench.Server.OpenAsync(Read("web.1", "stdout", follow: true));
        await session.ReadUntilAsync(s => s.Size is not null);
        var rotator = new LogRotator(bench.Runtime, new Pacer.Agent.Tasks.Sandboxes(Path.Combine(bench.Options.WorkDir, "sandboxes"), new Pacer.Agent.Disks.ProjectQuota(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance),
            10_000, 50, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var rotating = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                rotator.RotateAll(bench.Agent.Tasks.All, CancellationToken.None);
            }
        });
        await session.ReadUntilAsync(s => s.Output.EndsWith($"line {lines - 1}\n", StringComparison.Ordinal));
        await stop.CancelAsync();
        await rotating;
        File.WriteAllText(Path.Combine(bench.Root, "go"), "");
        await session.ReadToEndAsync();
        var expected = new StringBuilder();
        for (var i = 0; i < lines; i++)
        {
            expected.Append("line ").Append(i).Append('\n');
        }
        Assert.Equal(expected.ToString(), session.Output);
        Assert.True(File.Exists(Path.Combine(bench.SandboxOf("web.1"), "stdout.1")));
    }

    [Fact]
    public async Task Rotation_KeepsOnlySoManyFiles()
    {
        await using var bench = await AgentBench.StartAsync(change: options => options with { LogMaxBytes = 1_000, LogKeep = 2 });
        bench.Server.Launch(AgentBench.Shell("web.1", "while :; do echo 0123456789012345678901234567890123456789; sleep 0.001; done"));
        await AgentBench.UntilAsync(() => File.Exists(Path.Combine(bench.SandboxOf("web.1"), "stdout.2")), "no rotation");
        await AgentBench.UntilAsync(() => bench.Agent.Tasks.TryFind("web.1", out var task) && task.Logs.Stdout >= 3, "no third rotation");
        Assert.Equal(["stderr", "stdout", "stdout.1", "stdout.2"], Directory.GetFiles(bench.SandboxOf("web.1")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Rotation_TaskPutsLinksInTheWay_NothingBehindThemIsTouched()
    {
        await using var bench = await AgentBench.StartAsync(change: options => options with { LogMaxBytes = 100 });
        var secret = Path.Combine(bench.Root, "secret");
        File.WriteAllText(secret, new string('s', 1_000));
        bench.Server.Launch(AgentBench.Shell(
            "web.1", $"ln -s {secret} stdout.rotating; ln -s {secret} stdout.1; rm stderr; ln -s {secret} stderr; while :; do echo 0123456789; sleep 0.001; done"));
        await AgentBench.UntilAsync(() => bench.Agent.Tasks.TryFind("web.1", out var task) && task.Logs.Stdout >= 2, "no rotation");
        Assert.Equal(new string('s', 1_000), File.ReadAllText(secret));
    }

    [Fact]
    public async Task Exec_CommandWithInput_StreamsAndExitCodeComeBack()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        using var session = await bench.Server.OpenAsync(new OpenSession
        {
            TaskId = "web.1",
            Exec = new Exec { Command = { "sh", "-c", "read x; echo got $x; echo oops >&2; cat; exit 3" }, Stdin = true },
        });
        await session.WriteAsync(new SessionMessage { Data = ByteString.CopyFromUtf8("abc\n") });
        await session.ReadUntilAsync(s => s.Output == "got abc\n");
        await session.WriteAsync(new SessionMessage { Data = ByteString.CopyFromUtf8("rest") });
        await session.WriteAsync(new SessionMessage { CloseInput = true });
        await session.ReadToEndAsync();
        Assert.Equal(("got abc\nrest", "oops\n", 3), (session.Output, session.Errors, session.End!.ExitCode));
    }

    [Fact]
    public async Task Exec_CallerLeaves_CommandIsEnded()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        var session = await bench.Server.OpenAsync(new OpenSession
        {
            TaskId = "web.1",
            Exec = new Exec { Command = { "sh", "-c", $"echo $$ > {bench.Root}/pid; echo on; exec sleep 1000" } },
        });
        await session.ReadUntilAsync(s => s.Output == "on\n");
        session.Dispose();
        var pid = File.ReadAllText(Path.Combine(bench.Root, "pid")).Trim();
        await AgentBench.UntilAsync(() => !Directory.Exists($"/proc/{pid}"), "the command goes on");
    }

    [Fact]
    public async Task Exec_TaskIsOver_IsRefused()
    {
        await using var bench = await WithEndedTaskAsync();
        using var session = await (await bench.Server.OpenAsync(new OpenSession { TaskId = "web.1", Exec = new Exec { Command = { "true" } } })).ReadToEndAsync();
        Assert.Equal("refused", session.End!.ErrorKind);
    }
}
