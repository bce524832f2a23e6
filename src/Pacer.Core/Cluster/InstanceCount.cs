using Pacer.Core.Model;
using Pacer.Core.Scheduling.Scaling;

namespace Pacer.Core.Cluster;

/// <summary>Keeps the number of instances of a run spec at the wanted one.</summary>
internal static class InstanceCount
{
    /// <summary>Ends what is too much, queues what is missing. True when nothing had to be done and nothing is still ending.</summary>
    public static bool Reconcile(Transaction tx, RunSpec spec, ValueList<InstanceId> sentenced)
    {
        var decision = ScaleDecision.For(spec, tx.State.InstancesOf(spec.Id).Values.ToList(), sentenced,
            (instance, field) => instance.Placement is { } place ? tx.State.Agents.GetValueOrDefault(place.AgentId)?.FieldValue(field) : null);
        foreach (var victim in decision.Kill)
        {
            InstanceLifecycle.Kill(tx, victim, Goal.Stopped, "there are more instances than wanted");
        }
        InstanceLifecycle.Create(tx, spec, decision.Create);
        return decision.Settled;
    }

    /// <summary>Looks at a run spec that no deployment is busy with.</summary>
    public static void Maintain(Transaction tx, RunSpecId id)
    {
        if (tx.State.RunSpecs.TryGetValue(id, out var spec))
        {
            if (!NodeDrains.TryMove(tx, spec))
            {
                Reconcile(tx, spec, []);
            }
            return;
        }
        foreach (var instance in tx.State.InstancesOf(id).Values)
        {
            InstanceLifecycle.Kill(tx, instance, Goal.Decommissioned, "the app was removed");
        }
        if (tx.State.InstancesOf(id).IsEmpty)
        {
            Forget(tx, id);
        }
    }

    /// <summary>Drops what is kept about a run spec that is no longer wanted, once its last instance has ended.</summary>
    public static void Forget(Transaction tx, RunSpecId id)
    {
        if (tx.State.RunSpecs.ContainsKey(id) || !tx.State.Versions.TryGetValue(id, out var history))
        {
            return;
        }
        foreach (var version in history.Keys)
        {
            tx.Put(new Change.DeleteVersion(id, version));
        }
        tx.Put(new Change.DeleteLaunchDelay(id));
        tx.Put(new Change.DeleteTaskFailure(id));
        tx.Publish(new ClusterEvent.AppTerminated(tx.Now, id));
    }
}
