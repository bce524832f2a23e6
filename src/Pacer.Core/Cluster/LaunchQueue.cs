using Pacer.Core.Model;
using Pacer.Core.Scheduling.LaunchQueue;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>Launches what waits for a place, unless its back-off holds it.</summary>
internal static class LaunchQueue
{
    /// <param name="only">Nodes where something was freed; null: all, because something about the run spec itself changed.</param>
    public static void Launch(Transaction tx, RunSpecId id, IReadOnlyCollection<AgentId>? only)
    {
        if (!tx.State.Pending.TryGetValue(id, out var waiting) || !tx.State.RunSpecs.TryGetValue(id, out var spec)
            || LaunchBackoff.Holds(tx.State.LaunchDelays.GetValueOrDefault(id), spec, tx.Now))
        {
            return;
        }
        var placer = new Placer(tx.State, spec, tx.Draws, tx.Settings, only);
        var noRoom = false;
        foreach (var instanceId in waiting)
        {
            var instance = tx.State.Instance(instanceId)!;
            if (!instance.Volumes.IsEmpty)
            {
                // It goes to its data, and to what it holds there.
                var home = tx.State.Agents.GetValueOrDefault(instance.Placement!.AgentId);
                if (home is { TakesBack: true })
                {
                    InstanceLifecycle.Launch(tx, instance, spec, instance.Placement);
                }
                else if (home is { Drain.IncludeResident: true })
                {
                    // Such instances begin anew elsewhere. This one does not run, so nothing has to be ready first.
                    InstanceLifecycle.Kill(tx, instance, Goal.Decommissioned, NodeDrains.KillReason);
                }
                continue;
            }
            if (noRoom)
            {
                continue;
            }
            if (placer.TryPlace() is not { } placement)
            {
                noRoom = true;
                continue;
            }
            InstanceLifecycle.Launch(tx, instance, spec, placement);
        }
    }
}
