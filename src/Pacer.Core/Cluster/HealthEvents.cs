using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Tells listeners what a task's health checks found (marathon-behaviour.md §5).</summary>
internal static class HealthEvents
{
    public static void Publish(Transaction tx, Instance instance, TaskInfo old, TaskInfo task)
    {
        foreach (var result in task.Health)
        {
            var before = old.Health.FirstOrDefault(r => r.Check == result.Check);
            if (!result.Alive && result.ConsecutiveFailures > (before?.ConsecutiveFailures ?? 0) && tx.SpecFor(instance) is { } spec)
            {
                task.Id.TryGetInstance(out _, out var container, out _);
                tx.Publish(new ClusterEvent.HealthCheckFailed(tx.Now, instance, spec, result.Check) { Container = container });
            }
            if (result.Alive != (before?.Alive ?? false))
            {
                tx.Publish(new ClusterEvent.HealthStatusChanged(tx.Now, instance, result.Alive));
            }
        }
    }
}
