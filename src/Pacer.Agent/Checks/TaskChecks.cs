using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>Runs the health checks of one task while it runs: a timer a check, no thread. Disposing pauses them for good.</summary>
internal sealed class TaskChecks : IDisposable
{
    private readonly CancellationTokenSource _ended;

    private TaskChecks(CancellationToken stopping) => _ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);

    /// <param name="post">Takes <see cref="TaskEvent.HealthChanged"/> and <see cref="TaskEvent.Unhealthy"/>.</param>
    public static TaskChecks Begin(IReadOnlyList<HealthCheck> checks, TaskSnapshot task, Action<TaskEvent> post, TaskTools tools)
    {
        var running = new TaskChecks(tools.Stopping);
        for (var i = 0; i < checks.Count; i++)
        {
            var index = i;
            var known = task.Health?.FirstOrDefault(state => state.Check == index) ?? CheckState.Unknown(i);
            _ = RunAsync(checks[i], known, task.ContainerId, task.StartedAtMs, post, tools, running._ended.Token);
        }
        return running;
    }

    private static async Task RunAsync(
        HealthCheck check, CheckState state, string containerId, long startedAtMs, Action<TaskEvent> post, TaskTools tools, CancellationToken cancellationToken)
    {
        try
        {
            var next = startedAtMs + HealthDecisions.FirstDelayMs(check);
            var now = tools.NowMs;
            if (next < now)
            {
                // Taken over from an earlier agent, along with all others: spread, not all at once.
                next = now + (long)(Random.Shared.NextDouble() * Math.Min(check.IntervalMs, 5_000));
            }
            while (true)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, next - tools.NowMs)), tools.Time, cancellationToken).ConfigureAwait(false);
                var probedAt = tools.NowMs;
                var result = await tools.Probes.ProbeAsync(check, containerId, cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                var decision = HealthDecisions.Decide(check, state, result, startedAtMs, tools.NowMs);
                state = decision.Next;
                if (decision.Tell)
                {
                    post(new TaskEvent.HealthChanged(state));
                }
                if (decision.Kill is { } cause)
                {
                    post(new TaskEvent.Unhealthy(check.AgentKills, cause));
                    return;
                }
                next = HealthDecisions.NextProbeMs(check, probedAt, tools.NowMs);
            }
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
