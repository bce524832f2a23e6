using Pacer.Core.Model;
using Pacer.Core.Scheduling.Deployments;

namespace Pacer.Core.Cluster;

/// <summary>
/// Moves instances off draining nodes: to a run spec this is like an upgrade in which the instances there are the old ones, so the same
/// bounds hold. Run specs that a deployment is busy with wait for its end.
/// </summary>
public static class NodeDrains
{
    /// <summary>Reason of a kill that makes a node empty.</summary>
    public const string KillReason = "its node is drained";

    /// <summary>
    /// Whether an instance has to leave its node. Those out of reach are left to their unreachable strategy, resident ones stay until
    /// told otherwise.
    /// </summary>
    public static bool Leaves(ClusterState state, Instance instance) =>
        instance is { Goal: Goal.Running, HoldsResources: true, Placement: { } place }
        && instance.Condition is not (Condition.Unreachable or Condition.UnreachableInactive)
        && state.NodeIndex.Draining.Contains(place.AgentId)
        && state.Agents.TryGetValue(place.AgentId, out var node)
        && (node.Drain!.IncludeResident || !IsResident(state, instance));

    public static bool IsResident(ClusterState state, Instance instance) =>
        (state.RunSpecOf(instance) ?? state.RunSpecs.GetValueOrDefault(instance.RunSpecId)) is { IsResident: true };

    /// <summary>Takes the next steps for one run spec; false when nothing of it has to leave.</summary>
    internal static bool TryMove(Transaction tx, RunSpec spec)
    {
        if (tx.State.NodeIndex.Draining.IsEmpty)
        {
            return false;
        }
        var instances = tx.State.InstancesOf(spec.Id).Values.Where(i => i.Condition != Condition.UnreachableInactive || i.Goal != Goal.Running).ToList();
        var leaving = instances.Where(i => Leaves(tx.State, i)).Select(i => i.Id).ToHashSet();
        if (leaving.Count == 0)
        {
            return false;
        }
        var late = instances.Where(i => leaving.Contains(i.Id) && tx.State.Agents[i.Placement!.AgentId].Drain!.Expired).ToList();
        if (late.Count > 0)
        {
            foreach (var instance in late)
            {
                InstanceLifecycle.Kill(tx, instance, Goal.Decommissioned, KillReason);
            }
            return true; // the kills bring us here again
        }
        var decision = RollingUpgrade.Decide(spec, instances, i => tx.SpecFor(i) ?? spec, i => leaving.Contains(i.Id));
        foreach (var instance in decision.Kill)
        {
            InstanceLifecycle.Kill(tx, instance, leaving.Contains(instance.Id) ? Goal.Decommissioned : Goal.Stopped,
                leaving.Contains(instance.Id) ? KillReason : "there are more instances than wanted");
        }
        InstanceLifecycle.Create(tx, spec, decision.Start);
        return true;
    }

    /// <summary>The deadline has passed: what can still be told to end is told so, whatever a deployment is busy with.</summary>
    internal static void Expire(Transaction tx, AgentNode node)
    {
        tx.Put(node with { Drain = node.Drain! with { Expired = true } });
        tx.Publish(new ClusterEvent.AgentChanged(tx.Now, tx.State.Agents[node.Id]));
        foreach (var id in (tx.State.Usage.GetValueOrDefault(node.Id)?.Instances ?? []).ToArray())
        {
            if (tx.State.Instance(id) is { } instance && Leaves(tx.State, instance))
            {
                InstanceLifecycle.Kill(tx, instance, Goal.Decommissioned, KillReason);
            }
        }
    }

    /// <summary>Looks again at everything that has instances on a node.</summary>
    internal static void MarkRunSpecs(Transaction tx, AgentId id)
    {
        foreach (var instance in tx.State.Usage.GetValueOrDefault(id)?.Instances ?? [])
        {
            tx.DirtyRunSpecs.Add(instance.RunSpecId);
        }
    }
}
