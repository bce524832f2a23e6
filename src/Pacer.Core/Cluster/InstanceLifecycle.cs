using Pacer.Core.Model;
using Pacer.Core.Scheduling.LaunchQueue;

namespace Pacer.Core.Cluster;

/// <summary>What happens to single instances: created, launched, told to end, heard of, lost.</summary>
internal static class InstanceLifecycle
{
    public static void Create(Transaction tx, RunSpec spec, int count)
    {
        count -= Revive(tx, spec, count);
        for (var i = 0; i < count; i++)
        {
            tx.Put(new Instance(
                InstanceId.Create(spec.Id, tx.Ids.NextUuid()), spec.Version, spec.LastConfigChangeAt, Goal.Running, Condition.Scheduled,
                Since: tx.Now, CreatedAt: tx.Now, ScheduledAt: tx.Now, Incarnation: 0, spec.Role, Placement: null, Tasks: [],
                Healthy: null, Ready: false, ActiveSince: null, UnreachableSince: null, KillSentAt: null, KillReason: null));
        }
    }

    // Instances that were stopped but keep their data come first, whatever version they ran.
    private static int Revive(Transaction tx, RunSpec spec, int count)
    {
        var stopped = tx.State.InstancesOf(spec.Id).Values.Where(i => i.IsSuspended).Take(Math.Max(0, count)).ToList();
        foreach (var instance in stopped)
        {
            tx.Put(instance with
            {
                Goal = Goal.Running,
                RunSpecVersion = spec.Version,
                ConfigVersion = spec.LastConfigChangeAt,
                ScheduledAt = tx.Now,
                KillSentAt = null,
                KillReason = null,
            });
        }
        return stopped.Count;
    }

    public static void Launch(Transaction tx, Instance instance, RunSpec spec, Placement placement)
    {
        var incarnation = instance.Incarnation + 1;
        var tasks = new TaskInfo[spec.Containers.Count];
        for (var i = 0; i < tasks.Length; i++)
        {
            tasks[i] = new TaskInfo(
                TaskId.Create(instance.Id, spec.Containers[i], incarnation), Condition.Provisioned, StagedAt: tx.Now, StartedAt: null,
                Since: tx.Now, Message: null, Reason: null, ExitCode: null, Signal: null, IpAddresses: [], Health: []);
        }
        var launched = instance with
        {
            RunSpecVersion = spec.Version,
            ConfigVersion = spec.LastConfigChangeAt,
            Condition = Condition.Provisioned,
            Since = tx.Now,
            Incarnation = incarnation,
            // What is reserved stays with the role that it was reserved for.
            Role = instance.Volumes.IsEmpty ? spec.Role : instance.Role,
            Volumes = instance.Volumes.IsEmpty
                ? ValueList.From(spec.PersistentVolumes.Select(name => LocalVolume.Create(spec.Id, name, tx.Ids.NextUuid())))
                : instance.Volumes,
            Placement = placement,
            Tasks = ValueList.Create<TaskInfo>(tasks),
            Healthy = null,
            Ready = false,
            ActiveSince = null,
            UnreachableSince = null,
            KillSentAt = null,
            KillReason = null,
            HeldKill = null,
            AwaitsReadiness = spec.HasReadinessCheck,
        };
        tx.Put(launched);
        tx.Do(new Effect.Launch(placement.AgentId, launched, spec));
    }

    /// <summary>
    /// Ends an instance. With <see cref="Goal.Running"/> it is started again afterwards, with <see cref="Goal.Stopped"/> it keeps its data
    /// and place if it has data, else it is forgotten once it has ended, and its data is wiped. What can't be reached or does not run is
    /// forgotten at once.
    /// </summary>
    public static void Kill(Transaction tx, Instance instance, Goal goal, string reason)
    {
        if (goal == Goal.Stopped && instance.Volumes.IsEmpty)
        {
            goal = Goal.Decommissioned;
        }
        // A goal never moves back.
        goal = instance.Goal > goal ? instance.Goal : goal;
        if (!instance.IsActive && instance.Condition != Condition.UnreachableInactive)
        {
            if (goal == Goal.Stopped)
            {
                tx.Put(instance with { Goal = goal });
            }
            else if (goal != Goal.Running)
            {
                tx.Delete(instance);
            }
            return;
        }
        if (instance.Condition is Condition.Unreachable or Condition.UnreachableInactive)
        {
            if (goal != Goal.Decommissioned && !instance.Volumes.IsEmpty)
            {
                // It keeps its data, and ends when its node is back.
                tx.Put(instance with { Goal = goal, KillSentAt = instance.KillSentAt ?? tx.Now, KillReason = reason });
                return;
            }
            // Its node can't be told. Forgotten now; should it come back, it is unknown and ends then.
            tx.Delete(instance);
            return;
        }
        if (instance.KillSentAt is not null)
        {
            if (instance.Goal != goal)
            {
                tx.Put(instance with { Goal = goal });
            }
            return;
        }
        tx.Put(instance with { Goal = goal, KillSentAt = tx.Now, KillReason = reason });
        SendKill(tx, instance, reason);
    }

    /// <summary>Orders the node to end what still runs of an instance; harmless when repeated.</summary>
    public static void SendKill(Transaction tx, Instance instance, string reason)
    {
        if (instance.Placement is not { } place)
        {
            return;
        }
        foreach (var task in instance.Tasks)
        {
            if (!task.Condition.IsTerminal())
            {
                tx.Do(new Effect.Kill(place.AgentId, task.Id, null, reason) { Unhealthy = reason == instance.UnhealthyKill });
            }
        }
    }

    /// <summary>Takes over what a node says about a task that is one of the instance's current ones.</summary>
    public static void Report(Transaction tx, Instance instance, TaskReport report)
    {
        var index = IndexOf(instance, report.TaskId);
        if (index < 0 || instance.Tasks[index].Condition.IsTerminal())
        {
            return; // an end is final
        }
        if (report.Sequence < instance.Tasks[index].Sequence)
        {
            return; // overtaken by a newer one
        }
        var old = instance.Tasks[index];
        var running = report.Condition == Condition.Running;
        var task = old with
        {
            Condition = report.Condition,
            Since = old.Condition == report.Condition ? old.Since : tx.Now,
            StartedAt = old.StartedAt ?? (running ? tx.Now : null),
            Message = report.Message is { Length: > MaxMessage } ? report.Message[..MaxMessage] : report.Message,
            Reason = report.Reason,
            ExitCode = report.ExitCode,
            Signal = report.Signal,
            IpAddresses = report.IpAddresses.IsEmpty ? old.IpAddresses : report.IpAddresses,
            Health = report.Health.IsEmpty ? old.Health : report.Health,
            Readiness = report.Readiness.IsEmpty ? old.Readiness : report.Readiness,
            Check = report.Check,
            Sequence = report.Sequence,
        };
        var tasks = instance.Tasks.ToArray();
        tasks[index] = task;
        HealthEvents.Publish(tx, instance, old, task);
        Update(tx, instance with { Tasks = ValueList.Create<TaskInfo>(tasks) }, task, old.Condition != task.Condition);
    }

    /// <summary>
    /// Declares tasks of an instance to have a condition that nobody reported: those that have not ended, or of them only
    /// <paramref name="which"/>.
    /// </summary>
    public static void Declare(
        Transaction tx, Instance instance, Condition condition, string message, string reason, IReadOnlySet<TaskId>? which = null)
    {
        foreach (var task in instance.Tasks)
        {
            if (!task.Condition.IsTerminal() && task.Condition != condition && which?.Contains(task.Id) != false
                && tx.State.Instance(instance.Id) is { } current)
            {
                var changed = task with { Condition = condition, Since = tx.Now, Message = message, Reason = reason };
                var tasks = ValueList.From(current.Tasks.Select(t => t.Id == task.Id ? changed : t));
                Update(tx, current with { Tasks = tasks }, changed, true);
            }
        }
    }

    private const int MaxMessage = 10_000;

    private static void Update(Transaction tx, Instance instance, TaskInfo task, bool changed)
    {
        var spec = tx.SpecFor(instance);
        var condition = Aggregate(instance.Tasks);
        var running = condition == Condition.Running;
        var updated = instance with
        {
            Condition = condition,
            Since = condition == instance.Condition ? instance.Since : tx.Now,
            Healthy = HealthOf(instance, spec),
            Ready = running && (instance.Ready || !instance.AwaitsReadiness || IsReady(instance.Tasks)),
            ActiveSince = instance.ActiveSince ?? (running ? tx.Now : null),
            UnreachableSince = condition is Condition.Unreachable or Condition.UnreachableInactive ? instance.UnreachableSince ?? tx.Now : null,
        };
        if (updated.Healthy == true)
        {
            updated = updated with { UnhealthyKill = null };
        }
        if (condition.IsTerminal())
        {
            updated = updated with
            {
                KillSentAt = null,
                Ready = false,
                Healthy = null,
                HeldKill = null,
                ScheduledAt = tx.Now,
                UnhealthyKill = task.Reason == HealthKillReason ? task.Message ?? "" : updated.UnhealthyKill,
            };
        }
        // The agent ends the others of a pod by itself; it may have died in between, or lost one of them. Which one ended may have been
        // told while the others could not be reached, so all are looked at each time.
        var ended = updated.KillSentAt is null && condition is not (Condition.Unreachable or Condition.UnreachableInactive) && !condition.IsTerminal()
            ? updated.Tasks.FirstOrDefault(other => EndsTheOthers(other.Condition)) : null;
        var endOthers = ended is not null;
        if (endOthers)
        {
            updated = updated with { KillSentAt = tx.Now, KillReason = $"{ended!.Id} of the same pod instance ended", Ready = false };
        }
        tx.Put(updated);
        if (changed)
        {
            tx.Publish(new ClusterEvent.StatusUpdated(tx.Now, updated, task));
            RememberFailure(tx, updated, task);
        }
        if (endOthers)
        {
            SendKill(tx, updated, updated.KillReason!);
        }
        else if (condition.IsTerminal())
        {
            Ended(tx, updated, spec);
        }
        else if (condition == Condition.Unreachable && spec?.Unreachable is { InactiveAfter.Ticks: 0 } strategy)
        {
            BecomeInactive(tx, updated, strategy);
        }
        else if (changed && condition is Condition.Staging or Condition.Starting or Condition.Running)
        {
            TouchDelay(tx, updated);
        }
    }

    /// <summary>An unreachable instance no longer counts; with no time to wait it is forgotten and replaced.</summary>
    public static void BecomeInactive(Transaction tx, Instance instance, UnreachableStrategy strategy)
    {
        if (strategy.ExpungeAfter <= strategy.InactiveAfter)
        {
            tx.Delete(instance);
            return;
        }
        tx.Put(instance with { Condition = Condition.UnreachableInactive, Since = tx.Now });
    }

    private static void Ended(Transaction tx, Instance instance, RunSpec? spec)
    {
        if (instance.Goal == Goal.Decommissioned || (instance.Goal == Goal.Stopped && instance.Volumes.IsEmpty))
        {
            tx.Delete(instance);
            return;
        }
        if (instance.Goal == Goal.Stopped)
        {
            return;
        }
        if (spec is not null && instance.Condition.IsBackoffFailure() && tx.State.RunSpecs.TryGetValue(instance.RunSpecId, out var current)
            && instance.ConfigVersion == current.LastConfigChangeAt)
        {
            tx.Put(new Change.PutLaunchDelay(
                LaunchBackoff.AfterFailure(tx.State.LaunchDelays.GetValueOrDefault(current.Id), current, tx.Now)));
        }
    }

    // Nothing failed lately: the delay is kept, but it starts to age from here.
    private static void TouchDelay(Transaction tx, Instance instance)
    {
        if (tx.State.LaunchDelays.TryGetValue(instance.RunSpecId, out var delay) && delay.Reference < tx.Now)
        {
            tx.Put(new Change.PutLaunchDelay(delay with { Reference = tx.Now }));
        }
    }

    private static void RememberFailure(Transaction tx, Instance instance, TaskInfo task)
    {
        var failed = task.Condition is Condition.Failed or Condition.Error or Condition.Dropped or Condition.Gone or Condition.Unknown
            || (task.Condition == Condition.Killed && task.Reason == HealthKillReason);
        if (failed && tx.State.RunSpecs.ContainsKey(instance.RunSpecId))
        {
            tx.Put(new Change.PutTaskFailure(new TaskFailure(
                instance.RunSpecId, task.Id, instance.Id, task.Condition.ToMesosState(), task.Message ?? "", instance.Placement?.Hostname,
                instance.Placement?.AgentId, instance.RunSpecVersion, tx.Now)));
        }
    }

    /// <summary>Reason of a task that was ended for failing its health check.</summary>
    public const string HealthKillReason = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";

    private static bool? HealthOf(Instance instance, RunSpec? spec)
    {
        var checkedTasks = 0;
        var healthy = 0;
        for (var i = 0; i < instance.Tasks.Count; i++)
        {
            var checks = spec is null ? 0 : spec.ContainerHealthChecks.IsEmpty ? spec.HealthChecks
                : i < spec.ContainerHealthChecks.Count ? spec.ContainerHealthChecks[i] : 0;
            if (checks == 0)
            {
                continue;
            }
            checkedTasks++;
            // A container that has done its work is as well as it can be.
            switch (instance.Tasks[i].Condition == Condition.Finished ? true : instance.Tasks[i].IsHealthy(checks))
            {
                case false:
                    return false;
                case true:
                    healthy++;
                    break;
            }
        }
        return checkedTasks > 0 && healthy == checkedTasks ? true : null;
    }

    // A container that has finished leaves the others of its pod alone; one that ended otherwise takes them along.
    private static bool EndsTheOthers(Condition condition) => condition.IsTerminal() && condition != Condition.Finished;

    // A task that was found ready once stays so: the check is not polled any more.
    private static bool IsReady(ValueList<TaskInfo> tasks) =>
        tasks.All(task => task.Condition == Condition.Finished || task.Readiness.Any(result => result.Ready)); // one that has finished its work is waited for no more

    private static int IndexOf(Instance instance, TaskId id)
    {
        for (var i = 0; i < instance.Tasks.Count; i++)
        {
            if (instance.Tasks[i].Id == id)
            {
                return i;
            }
        }
        return -1;
    }

    // The instance is what its worst task is (marathon-behaviour.md §3.2). It has not ended, and keeps its place, while one of them lives.
    private static Condition Aggregate(ValueList<TaskInfo> tasks)
    {
        var worst = Condition.Scheduled;
        var rank = int.MaxValue;
        var alive = tasks.Any(task => !task.Condition.IsTerminal());
        foreach (var task in tasks)
        {
            if (alive && task.Condition.IsTerminal())
            {
                continue;
            }
            var own = Order.IndexOf(task.Condition);
            if (own < rank)
            {
                rank = own;
                worst = task.Condition;
            }
        }
        return worst;
    }

    private static ReadOnlySpan<Condition> Order =>
    [
        Condition.Error, Condition.Failed, Condition.Gone, Condition.Dropped, Condition.Unreachable, Condition.UnreachableInactive,
        Condition.Killing, Condition.Starting, Condition.Staging, Condition.Unknown, Condition.Provisioned, Condition.Running,
        Condition.Finished, Condition.Killed, Condition.Scheduled,
    ];
}
