using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Tells listeners what a task's health checks found (marathon-behaviour.md §5).</summary>
internal static class HealthEvents
{
    private const string HealthCheckReason = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";

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
        // Only checks of Marathon's kind end a task as killed; those of Mesos' kind end it as failed and are told by its status alone.
        if (old.Condition != Condition.Killed && task.Condition == Condition.Killed && task.Reason == HealthCheckReason)
        {
            tx.Publish(new ClusterEvent.UnhealthyInstanceKilled(tx.Now, instance, task.Id, task.Message ?? ""));
        }
    }
}
