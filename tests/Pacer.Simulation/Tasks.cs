using Pacer.Core.Cluster;
using Pacer.Core.Model;
using static Pacer.Simulation.SimulatedCluster;

namespace Pacer.Simulation;

/// <summary>What must hold of single tasks after every commit: reports, readiness, kills for failing health.</summary>
internal static class Tasks
{
    public static void AfterCommit(SimulatedCluster cluster, ClusterState before, StepResult result)
    {
        foreach (var change in result.Changes)
        {
            if (change is Change.PutInstance { Instance: var put } && cluster.State.Instance(put.Id) is { } instance)
            {
                var old = before.Instance(instance.Id);
                NeverGoesBack(old, instance);
                IsReadyInTruth(cluster, instance);
                IsEndedForItsHealthAlone(cluster, before, old, instance);
            }
        }
    }

    private static void NeverGoesBack(Instance? old, Instance instance)
    {
        foreach (var task in instance.Tasks)
        {
            var earlier = old?.Tasks.FirstOrDefault(t => t.Id == task.Id);
            Require(earlier?.Condition != Condition.Running || task.Condition is not (Condition.Staging or Condition.Starting),
                $"{task.Id} ran and is {task.Condition} again: an old report was believed");
        }
    }

    private static void IsReadyInTruth(SimulatedCluster cluster, Instance instance)
    {
        if (!instance.Ready || instance.Placement is not { } place)
        {
            return;
        }
        foreach (var task in instance.Tasks)
        {
            var real = cluster.Agents[int.Parse(place.AgentId.Value.AsSpan(1))].Find(task.Id);
            Require(real is not { HasReadiness: true, Ready: false, Condition: not Condition.Finished }, $"{task.Id} counts as ready before its readiness check passed");
        }
    }

    // The brake: while most of a run spec are unhealthy, those that were healthy are spared.
    private static void IsEndedForItsHealthAlone(SimulatedCluster cluster, ClusterState before, Instance? old, Instance instance)
    {
        if (old is not { KillSentAt: null } || instance is not { KillSentAt: not null, UnhealthyKill: { } cause } || instance.KillReason != cause
            || !instance.Tasks.All(task => task.Health.All(result => result.FirstSuccess is not null)))
        {
            return;
        }
        // The same step may have ended others on purpose between this decision and another: unhealthy ones before it, healthy ones after it.
        var after = cluster.State.InstancesOf(instance.RunSpecId).Values;
        var siblings = before.InstancesOf(instance.RunSpecId).Values.Where(i => i.Goal == Goal.Running).Select(i => cluster.State.Instance(i.Id) ?? i).ToList();
        Require(Allows(siblings) || Allows(siblings.Where(i => i.Goal == Goal.Running || !IsUnhealthy(i))) || Allows(after.Where(i => i.Goal == Goal.Running)),
            $"{instance.Id} was ended for its health though most of {instance.RunSpecId} are unhealthy with it");

        static bool Allows(IEnumerable<Instance> instances)
        {
            var known = instances.ToList();
            var unhealthy = known.Count(IsUnhealthy);
            return unhealthy < 2 || unhealthy * 2 <= known.Count(i => IsUnhealthy(i) || i.Condition == Condition.Running);
        }

        static bool IsUnhealthy(Instance i) => i.UnhealthyKill is not null || (i.Condition == Condition.Running && i.Healthy == false);
    }
}
