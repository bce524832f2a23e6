using System.Text.Json.Nodes;
using Pacer.Agent;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;

namespace Pacer.Shell.Tests.Docker;

/// <summary>Docker containers while the agent or the daemon is away.</summary>
[Collection(nameof(DockerCollection))]
public sealed class DockerSurvivalTests(DockerDaemon daemon)
{
    // Prints numbers until somebody makes the file, which is the last word.
    private const string Counting = "i=0; while [ ! -e $MESOS_SANDBOX/end ]; do echo $i; i=$((i+1)); sleep 0.01; done; exit 7";

    private static void AssertCounts(string text)
    {
        var lines = text.TrimEnd('\n').Split('\n');
        Assert.Equal(Enumerable.Range(0, lines.Length).Select(i => $"{i}"), lines);
    }

    private static void End(DockerBench bench, string task) => File.WriteAllText(Path.Combine(bench.Agents.SandboxOf(task), "end"), "");

    private static Task UntilCountedAsync(DockerBench bench, string task, int more = 20)
    {
        var file = Path.Combine(bench.Agents.SandboxOf(task), "stdout");
        var before = File.Exists(file) ? File.ReadAllText(file).Count(c => c == '\n') : 0;
        return AgentBench.UntilAsync(() => File.ReadAllText(file).Count(c => c == '\n') >= before + more, $"{task} does not count");
    }

    [Fact]
    public async Task AgentRestarts_ContainerGoesOn_AndNoLineIsLostOrDoubled()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("count.1", Counting));
        await bench.Server.WaitForAsync("count.1", TaskState.TaskRunning);
        await UntilCountedAsync(bench, "count.1");
        var pid = bench.Server.Of("count.1")[^1].Pid;
        await bench.Agents.Agent.StopAsync();
        await bench.Agents.StartAgentAsync();
        Assert.Equal(TaskState.TaskRunning, bench.Server.LastRegistration.Tasks.Single().State);
        await UntilCountedAsync(bench, "count.1");
        Assert.True(Directory.Exists($"/proc/{pid}"));

        await bench.Agents.Agent.StopAsync();
        End(bench, "count.1");
        await AgentBench.UntilAsync(() => !Directory.Exists($"/proc/{pid}"), "the container does not end");
        await bench.Agents.StartAgentAsync();
        Assert.Equal(7, (await bench.Server.WaitForAsync("count.1", TaskState.TaskFailed)).ExitCode);
        AssertCounts(bench.Read("count.1", "stdout"));
    }

    [Fact]
    public async Task AgentIsKilled_ContainersAreTakenOverOnce()
    {
        await using var bench = await DockerBench.StartAsync(daemon, startAgent: false);
        await using (var agent = ChildAgent.Start(bench.Agents))
        {
            await bench.Server.WaitForRegistrationsAsync(1);
            for (var i = 0; i < 5; i++)
            {
                bench.Server.Launch(bench.Shell($"killed{i}.1", Counting));
            }
            await bench.Server.WaitForAsync("killed2.1", TaskState.TaskRunning);
            await agent.KillAsync();
        }
        await bench.Agents.StartAgentAsync();
        for (var i = 0; i < 5; i++)
        {
            await bench.Server.WaitForAsync($"killed{i}.1", TaskState.TaskRunning);
            await UntilCountedAsync(bench, $"killed{i}.1");
        }
        Assert.Equal(5, (await daemon.NamesAsync()).Count(name => name.StartsWith("pacer-killed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task DaemonLeavesAndComesBack_TaskNeverNotices_ButTheNodeOffersNoDockerMeanwhile()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("stays.1", Counting));
        await bench.Server.WaitForAsync("stays.1", TaskState.TaskRunning);
        await UntilCountedAsync(bench, "stays.1");
        await daemon.StopAsync();
        try
        {
            await bench.Server.WaitAsync(server => server.LastRegistration.Runtimes.Contains("docker") ? null : "", "docker is still offered");
            Assert.Equal(TaskState.TaskRunning, bench.Server.LastRegistration.Tasks.Single().State);
            bench.Server.Launch(bench.Shell("early.1", "true", spec => spec.Image.ForcePull = true));
            var refused = await bench.Server.WaitForAsync("early.1", TaskState.TaskFailed);
            Assert.Contains(daemon.Socket, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await daemon.StartAsync();
        }
        await bench.Server.WaitAsync(server => server.LastRegistration.Runtimes.Contains("docker") ? "" : null, "docker is not offered again");
        await UntilCountedAsync(bench, "stays.1");
        End(bench, "stays.1");
        Assert.Equal(7, (await bench.Server.WaitForAsync("stays.1", TaskState.TaskFailed)).ExitCode);
        AssertCounts(bench.Read("stays.1", "stdout"));
    }

    [Fact]
    public async Task ContainerEndsWhileDaemonIsAway_ItsExitCodeIsFoundWhenItIsBack()
    {
        await using var bench = await DockerBench.StartAsync(daemon, lostAfterSeconds: 60);
        bench.Server.Launch(bench.Shell("ended.1", "while [ ! -e $MESOS_SANDBOX/end ]; do sleep 0.05; done; exit 7"));
        var pid = (await bench.Server.WaitForAsync("ended.1", TaskState.TaskRunning)).Pid;
        await daemon.StopAsync();
        try
        {
            End(bench, "ended.1");
            await AgentBench.UntilAsync(() => !Directory.Exists($"/proc/{pid}"), "the container does not end");
        }
        finally
        {
            await daemon.StartAsync();
        }
        Assert.Equal(7, (await bench.Server.WaitForAsync("ended.1", TaskState.TaskFailed)).ExitCode);
    }

    [Fact]
    public async Task ContainerEndsAndDaemonStaysAway_TaskIsGone_AndItsRestIsRemovedLater()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("lost.1", "while [ ! -e $MESOS_SANDBOX/end ]; do sleep 0.05; done"));
        await bench.Server.WaitForAsync("lost.1", TaskState.TaskRunning);
        await daemon.StopAsync();
        try
        {
            End(bench, "lost.1");
            await bench.Server.WaitForAsync("lost.1", TaskState.TaskGone);
        }
        finally
        {
            await daemon.StartAsync();
        }
        await bench.UntilForgottenAsync();
        Assert.DoesNotContain(await daemon.NamesAsync(), name => name.Contains("lost.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Kill_WhileDaemonIsAway_EndsTheProcess()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("away.1", "exec sleep 1000"));
        var pid = (await bench.Server.WaitForAsync("away.1", TaskState.TaskRunning)).Pid;
        await daemon.StopAsync();
        try
        {
            bench.Server.Kill("away.1", 100);
            await bench.Server.WaitForAsync("away.1", TaskState.TaskKilled);
            Assert.False(Directory.Exists($"/proc/{pid}"));
        }
        finally
        {
            await daemon.StartAsync();
        }
        await bench.UntilForgottenAsync();
    }

    [Fact]
    public async Task AgentStarts_WhileDaemonIsAway_TasksAreTakenOver()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("both.1", Counting));
        await bench.Server.WaitForAsync("both.1", TaskState.TaskRunning);
        await UntilCountedAsync(bench, "both.1");
        await bench.Agents.Agent.StopAsync();
        await daemon.StopAsync();
        try
        {
            await bench.Agents.StartAgentAsync();
            Assert.Equal(TaskState.TaskRunning, bench.Server.LastRegistration.Tasks.Single().State);
            Assert.DoesNotContain("docker", bench.Server.LastRegistration.Runtimes);
        }
        finally
        {
            await daemon.StartAsync();
        }
        await UntilCountedAsync(bench, "both.1");
        bench.Server.Kill("both.1", 100);
        Assert.Equal(9, (await bench.Server.WaitForAsync("both.1", TaskState.TaskKilled)).Signal);
        AssertCounts(bench.Read("both.1", "stdout"));
    }

    [Fact]
    public async Task Orphans_AreRemoved_AndWhatOthersRunIsNotTouched()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        await bench.Agents.Agent.StopAsync();
        var agentId = File.ReadAllText(Path.Combine(bench.Agents.Options.WorkDir, "agent-id")).Trim();
        var mark = $"m{Environment.ProcessId}";
        await RunAsync("orphan" + mark, new JsonObject { ["pacer.agent"] = agentId, ["pacer.container"] = "x-0123456789.docker" });
        await RunAsync("others" + mark, new JsonObject { ["pacer.agent"] = "another agent", ["pacer.container"] = "x-0123456789.docker" });
        await RunAsync("foreign" + mark, []);
        await bench.Agents.StartAgentAsync();
        Assert.Equal(["foreign" + mark, "others" + mark], (await daemon.NamesAsync()).Where(name => name.EndsWith(mark, StringComparison.Ordinal)).Order());
        foreach (var name in new[] { "others", "foreign" })
        {
            await daemon.SendAsync("DELETE", $"/containers/{name}{mark}?force=1");
        }
    }

    [Fact]
    public async Task Teardown_EndsDockerContainersAsWell()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("down.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("down.1", TaskState.TaskRunning);
        await bench.Agents.Agent.StopAsync();
        // Told nothing of the daemon, as 'pacer down' is.
        var result = await AgentHost.TeardownAsync(bench.Agents.Options with { DockerSocket = "none" }, bench.Agents.Parts, CancellationToken.None);
        Assert.Equal(1, result.TasksKilled);
        Assert.DoesNotContain(await daemon.NamesAsync(), name => name.Contains("down.1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Agent_WithAnotherDaemonThanItsContainersHave_SaysWhatToDo()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        bench.Server.Launch(bench.Shell("moved.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("moved.1", TaskState.TaskRunning);
        await bench.Agents.Agent.StopAsync();
        var refused = await Assert.ThrowsAsync<AgentException>(() => AgentHost.StartAsync(bench.Agents.Options with { DockerSocket = "/tmp/another.sock" }, bench.Agents.Parts, CancellationToken.None));
        Assert.Contains($"--docker-socket {daemon.Socket}", refused.Message, StringComparison.Ordinal);
    }

    private async Task RunAsync(string name, JsonObject labels)
    {
        var body = new JsonObject { ["Image"] = daemon.Image, ["Labels"] = labels, ["HostConfig"] = new JsonObject { ["NetworkMode"] = "host" } };
        await daemon.SendAsync("POST", "/containers/create?name=" + name, body);
        await daemon.SendAsync("POST", $"/containers/{name}/start");
    }
}
