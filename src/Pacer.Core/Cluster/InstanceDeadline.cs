using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>When an instance must be looked at though nothing happens. A timer is state: it survives restarts and replays.</summary>
internal static class InstanceDeadline
{
    public static Timestamp? Of(Instance instance, UnreachableStrategy? unreachable, ClusterSettings settings) => instance.Condition switch
    {
        // A node that is out of contact can't be told to kill; it is told when it comes back.
        Condition.Unreachable => unreachable is { InactiveAfter.Ticks: > 0 } ? instance.UnreachableSince + unreachable.InactiveAfter : null,
        Condition.UnreachableInactive => unreachable is null ? null : instance.UnreachableSince + unreachable.ExpungeAfter,
        _ when instance.Condition.IsTerminal() || instance.Condition == Condition.Scheduled => null,
        _ when instance.KillSentAt is { } sent => sent + settings.KillRetryInterval,
        Condition.Provisioned => instance.Since + settings.LaunchConfirmTimeout,
        Condition.Staging or Condition.Starting => instance.Since + settings.LaunchTimeout,
        _ => null,
    };
}
