using Pacer.Agent;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>kill -9 of the agent at chosen and at random moments, and what the next one makes of it.</summary>
public sealed class RecoveryTests
{
    [Theory]
    [InlineData("before-start")]
    [InlineData("after-start")]
    [InlineData("after-exit")]
    [InlineData("after-delete")]
    public async Task Agent_KilledAtThatPoint_NextReportsTheRealExitOfOneRun(string point)
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        var marks = Path.Combine(bench.Root, "marks");
        await using (var doomed = ChildAgent.Start(bench, point))
        {
            await bench.Server.WaitForRegistrationsAsync(1);
            bench.Server.Acknowledges = false;
            bench.Server.Launch(AgentBench.Shell("web.1", $"echo x >> {marks}; sleep 0.3; exit 5"));
            await doomed.WaitForCrashAsync();
        }
        bench.Server.Acknowledges = true;
        await bench.StartAgentAsync();
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        Assert.Equal(5, end.ExitCode);
        Assert.Equal("x\n", File.ReadAllText(marks));
        var sequences = bench.Server.Of("web.1").Select(status => status.Sequence).ToList();
        Assert.Equal(sequences.Order(), sequences);
        await AgentBench.UntilAsync(() => Directory.GetFiles(Path.Combine(bench.Options.WorkDir, "tasks")).Length == 0, "checkpoints are left");
        Assert.Empty(bench.Runtime.Running());
    }

    [Fact]
    public async Task Agent_KilledWhileTaskRuns_NextReadoptsIt()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        await using (var doomed = ChildAgent.Start(bench))
        {
            await bench.Server.WaitForRegistrationsAsync(1);
            bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
            await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
            await doomed.KillAsync();
        }
        var before = bench.Runtime.Running();
        await bench.StartAgentAsync();
        var status = Assert.Single(bench.Server.LastRegistration.Tasks);
        Assert.Equal(TaskState.TaskRunning, status.State);
        Assert.True(status.Pid > 0);
        Assert.Equal(before, bench.Runtime.Running());
        bench.Server.Kill("web.1");
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
    }

    [Fact]
    public async Task Agent_KilledDuringAKill_NextFinishesIt()
    {
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        await using (var doomed = ChildAgent.Start(bench, "before-signal"))
        {
            await bench.Server.WaitForRegistrationsAsync(1);
            bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
            await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
            bench.Server.Kill("web.1", reason: "enough");
            await doomed.WaitForCrashAsync();
        }
        await bench.StartAgentAsync();
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        Assert.Equal("enough", end.Message);
    }

    [Fact]
    public async Task Agent_KilledAtRandomMomentsUnderLoad_NoTaskIsLostOrDoubled()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        var marks = Directory.CreateDirectory(Path.Combine(bench.Root, "marks")).FullName;
        var ids = new List<string>();
        for (var round = 0; round < 4; round++)
        {
            await using var doomed = ChildAgent.Start(bench);
            await bench.Server.WaitForRegistrationsAsync(round + 1);
            for (var i = 0; i < 15; i++)
            {
                var id = $"load.{round}.{i}";
                ids.Add(id);
                bench.Server.Launch(AgentBench.Shell(id, $"echo x >> {marks}/{id}; sleep 0.{random.Next(1, 9)}; exit {i + 1}"));
            }
            await Task.Delay(random.Next(0, 400));
            await doomed.KillAsync();
        }
        await bench.StartAgentAsync();
        foreach (var id in ids)
        {
            // What the agent never heard of is not there, and the server sends it again.
            if (bench.Server.Of(id).Count == 0 && !File.Exists(Path.Combine(marks, id)))
            {
                continue;
            }
            var end = await bench.Server.WaitForAsync(id, TaskState.TaskFailed);
            Assert.Equal(int.Parse(id[(id.LastIndexOf('.') + 1)..]) + 1, end.ExitCode);
            Assert.True(File.ReadAllText(Path.Combine(marks, id)) == "x\n", $"{id} ran more than once (seed {seed})");
        }
        await AgentBench.UntilAsync(() => bench.Runtime.Running().Count == 0, "containers are left");
        await AgentBench.UntilAsync(() => Directory.GetFiles(Path.Combine(bench.Options.WorkDir, "tasks")).Length == 0, "checkpoints are left");
    }

    [Fact]
    public async Task Agent_Stopped_LeavesTasksRunning()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        Assert.Single(bench.Runtime.Running());
        await bench.StartAgentAsync();
        Assert.Equal(TaskState.TaskRunning, Assert.Single(bench.Server.LastRegistration.Tasks).State);
    }

    [Fact]
    public async Task Machine_RestartedMeanwhile_TasksAreGone()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        File.WriteAllText(Path.Combine(bench.Options.WorkDir, "boot-id"), "another boot\n");
        await bench.StartAgentAsync();
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskGone);
        Assert.Equal("REASON_AGENT_RESTARTED", end.Reason);
    }

    [Fact]
    public async Task Checkpoint_Corrupt_IsSetAsideAndItsContainerRemoved()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        bench.Server.Launch(AgentBench.Shell("web.2", "exec sleep 1000"));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await bench.Server.WaitForAsync("web.2", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        File.WriteAllBytes(bench.Checkpoint("web.1", "state"), new byte[100]);
        await bench.StartAgentAsync();
        Assert.Equal("web.2", Assert.Single(bench.Server.LastRegistration.Tasks).TaskId);
        Assert.True(File.Exists(bench.Checkpoint("web.1", "state") + ".corrupt"));
        await AgentBench.UntilAsync(() => bench.Runtime.Running().Count == 1, "the orphan is left");
    }

    [Fact]
    public async Task Teardown_NoAgentRuns_EndsTasksAndNextAgentReportsThemKilled()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000"));
        bench.Server.Launch(AgentBench.Shell("web.2", "trap '' TERM; while :; do sleep 0.05; done", spec => spec.KillGraceMs = 200));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        await bench.Server.WaitForAsync("web.2", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        var result = await AgentHost.TeardownAsync(bench.Options, bench.Parts, CancellationToken.None);
        Assert.Equal(2, result.TasksKilled);
        Assert.Empty(result.TasksLeft);
        Assert.Empty(bench.Runtime.Running());
        await bench.StartAgentAsync();
        await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        await bench.Server.WaitForAsync("web.2", TaskState.TaskKilled);
    }

    [Fact]
    public async Task Agent_WorkDirectoryInUse_RefusesClearly()
    {
        await using var bench = await AgentBench.StartAsync();
        var second = await Assert.ThrowsAsync<AgentException>(() => AgentHost.StartAsync(bench.Options, bench.Parts, CancellationToken.None));
        Assert.Contains($"(process {Environment.ProcessId})", second.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<AgentException>(() => AgentHost.TeardownAsync(bench.Options, bench.Parts, CancellationToken.None));
    }

    [Fact]
    public async Task Agent_StartedAgain_KeepsItsId()
    {
        await using var bench = await AgentBench.StartAsync();
        var id = bench.Agent.AgentId;
        await bench.Agent.StopAsync();
        Assert.Equal(id, (await bench.StartAgentAsync()).AgentId);
        Assert.Equal(id, bench.Server.LastRegistration.AgentId);
    }
}
