using Pacer.Core.Model;
using Pacer.Core.Scheduling.LaunchQueue;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>Launches what waits for a place, unless its back-off holds it.</summary>
internal static class LaunchQueue
{
    public static void Launch(Transaction tx, RunSpecId id)
    {
        if (!tx.State.Pending.TryGetValue(id, out var waiting) || !tx.State.RunSpecs.TryGetValue(id, out var spec)
            || LaunchBackoff.Holds(tx.State.LaunchDelays.GetValueOrDefault(id), spec, tx.Now))
        {
            return;
        }
        var placer = new Placer(tx.State, spec, tx.Draws);
        foreach (var instanceId in waiting)
        {
            if (placer.TryPlace() is not { } placement)
            {
                return;
            }
            InstanceLifecycle.Launch(tx, tx.State.Instance(instanceId)!, spec, placement);
        }
    }
}
