using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Tells listeners what a task's health checks found (marathon-behaviour.md §5).</summary>
internal static class HealthEvents
{
    /// <summary>An app got another definition, or (null) is no longer wanted: its checks are others from now on.</summary>
    public static void PublishChecks(Transaction tx, RunSpec? before, RunSpec? after)
    {
        for (var i = 0; before is { Kind: RunSpecKind.App } && i < before.HealthChecks; i++)
        {
            tx.Publish(new ClusterEvent.HealthCheckRemoved(tx.Now, before.Id));
        }
        for (var i = 0; after is { Kind: RunSpecKind.App } && i < after.HealthChecks; i++)
        {
            tx.Publish(new ClusterEvent.HealthCheckAdded(tx.Now, after, i));
        }
    }

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
