using System.Globalization;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>What is known of one health check of a task. Times are Unix milliseconds, 0: never. Part of the checkpoint.</summary>
internal sealed record CheckState(
    int Check,
    bool Alive,
    int ConsecutiveFailures,
    long FirstSuccessMs,
    long LastSuccessMs,
    long LastFailureMs,
    string? LastFailureCause)
{
    /// <summary>Failed too often: why the task is to be ended; null when not.</summary>
    public string? KillCause { get; init; }

    /// <summary>That end is the task's own failure, as with Mesos' checks, not a kill.</summary>
    public bool FailsTask { get; init; }

    public static CheckState Unknown(int check) => new(check, false, 0, 0, 0, 0, null);
}

/// <summary>Outcome of one probe.</summary>
internal abstract record ProbeResult
{
    private ProbeResult() { }

    public sealed record Success : ProbeResult;

    public sealed record Failure(string Cause) : ProbeResult;

    /// <summary>Says nothing, as an HTTP 1xx answer that the check asks to overlook.</summary>
    public sealed record Ignored : ProbeResult;
}

/// <param name="Tell">The server has to know: first result, a flip, or one more failure.</param>
/// <param name="Kill">Why the task is to be ended, null when not.</param>
internal readonly record struct HealthDecision(CheckState Next, bool Tell, string? Kill);

/// <summary>
/// When a health check runs and what follows from its result, as pure functions. Two families share them:
/// Marathon's own checks (<c>agent_kills</c> false; marathon-behaviour.md §5.1) and Mesos' (true; §5.2).
/// They differ in the first run and in the failure that kills.
/// </summary>
internal static class HealthDecisions
{
    private const long LongestFirstDelayMs = 5_000;

    /// <summary>Time from the task's start to the first probe.</summary>
    public static long FirstDelayMs(HealthCheck check) =>
        check.AgentKills ? check.DelayMs : Math.Min(check.IntervalMs, LongestFirstDelayMs);

    /// <summary>When the next probe begins: a steady beat from start to start, skipping what a slow probe overran.</summary>
    public static long NextProbeMs(long intervalMs, long probedAtMs, long nowMs)
    {
        var interval = Math.Max(1, intervalMs);
        var next = probedAtMs + interval;
        return next > nowMs ? next : nowMs + interval - ((nowMs - probedAtMs) % interval);
    }

    public static HealthDecision Decide(HealthCheck check, CheckState known, ProbeResult result, long taskStartedAtMs, long nowMs)
    {
        switch (result)
        {
            case ProbeResult.Success:
                var healthy = known with
                {
                    Alive = true,
                    ConsecutiveFailures = 0,
                    FirstSuccessMs = known.FirstSuccessMs == 0 ? nowMs : known.FirstSuccessMs,
                    LastSuccessMs = nowMs,
                    KillCause = null,
                    FailsTask = false,
                };
                return new HealthDecision(healthy, !known.Alive, null);

            case ProbeResult.Failure failure:
                if (known.FirstSuccessMs == 0 && nowMs - taskStartedAtMs < check.GracePeriodMs)
                {
                    return new HealthDecision(known, false, null);
                }
                var failing = known with
                {
                    Alive = false,
                    ConsecutiveFailures = known.ConsecutiveFailures + 1,
                    LastFailureMs = nowMs,
                    LastFailureCause = failure.Cause,
                    FailsTask = check.AgentKills,
                };
                var kill = Kill(check, failing) ? KillMessage(check, failing) : null;
                return new HealthDecision(failing with { KillCause = kill }, true, kill);

            default:
                return new HealthDecision(known, false, null);
        }
    }

    private static bool Kill(HealthCheck check, CheckState failing) => check.AgentKills
        ? failing.ConsecutiveFailures >= Math.Max(1, check.MaxConsecutiveFailures)
        // Marathon counts the failures before the current one, and 0 means never.
        : check.MaxConsecutiveFailures > 0 && failing.ConsecutiveFailures > check.MaxConsecutiveFailures;

    private static string KillMessage(HealthCheck check, CheckState failing) => string.Create(
        CultureInfo.InvariantCulture,
        $"Task was killed since health check failed. Reason: {Describe(check)} failed {failing.ConsecutiveFailures} times in a row: {failing.LastFailureCause}");

    private static string Describe(HealthCheck check) => check.Protocol switch
    {
        HealthCheck.Types.Protocol.Command => $"command '{check.Command}'",
        HealthCheck.Types.Protocol.Tcp => string.Create(CultureInfo.InvariantCulture, $"TCP check on port {check.Port}"),
        HealthCheck.Types.Protocol.Https => string.Create(CultureInfo.InvariantCulture, $"HTTPS check of {check.Path} on port {check.Port}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"HTTP check of {check.Path} on port {check.Port}"),
    };
}
