using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>Runs all checks of one task while it runs: a timer a check, no thread. Knows nothing of apps. Disposing pauses them for good.</summary>
internal sealed class TaskChecks : IDisposable
{
    private readonly CancellationTokenSource _ended;

    private TaskChecks(CancellationToken stopping) => _ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);

    /// <summary>Null when the task has none.</summary>
    /// <param name="post">Takes what was found.</param>
    public static TaskChecks? Begin(TaskSpec spec, TaskSnapshot task, Action<TaskEvent> post, TaskTools tools)
    {
        if (spec.HealthChecks.Count == 0 && spec.ReadinessChecks.Count == 0 && spec.Check is null)
        {
            return null;
        }
        var running = new TaskChecks(tools.Stopping);
        for (var i = 0; i < spec.HealthChecks.Count; i++)
        {
            var index = i;
            var known = task.Health?.FirstOrDefault(state => state.Check == index) ?? CheckState.Unknown(i);
            _ = UntilEndedAsync(HealthAsync(spec.HealthChecks[i], known, task, post, tools, running._ended.Token));
        }
        foreach (var check in spec.ReadinessChecks)
        {
            var known = task.Readiness?.FirstOrDefault(state => state.Name == check.Name);
            if (known is not { Ready: true })
            {
                _ = UntilEndedAsync(ReadinessAsync(check, task.ContainerId, known, post, tools, running._ended.Token));
            }
        }
        if (spec.Check is { } status)
        {
            _ = UntilEndedAsync(StatusAsync(status, task, post, tools, running._ended.Token));
        }
        return running;
    }

    private static async Task HealthAsync(
        HealthCheck check, CheckState state, TaskSnapshot task, Action<TaskEvent> post, TaskTools tools, CancellationToken cancellationToken)
    {
        var next = FirstProbeMs(task.StartedAtMs + HealthDecisions.FirstDelayMs(check), check.IntervalMs, tools);
        while (true)
        {
            var probedAt = await WaitAsync(next, tools, cancellationToken).ConfigureAwait(false);
            var result = await tools.Probes.ProbeAsync(check, task.ContainerId, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            var decision = HealthDecisions.Decide(check, state, result, task.StartedAtMs, tools.NowMs);
            state = decision.Next;
            if (decision.Tell)
            {
                post(new TaskEvent.HealthChanged(state));
            }
            if (decision.Kill is { } cause && check.AgentKills && tools.IsAlone)
            {
                // The server decides while it can be asked: it sees whether most of the app are unhealthy together.
                post(new TaskEvent.Unhealthy(true, cause));
                return;
            }
            next = HealthDecisions.NextProbeMs(check.IntervalMs, probedAt, tools.NowMs);
        }
    }

    private static async Task ReadinessAsync(
        ReadinessCheck check, string containerId, ReadinessState? known, Action<TaskEvent> post, TaskTools tools, CancellationToken cancellationToken)
    {
        for (var next = tools.NowMs; ;)
        {
            var probedAt = await WaitAsync(next, tools, cancellationToken).ConfigureAwait(false);
            var state = await tools.Answers.ReadinessAsync(check, containerId, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (state != known)
            {
                post(new TaskEvent.ReadinessChanged(state));
                known = state;
            }
            if (state.Ready)
            {
                return;
            }
            next = HealthDecisions.NextProbeMs(check.IntervalMs, probedAt, tools.NowMs);
        }
    }

    private static async Task StatusAsync(StatusCheck check, TaskSnapshot task, Action<TaskEvent> post, TaskTools tools, CancellationToken cancellationToken)
    {
        var known = task.Check;
        var next = FirstProbeMs(task.StartedAtMs + check.DelayMs, check.IntervalMs, tools);
        while (true)
        {
            var probedAt = await WaitAsync(next, tools, cancellationToken).ConfigureAwait(false);
            var outcome = await tools.Answers.CheckAsync(check, task.ContainerId, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (outcome != known)
            {
                post(new TaskEvent.CheckChanged(outcome));
                known = outcome;
            }
            next = HealthDecisions.NextProbeMs(check.IntervalMs, probedAt, tools.NowMs);
        }
    }

    // Checks taken over from an earlier agent are late, along with all others: spread, not all at once.
    private static long FirstProbeMs(long wanted, long intervalMs, TaskTools tools)
    {
        var now = tools.NowMs;
        return wanted >= now ? wanted : now + (long)(Random.Shared.NextDouble() * Math.Min(intervalMs, 5_000));
    }

    private static async Task<long> WaitAsync(long untilMs, TaskTools tools, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, untilMs - tools.NowMs)), tools.Time, cancellationToken).ConfigureAwait(false);
        return tools.NowMs;
    }

    private static async Task UntilEndedAsync(Task check)
    {
        try
        {
            await check.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The task ends or the agent stops.
        }
    }

    public void Dispose()
    {
        _ended.Cancel();
        _ended.Dispose();
    }
}
