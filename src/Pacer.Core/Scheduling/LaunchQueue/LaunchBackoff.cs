using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.LaunchQueue;

/// <summary>Exponential launch back-off (marathon-behaviour.md §2.3).</summary>
internal static class LaunchBackoff
{
    /// <summary>The delay after one more failure. A delay of an older configuration does not count.</summary>
    public static LaunchDelay AfterFailure(LaunchDelay? current, RunSpec spec, Timestamp now)
    {
        var policy = spec.Backoff;
        var delay = current is not null && current.ConfigVersion == spec.LastConfigChangeAt
            ? TimeSpan.FromMilliseconds(Math.Min(current.Delay.TotalMilliseconds * policy.Factor, policy.Max.TotalMilliseconds))
            : policy.Initial;
        if (delay > policy.Max)
        {
            delay = policy.Max;
        }
        return new LaunchDelay(spec.Id, spec.LastConfigChangeAt, delay, now + delay, now, policy.Max, Released: false);
    }

    /// <summary>Whether launching has to wait.</summary>
    public static bool Holds(LaunchDelay? delay, RunSpec spec, Timestamp now) =>
        delay is { Released: false } && delay.ConfigVersion == spec.LastConfigChangeAt && delay.Until > now;
}
