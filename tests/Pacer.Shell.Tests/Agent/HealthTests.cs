using Pacer.Agent.Checks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

public sealed class HealthTests
{
    private static readonly ProbeResult Good = new ProbeResult.Success();
    private static readonly ProbeResult Bad = new ProbeResult.Failure("answered 500");

    private static HealthCheck Check(bool agentKills, int most, long graceMs = 0) => new()
    {
        Protocol = HealthCheck.Types.Protocol.Http,
        Path = "/health",
        Port = 80,
        AgentKills = agentKills,
        MaxConsecutiveFailures = most,
        GracePeriodMs = graceMs,
        IntervalMs = 10_000,
        DelayMs = 15_000,
    };

    private static (int FailuresToKill, CheckState State) FailUntilKilled(HealthCheck check, int limit)
    {
        var state = CheckState.Unknown(0);
        for (var i = 1; i <= limit; i++)
        {
            var decision = HealthDecisions.Decide(check, state, Bad, 0, 1_000 * i);
            Assert.True(decision.Tell);
            state = decision.Next;
            if (decision.Kill is not null)
            {
                return (i, state);
            }
        }
        return (0, state);
    }

    [Theory]
    [InlineData(false, 3, 4)]
    [InlineData(false, 1, 2)]
    [InlineData(false, 0, 0)]
    [InlineData(true, 3, 3)]
    [InlineData(true, 1, 1)]
    [InlineData(true, 0, 1)]
    public void Check_FailsInARow_KillsAtTheFailureOfItsKind(bool agentKills, int most, int expected) =>
        Assert.Equal(expected, FailUntilKilled(Check(agentKills, most), 20).FailuresToKill);

    [Fact]
    public void Failure_InGraceBeforeFirstSuccess_IsOverlooked()
    {
        var check = Check(false, 1, graceMs: 5_000);
        var decision = HealthDecisions.Decide(check, CheckState.Unknown(0), Bad, 0, 4_999);
        Assert.Equal((CheckState.Unknown(0), false), (decision.Next, decision.Tell));
        Assert.True(HealthDecisions.Decide(check, CheckState.Unknown(0), Bad, 0, 5_000).Tell);
        var once = HealthDecisions.Decide(check, CheckState.Unknown(0), Good, 0, 1_000).Next;
        Assert.True(HealthDecisions.Decide(check, once, Bad, 0, 2_000).Tell);
    }

    [Fact]
    public void Success_OnlyFlipsAreTold()
    {
        var check = Check(false, 3);
        var first = HealthDecisions.Decide(check, CheckState.Unknown(0), Good, 0, 1_000);
        var second = HealthDecisions.Decide(check, first.Next, Good, 0, 2_000);
        var failed = HealthDecisions.Decide(check, second.Next, Bad, 0, 3_000);
        var back = HealthDecisions.Decide(check, failed.Next, Good, 0, 4_000);
        Assert.Equal([true, false, true, true], new[] { first, second, failed, back }.Select(decision => decision.Tell));
        Assert.Equal(new CheckState(0, true, 0, 1_000, 4_000, 3_000, "answered 500"), back.Next);
    }

    [Fact]
    public void Ignored_ChangesNothing() =>
        Assert.Equal(
            new HealthDecision(CheckState.Unknown(0), false, null),
            HealthDecisions.Decide(Check(true, 1), CheckState.Unknown(0), new ProbeResult.Ignored(), 0, 60_000));

    [Fact]
    public void Schedule_FirstAndNext_FollowTheKind()
    {
        Assert.Equal(5_000, HealthDecisions.FirstDelayMs(Check(false, 1)));
        Assert.Equal(15_000, HealthDecisions.FirstDelayMs(Check(true, 1)));
        Assert.Equal(11_000, HealthDecisions.NextProbeMs(10_000, 1_000, 1_200));
        // A probe that took 2.5 intervals does not make the next ones come in a burst.
        Assert.Equal(31_000, HealthDecisions.NextProbeMs(10_000, 1_000, 26_000));
    }

    private static Action<TaskSpec> With(HealthCheck check) => spec => spec.HealthChecks.Add(check);

    [Fact]
    public async Task HttpCheck_ServiceTurnsBad_FlipsAreToldAndTaskIsKilledForIt()
    {
        await using var web = await TestWeb.StartAsync();
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000", With(new HealthCheck
        {
            Path = "/health", Port = web.Port, IntervalMs = 50, TimeoutMs = 1_000, MaxConsecutiveFailures = 2,
        })));
        await bench.Server.WaitForAsync("web.1", status => status.Health is [{ Alive: true }], "good health");
        await AgentBench.UntilAsync(() => web.Requests > 4, "no checks");
        // Good results are not repeated.
        Assert.Single(bench.Server.Of("web.1"), status => status.Health.Count > 0);
        web.HealthStatus = 503;
        var bad = await bench.Server.WaitForAsync("web.1", status => status.Health is [{ KillCause.Length: > 0, FailsTask: false }], "a wish to end it");
        // The server decides; until it does the task runs and its checks go on.
        await bench.Server.WaitForAsync("web.1", status => status.Health is [{ ConsecutiveFailures: >= 5 }], "more failures");
        bench.Server.Kill("web.1", reason: bad.Health[0].KillCause, unhealthy: true);
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskKilled);
        Assert.Equal("REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", end.Reason);
        Assert.Contains("HTTP check of /health", end.Message, StringComparison.Ordinal);
        Assert.Contains("answered 503", end.Message, StringComparison.Ordinal);
        var health = Assert.Single(end.Health);
        Assert.False(health.Alive);
    }

    [Fact]
    public async Task CommandCheck_OfTheAgent_EndsTheTaskAsFailed()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000", With(new HealthCheck
        {
            Protocol = HealthCheck.Types.Protocol.Command, Command = $"test -e {bench.Root}/ok", IntervalMs = 50, TimeoutMs = 5_000, MaxConsecutiveFailures = 1, AgentKills = true,
            GracePeriodMs = 600_000,
        })));
        await bench.Server.WaitForAsync("web.1", TaskState.TaskRunning);
        File.WriteAllText(Path.Combine(bench.Root, "ok"), "");
        await bench.Server.WaitForAsync("web.1", status => status.Health is [{ Alive: true }], "good health");
        File.Delete(Path.Combine(bench.Root, "ok"));
        var bad = await bench.Server.WaitForAsync("web.1", status => status.Health is [{ KillCause.Length: > 0, FailsTask: true }], "a wish to end it");
        bench.Server.Kill("web.1", reason: bad.Health[0].KillCause, unhealthy: true);
        var end = await bench.Server.WaitForAsync("web.1", TaskState.TaskFailed);
        Assert.Contains("exited with status 1", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TcpCheck_NobodyListens_FailureNamesIt()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000", With(new HealthCheck
        {
            Protocol = HealthCheck.Types.Protocol.Tcp, Port = 1, IntervalMs = 50, TimeoutMs = 1_000, MaxConsecutiveFailures = 0,
        })));
        var bad = await bench.Server.WaitForAsync("web.1", status => status.Health is [{ ConsecutiveFailures: >= 2 }], "bad health");
        Assert.Contains("refused", bad.Health[0].LastFailureCause, StringComparison.Ordinal);
        Assert.Equal(TaskState.TaskRunning, bad.State);
    }

    [Fact]
    public async Task Health_AgentRestarted_IsKept()
    {
        await using var web = await TestWeb.StartAsync();
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(AgentBench.Shell("web.1", "exec sleep 1000", With(new HealthCheck { Path = "/health", Port = web.Port, IntervalMs = 50, TimeoutMs = 1_000 })));
        await bench.Server.WaitForAsync("web.1", status => status.Health is [{ Alive: true }], "good health");
        await bench.Agent.StopAsync();
        await bench.StartAgentAsync();
        Assert.True(Assert.Single(bench.Server.LastRegistration.Tasks[0].Health).Alive);
    }
}
