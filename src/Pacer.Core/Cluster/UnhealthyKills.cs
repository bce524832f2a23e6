using Pacer.Core.Model;
using Pacer.Core.Scheduling.Healing;

namespace Pacer.Core.Cluster;

/// <summary>Ends instances whose health checks failed too often, as far as the brake lets it.</summary>
internal static class UnhealthyKills
{
    public static void Carry(Transaction tx, RunSpecId id)
    {
        var instances = tx.State.InstancesOf(id);
        if (!instances.Values.Any(instance => instance.HeldKill is not null || HealthBrake.KillCause(instance) is not null))
        {
            return;
        }
        foreach (var instanceId in instances.Keys)
        {
            // Looked at one by one: each that is ended counts for the next.
            if (tx.State.Instance(instanceId) is { } instance)
            {
                Carry(tx, instance);
            }
        }
    }

    private static void Carry(Transaction tx, Instance instance)
    {
        if (HealthBrake.KillCause(instance) is not { } cause)
        {
            if (instance.HeldKill is not null)
            {
                tx.Put(instance with { HeldKill = null });
            }
            return;
        }
        var brake = HealthBrake.Of(tx.State.InstancesOf(instance.RunSpecId).Values);
        if (tx.Settings.HoldsUnhealthyKills && brake.Holds(instance))
        {
            if (instance.HeldKill is null)
            {
                tx.Put(instance with { HeldKill = cause });
                tx.Publish(new ClusterEvent.UnhealthyKillHeld(tx.Now, instance, cause, brake.Unhealthy, brake.Instances));
            }
            return;
        }
        var ended = instance with { UnhealthyKill = cause, HeldKill = null };
        foreach (var task in instance.Tasks)
        {
            // Those of Mesos' kind are told by the task's status alone.
            if (!task.Condition.IsTerminal() && task.Health.Any(result => result is { KillCause: not null, FailsTask: false }))
            {
                tx.Publish(new ClusterEvent.UnhealthyInstanceKilled(tx.Now, instance, task.Id, cause));
            }
        }
        InstanceLifecycle.Kill(tx, ended, Goal.Running, cause);
    }
}
