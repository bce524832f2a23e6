using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

public sealed class TaskLifecycleTests
{
    [Fact]
    public async Task Task_CommandSucceeds_GoesFromStartingOverRunningToFinished()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "echo out; echo err >&2"));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFinished);
        Assert.Equal(
            [TaskState.TaskStarting, TaskState.TaskRunning, TaskState.TaskFinished],
            bench.Server.Of("web.1").Select(status => status.State));
        Assert.Equal([1, 2, 3], bench.Server.Of("web.1").Select(status => status.Sequence));
        Assert.Equal(0, end.ExitCode);
        Assert.Equal("out\n", File.ReadAllText(Path.Combine(bench.SandboxOf("web.1"), "stdout")));
        Assert.Equal("err\n", File.ReadAllText(Path.Combine(bench.SandboxOf("web.1"), "stderr")));
        // Acknowledged and cleaned up: forgotten, but its files stay.
        await AgentBench.UntilAsync(() => !bench.Agent.Tasks.All.Any(), "the task is not forgotten");
        await AgentBench.UntilAsync(() => !File.Exists(bench.Checkpoint("web.1", "spec")), "the checkpoint stays");
        Assert.True(Directory.Exists(bench.SandboxOf("web.1")));
    }

    [Theory]
    [InlineData("exit 7", TaskState.TaskFailed, "Command exited with status 7", "REASON_COMMAND_EXECUTOR_FAILED", 7, null)]
    [InlineData("kill -SEGV $$", TaskState.TaskFailed, "Command terminated with signal SIGSEGV", "REASON_COMMAND_EXECUTOR_FAILED", null, 11)]
    [InlineData("exit 77", TaskState.TaskFailed, "Memory limit exceeded", "REASON_CONTAINER_LIMITATION_MEMORY", null, 9)]
    [InlineData("exit 78", TaskState.TaskGone, "exit status is unknown", "REASON_EXECUTOR_TERMINATED", null, null)]
    [InlineData("refuse-to-start", TaskState.TaskFailed, "no such program", "REASON_CONTAINER_LAUNCH_FAILED", null, null)]
    public async Task Task_CommandFails_StatusSaysHow(string command, TaskState state, string message, string reason, int? code, int? signal)
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", command));
        var end = await bench.Server.WaitForAsync("web.1", state);
        Assert.Contains(message, end.Message, StringComparison.Ordinal);
        Assert.Equal(reason, end.Reason);
        Assert.Equal(code, end.HasExitCode ? end.ExitCode : null);
        Assert.Equal(signal, end.HasSignal ? end.Signal : null);
    }

    [Fact]
    public async Task Task_Running_KnowsItsSandboxAndNode()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "env; pwd", spec =>
        {
            spec.Environment["MESOS_TASK_ID"] = "web.1";
            spec.Environment["MESOS_CONTAINER_IP"] = "mine";
        }));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskFinished);
        var lines = File.ReadAllLines(Path.Combine(bench.SandboxOf("web.1"), "stdout"));
        Assert.Contains($"MESOS_SANDBOX={bench.SandboxOf("web.1")}", lines);
        Assert.Contains($"MESOS_SLAVE_ID={bench.Agent.AgentId}", lines);
        Assert.Contains("MESOS_FRAMEWORK_ID=test-cluster", lines);
        Assert.Contains("MESOS_EXECUTOR_ID=web.1", lines);
        Assert.Contains("MESOS_TASK_ID=web.1", lines);
        Assert.Contains("MESOS_CONTAINER_IP=mine", lines);
        Assert.Contains("LIBPROCESS_IP=127.0.0.1", lines);
        Assert.Contains(bench.SandboxOf("web.1"), lines);
    }

    [Fact]
    public async Task Kill_TaskListens_EndsAtSigtermAsKilled()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        bench.Server.Kill("web.1", reason: "scaled down");
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        Assert.Contains(bench.Server.Of("web.1"), status => status.State == TaskState.TaskKilling);
        Assert.Equal(15, end.Signal);
        Assert.Equal("scaled down", end.Message);
    }

    [Fact]
    public async Task Kill_TaskIgnoresSigterm_IsForcedAfterItsGrace()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "trap '' TERM; echo ready; while :; do sleep 0.05; done", spec => spec.KillGraceMs = 300));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await AgentBench.UntilAsync(() => new FileInfo(Path.Combine(bench.SandboxOf("web.1"), "stdout")).Length > 0, "no output");
        bench.Server.Kill("web.1");
        var killing = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilling);
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        Assert.Equal(9, end.Signal);
        Assert.InRange(end.TimestampMs - killing.TimestampMs, 290, 5_000);
    }

    [Fact]
    public async Task Kill_Repeated_ShortensTheGrace()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "trap '' TERM; echo ready; while :; do sleep 0.05; done", spec => spec.KillGraceMs = 600_000));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await AgentBench.UntilAsync(() => new FileInfo(Path.Combine(bench.SandboxOf("web.1"), "stdout")).Length > 0, "no output");
        bench.Server.Kill("web.1");
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilling);
        bench.Server.Kill("web.1", graceMs: 50);
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
    }

    [Fact]
    public async Task Kill_TaskThatDrains_IsKillingForAWhileBeforeSigterm()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "trap 'date +%s%N >&2; exit 0' TERM; echo ready; while :; do sleep 0.01; done", spec => spec.DrainMs = 400));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await AgentBench.UntilAsync(() => File.ReadAllText(Path.Combine(bench.SandboxOf("web.1"), "stdout")) == "ready\n", "it is not ready");
        bench.Server.Kill("web.1");
        var killing = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilling);
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        var heard = long.Parse(File.ReadAllText(Path.Combine(bench.SandboxOf("web.1"), "stderr")), System.Globalization.CultureInfo.InvariantCulture) / 1_000_000;
        Assert.InRange(heard - killing.TimestampMs, 350, 5000);
        Assert.Single(bench.Server.Of("web.1"), status => status.State == TaskState.TaskKilling && status.Sequence == killing.Sequence);
        Assert.NotNull(end);
    }

    [Fact]
    public async Task Kill_UnknownTask_IsAnsweredAsKilled()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Kill("nobody.1");
        var end = await bench.Server.WaitForAsync("nobody.1", TaskState.TaskKilled);
        Assert.Equal("REASON_TASK_UNKNOWN", end.Reason);
    }

    [Fact]
    public async Task Kill_DuringFetch_CancelsTheLaunch()
    {
        await using var bench = await AgentBench.StartAsync();
        await using var web = await TestWeb.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "echo ran", spec => spec.Fetch.Add(new Artifact { Uri = web.Url + "/never" })));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskStaging);
        bench.Server.Kill("web.1");
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        Assert.DoesNotContain(bench.Server.Of("web.1"), status => status.State == TaskState.TaskRunning);
    }

    [Fact]
    public async Task Launch_Repeated_RunsOnce()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Acknowledges = false;
        var spec = AgentBench.Shell("web.1", $"echo x >> {bench.Root}/marks; exit 3");
        bench.Server.Launch(spec);
        bench.Server.Launch(spec);
        await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        bench.Server.Launch(spec);
        await bench.Server.WaitAsync<object>(
            server => server.Of("web.1").Count(status => status.State == TaskState.TaskFailed) > 1 ? server : null, "the end is not told again");
        Assert.Equal("x\n", File.ReadAllText(Path.Combine(bench.Root, "marks")));
    }

    [Fact]
    public async Task Launch_NoSuchUser_FailsSayingSo()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "true", spec => spec.User = "no-such-user"));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        Assert.Equal("User 'no-such-user' does not exist on this node", end.Message);
    }

    [Fact]
    public async Task Launch_WithoutCommand_IsAnError()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "", spec => spec.Command = null));
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskError);
        Assert.Contains("\"cmd\"", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_IdThatLeadsElsewhere_IsRefused()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("../../evil", "true"));
        await bench.Server.WaitForAsync("../../evil", TaskState.TaskError);
    }

    [Fact]
    public async Task Launches_Many_AllRunAndAllCanBeKilled()
    {
        await using var bench = await AgentBench.StartAsync();
        var ids = Enumerable.Range(0, 60).Select(i => $"many.{i}").ToList();
        foreach (var id in ids)
        {
            bench.Server.Launch(AgentBench.Shell(id, "exec sleep 1000"));
        }
        foreach (var id in ids)
        {
            await bench.Server.WaitForAsync(id, TaskState.TaskRunning);
        }
        foreach (var id in ids)
        {
            bench.Server.Kill(id);
        }
        foreach (var id in ids)
        {
            await bench.Server.WaitForAsync(id, TaskState.TaskKilled);
        }
        await AgentBench.UntilAsync(() => bench.Runtime.Running().Count == 0 && !bench.Agent.Tasks.All.Any(), "something is left");
    }
}
