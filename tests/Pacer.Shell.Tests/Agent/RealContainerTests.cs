using Pacer.Agent;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Oci;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>The agent with the runtimes that users get, crun and conmon where they work.</summary>
public sealed class RealContainerTests
{
    internal static async Task<AgentBench> StartAsync(string isolation)
    {
        var bench = await AgentBench.StartAsync(startAgent: false, options => options with { Isolation = isolation });
        bench.Real = true;
        try
        {
            await bench.StartAgentAsync();
            return bench;
        }
        catch (AgentException e) when (isolation == "oci")
        {
            bench.Real = false;
            await bench.DisposeAsync();
            Assert.Skip(e.Message);
            throw;
        }
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("process")]
    public async Task Agent_WithRuntime_RunsKillsExecutesAndSurvivesItsRestart(string isolation)
    {
        await using var bench = await StartAsync(isolation);
        Assert.Equal(isolation == "oci" ? "mesos" : "process", bench.Server.LastRegistration.Runtimes[0]);
        Assert.Equal(isolation == "oci", bench.Server.LastRegistration.Runtimes.Contains("mesos-image"));
        bench.Server.Launch(AgentBench.Shell("ends.1", "echo out; pwd; echo err >&2; exit 7"));
        bench.Server.Launch(AgentBench.Shell("stays.1", "sleep 1000", spec => spec.HealthChecks.Add(new HealthCheck
        {
            Protocol = HealthCheck.Types.Protocol.Command, Command = "test -d \"$MESOS_SANDBOX\"", IntervalMs = 100, TimeoutMs = 10_000, AgentKills = true,
        })));
        var end = await bench.Server.WaitForAsync("ends.1", TaskState.TaskFailed);
        Assert.Equal(("Command exited with status 7", 7), (end.Message, end.ExitCode));
        Assert.Equal($"out\n{bench.SandboxOf("ends.1")}\n", File.ReadAllText(Path.Combine(bench.SandboxOf("ends.1"), "stdout")));
        await bench.Server.WaitForAsync("stays.1", status => status.Health is [{ Alive: true }], "good health");
        using (var session = await (await bench.Server.OpenAsync(new OpenSession
        {
            TaskId = "stays.1",
            Exec = new Exec { Command = { "sh", "-c", "echo in $MESOS_EXECUTOR_ID; exit 4" } },
        })).ReadToEndAsync())
        {
            Assert.Equal(("in stays.1\n", 4), (session.Output, session.End!.ExitCode));
        }

        await bench.Agent.StopAsync();
        await bench.StartAgentAsync();
        Assert.Equal(TaskState.TaskRunning, bench.Server.LastRegistration.Tasks.Single(task => task.TaskId == "stays.1").State);
        bench.Server.Kill("stays.1");
        Assert.Equal(15, (await bench.Server.WaitForAsync("stays.1", TaskState.TaskKilled)).Signal);
        await AgentBench.UntilAsync(() => !bench.Agent.Tasks.All.Any(), "tasks are not forgotten");
    }

    [Fact]
    public async Task Agent_TaskEatsItsMemory_IsReportedSo()
    {
        await using var bench = await StartAsync("oci");
        bench.Server.Launch(AgentBench.Shell("eats.1", "exec tail /dev/zero", spec => spec.User = "nobody"));
        var end = await bench.Server.WaitForAsync("eats.1", TaskState.TaskFailed);
        Assert.Equal("REASON_CONTAINER_LIMITATION_MEMORY", end.Reason);
        Assert.Contains("32 MiB", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Teardown_RealContainers_LeavesNothingOnTheMachine()
    {
        await using var bench = await StartAsync("oci");
        bench.Server.Launch(AgentBench.Shell("a.1", "sleep 1000"));
        bench.Server.Launch(AgentBench.Shell("b.1", "sleep 1000"));
        await bench.Server.WaitForAsync("a.1", TaskState.TaskRunning);
        await bench.Server.WaitForAsync("b.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        // As 'pacer down' does, which does not know how the agent was started.
        var result = await AgentHost.TeardownAsync(bench.Options with { Isolation = "auto", Join = "" }, CancellationToken.None);
        Assert.Equal(2, result.TasksKilled);
        Assert.DoesNotContain(bench.Root, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        foreach (var hierarchy in CgroupLayout.Detect().Hierarchies)
        {
            Assert.False(Directory.Exists(hierarchy + OciPaths.CgroupRootOf(bench.Options.WorkDir)), $"a cgroup is left in {hierarchy}");
        }
    }

    [Fact]
    public async Task Runtime_ChangedBetweenAgents_EarlierContainersAreEndedAndReportedGone()
    {
        await using var bench = await StartAsync("oci");
        bench.Server.Launch(AgentBench.Shell("a.1", $"touch {bench.SandboxOf("a.1")}/on; exec sleep 1000"));
        var running = await bench.Server.WaitForAsync("a.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        bench.Options = bench.Options with { Isolation = "process" };
        await bench.StartAgentAsync();
        await bench.Server.WaitForAsync("a.1", TaskState.TaskGone);
        Assert.False(Directory.Exists($"/proc/{running.Pid}"));
    }
}
