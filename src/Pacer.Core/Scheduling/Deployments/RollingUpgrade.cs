using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Deployments;

/// <summary>What to do next in a rolling upgrade.</summary>
/// <param name="Kill">Old instances to end now.</param>
/// <param name="Start">New instances to queue now.</param>
/// <param name="Done">All wanted new instances are healthy and ready and no old one is left.</param>
internal sealed record UpgradeDecision(IReadOnlyList<Instance> Kill, int Start, bool Done);

/// <summary>
/// Replaces old instances by new ones within the bounds of the upgrade strategy (marathon-behaviour.md §1.5). Looks only at
/// what is there now, so that it goes on after a crash as if nothing had happened.
/// </summary>
internal static class RollingUpgrade
{
    /// <param name="specOf">The definition an instance runs: its health is judged by its own checks, not by the new ones.</param>
    /// <param name="isOld">Which instances are to be replaced; null: those of another configuration than the target's.</param>
    public static UpgradeDecision Decide(
        RunSpec target, IReadOnlyCollection<Instance> instances, Func<Instance, RunSpec> specOf, Func<Instance, bool>? isOld = null)
    {
        // An upgrade launches the same instance again, where its data is; what a drain ends begins anew elsewhere.
        var inPlace = isOld is null && target.IsResident;
        isOld ??= instance => instance.ConfigVersion != target.LastConfigChangeAt;
        var wanted = target.Instances;
        var minHealthy = (int)Math.Ceiling(wanted * target.Upgrade.MinimumHealthCapacity - 1e-9);
        var maxCapacity = (int)Math.Floor(wanted * (1 + target.Upgrade.MaximumOverCapacity) + 1e-9);

        var fresh = new List<Instance>();
        var old = new List<Instance>();
        var kill = new List<Instance>();
        var leaving = 0;
        foreach (var instance in instances)
        {
            if (instance.Goal != Goal.Running)
            {
                leaving += instance.IsActive ? 1 : 0;
            }
            else if (!isOld(instance))
            {
                fresh.Add(instance);
            }
            else if (instance.IsActive)
            {
                old.Add(instance);
            }
            else
            {
                kill.Add(instance); // old and not running: nothing to wait for, and it must not come back in the old version
            }
        }

        var freshHealthy = fresh.Count(i => InstanceHealth.IsHealthyAndReady(i, specOf(i)));
        var healthyOld = old.Where(i => InstanceHealth.IsHealthyAndReady(i, specOf(i))).ToList();
        var healthyNow = healthyOld.Count + freshHealthy;
        var killable = Math.Max(0, healthyNow - minHealthy);
        if (minHealthy == maxCapacity && healthyNow >= minHealthy && (inPlace || !target.ExclusiveVolumes.IsEmpty))
        {
            killable = healthyNow - minHealthy + 1; // its data can't be in two places: one fewer for as long as it takes
        }
        else if (minHealthy == maxCapacity && healthyNow >= minHealthy)
        {
            maxCapacity++; // no room at all: one instance more for as long as it takes
        }
        // Each healthy new one replaces an old one, and a surplus over the wanted number goes at once. Unhealthy ones go first, so
        // this takes nothing from the healthy that the bound protects.
        killable = Math.Max(killable, old.Count + freshHealthy - wanted);

        var start = Math.Max(0, Math.Min(wanted - fresh.Count, maxCapacity - old.Count - leaving - fresh.Count));
        var unhealthyOld = old.Except(healthyOld).OrderBy(i => i.Id).ToList();
        if (killable == 0 && start == 0 && fresh.Count < wanted && leaving == 0 && unhealthyOld.Count > 0)
        {
            killable = 1; // an unhealthy one in the way of the first new one: ending it takes nothing from the healthy
        }
        var victims = unhealthyOld.Concat(healthyOld.OrderBy(i => i.ActiveSince ?? i.ScheduledAt).ThenBy(i => i.Id)).Take(killable).ToList();
        kill.AddRange(victims);
        if (fresh.Count > wanted)
        {
            kill.AddRange(fresh.OrderBy(i => InstanceHealth.IsHealthyAndReady(i, specOf(i))).ThenByDescending(i => i.ScheduledAt).ThenBy(i => i.Id)
                .Take(fresh.Count - wanted));
        }
        return new UpgradeDecision(kill, start, freshHealthy >= wanted && old.Count == 0 && leaving == 0 && kill.Count == 0);
    }
}

internal static class InstanceHealth
{
    /// <summary>Counts for a deployment: running, not told to end, all its health checks alive, and ready.</summary>
    public static bool IsHealthyAndReady(Instance instance, RunSpec spec) =>
        instance is { Condition: Condition.Running, KillSentAt: null, Ready: true } && (spec.HealthChecks == 0 || instance.Healthy == true);
}
