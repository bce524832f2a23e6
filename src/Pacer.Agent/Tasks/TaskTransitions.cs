using Pacer.Agent.Checks;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>
/// The life of a task as a pure function: Preparing → Starting → Running → Ended, with a kill order that may arrive at any time.
/// The same events serve the first run, the way back after the agent was killed at any point, and <c>pacer down</c>.
/// </summary>
internal static class TaskTransitions
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    /// <summary>SIGKILL is sent again while the end is not confirmed: a runtime that failed once must not leave a task for ever in TASK_KILLING.</summary>
    private const long KillRetryMs = 5_000;

    public static Transition Step(TaskSnapshot task, TaskEvent happened, long nowMs) => task.Phase == TaskPhase.Ended
        ? Transition.None(task)
        : happened switch
        {
            TaskEvent.Prepared => Prepared(task, nowMs),
            TaskEvent.PrepareFailed e => NotStarted(task, e.Message, nowMs),
            TaskEvent.PrepareCancelled => NotStarted(task, "The launch was cancelled", nowMs),
            TaskEvent.Started e => Started(task, e.Pid, e.Addresses, nowMs),
            TaskEvent.StartFailed e => NotStarted(task, e.Message, nowMs),
            TaskEvent.Exited e => Exited(task, e.Exit, nowMs),
            TaskEvent.KillWanted e => KillWanted(task, e.GraceMs, new KillOrder(0, null, TaskState.TaskKilled, e.Message, null), nowMs),
            TaskEvent.Unhealthy e => Unhealthy(task, e, nowMs),
            TaskEvent.DiskExceeded e => task.Phase == TaskPhase.Running
                ? KillWanted(task, null, new KillOrder(0, null, TaskState.TaskFailed, e.Message, TaskReasons.DiskLimit), nowMs)
                : Transition.None(task),
            TaskEvent.GraceOver => GraceOver(task, nowMs),
            TaskEvent.HealthChanged e => HealthChanged(task, e.Check, nowMs),
            TaskEvent.ReadinessChanged e => Found(
                task, task with { Readiness = [.. (task.Readiness ?? []).Where(known => known.Name != e.Result.Name), e.Result] }, nowMs),
            TaskEvent.CheckChanged e => Found(task, task with { Check = e.Outcome }, nowMs),
            TaskEvent.Recovered e => Recovered(task, e, nowMs),
            TaskEvent.MachineRestarted => End(task, task.Kill is { } kill
                ? Status(task, kill.FinalState, kill.Message, kill.Reason, nowMs)
                : Status(task, TaskState.TaskGone, "The machine was restarted", TaskReasons.AgentRestarted, nowMs)),
            _ => throw new ArgumentOutOfRangeException(nameof(happened)),
        };

    /// <summary>
    /// The snapshot with the order to end it, before its container is looked for: <see cref="TaskEvent.Recovered"/> then does what is due.
    /// </summary>
    public static TaskSnapshot OrderEnd(TaskSnapshot task, long longestGraceMs)
    {
        var grace = Math.Min(task.Kill?.GraceMs ?? task.KillGraceMs, longestGraceMs);
        return task.Phase == TaskPhase.Ended ? task : task with
        {
            Kill = task.Kill is { } kill
                ? kill with { GraceMs = grace, DeadlineMs = null, TermAtMs = null }
                : new KillOrder(grace, null, TaskState.TaskKilled, "Killed because the node was taken down", null),
        };
    }

    private static Transition Prepared(TaskSnapshot task, long nowMs)
    {
        if (task.Phase != TaskPhase.Preparing)
        {
            return Transition.None(task);
        }
        if (task.Kill is not null)
        {
            return NotStarted(task, "", nowMs);
        }
        // A task without artifacts was reported as starting from the beginning: nothing new to tell then.
        var tell = task.Status.State != TaskState.TaskStarting;
        var next = task with
        {
            Phase = TaskPhase.Starting,
            Status = tell ? Status(task, TaskState.TaskStarting, null, null, nowMs) : task.Status,
        };
        return new Transition(next, tell, [new TaskAction.Start(task.ContainerId)]);
    }

    private static Transition Started(TaskSnapshot task, int pid, IReadOnlyList<string>? addresses, long nowMs)
    {
        if (task.Phase is not (TaskPhase.Starting or TaskPhase.Preparing))
        {
            return Transition.None(task);
        }
        var running = task with
        {
            Phase = TaskPhase.Running, Pid = pid, StartedAtMs = task.StartedAtMs == 0 ? nowMs : task.StartedAtMs, Addresses = addresses,
        };
        var watch = new TaskAction.Watch(task.ContainerId);
        if (running.Kill is { } kill)
        {
            return Terminate(running, kill, nowMs, watch);
        }
        return new Transition(
            running with { Status = Status(task, TaskState.TaskRunning, null, null, nowMs) },
            true,
            [watch, new TaskAction.BeginChecks()]);
    }

    private static Transition NotStarted(TaskSnapshot task, string message, long nowMs)
    {
        if (task.Phase is not (TaskPhase.Preparing or TaskPhase.Starting))
        {
            return Transition.None(task);
        }
        return End(task, task.Kill is { } kill
            ? Status(task, kill.FinalState, kill.Message, kill.Reason ?? TaskReasons.KilledDuringLaunch, nowMs)
            : Status(task, TaskState.TaskFailed, message, TaskReasons.LaunchFailed, nowMs));
    }

    private static Transition Exited(TaskSnapshot task, ContainerExit exit, long nowMs) => End(task, ExitStatus.Of(task, exit, nowMs));

    private static Transition Unhealthy(TaskSnapshot task, TaskEvent.Unhealthy e, long nowMs)
    {
        // A check of Mesos' kind ends the task as a failure, which the launch back-off counts; one of Marathon's own kind is a
        // kill, which it does not count (marathon-behaviour.md §2.3, §5). Both carry the reason by which the server can tell it
        // from a kill that somebody asked for, from the first TASK_KILLING on.
        var order = new KillOrder(0, null, e.AgentKills ? TaskState.TaskFailed : TaskState.TaskKilled, e.Message, TaskReasons.HealthCheck);
        return task.Phase == TaskPhase.Running ? KillWanted(task, null, order, nowMs) : Transition.None(task);
    }

    private static Transition KillWanted(TaskSnapshot task, long? graceMs, KillOrder order, long nowMs)
    {
        var grace = Math.Max(0, graceMs ?? task.KillGraceMs);
        if (task.Kill is { } earlier)
        {
            // Repeated: the rest of the grace may shrink, never grow. The first cause stays the one that is reported.
            var shorter = earlier with
            {
                GraceMs = Math.Min(earlier.GraceMs, grace),
                DeadlineMs = earlier.DeadlineMs is { } deadline ? Math.Min(deadline, nowMs + grace) : null,
            };
            return shorter == earlier
                ? Transition.None(task)
                : new Transition(task with { Kill = shorter }, false, shorter.DeadlineMs is { } at ? [new TaskAction.WakeAt(at)] : []);
        }
        var kill = order with { GraceMs = grace };
        return task.Phase switch
        {
            // Not running yet: what is under way is stopped, or ends by itself in a moment, and then this order is found.
            TaskPhase.Preparing => new Transition(task with { Kill = kill }, false, [new TaskAction.CancelPreparation()]),
            TaskPhase.Starting => new Transition(task with { Kill = kill }, false, []),
            // An unhealthy task gets no requests already.
            _ when task.DrainMs > 0 && order.Reason != TaskReasons.HealthCheck => Drain(task, kill, nowMs),
            _ => Terminate(task, kill, nowMs),
        };
    }

    /// <summary>Announced now, SIGTERM when those who send requests have heard of it.</summary>
    private static Transition Drain(TaskSnapshot task, KillOrder kill, long nowMs)
    {
        var termAt = nowMs + task.DrainMs;
        var next = task with { Kill = kill with { TermAtMs = termAt }, Status = Status(task, TaskState.TaskKilling, kill.Message, kill.Reason, nowMs) };
        return new Transition(next, true, [new TaskAction.EndChecks(), new TaskAction.WakeAt(termAt)]);
    }

    /// <summary>SIGTERM now, SIGKILL when the grace is over.</summary>
    private static Transition Terminate(TaskSnapshot task, KillOrder kill, long nowMs, params ReadOnlySpan<TaskAction> first)
    {
        var deadline = kill.DeadlineMs ?? nowMs + kill.GraceMs;
        var next = task with
        {
            Kill = kill with { DeadlineMs = deadline, TermAtMs = null },
            Status = Status(task, TaskState.TaskKilling, kill.Message, kill.Reason, nowMs),
        };
        return new Transition(
            next,
            true,
            [.. first, new TaskAction.EndChecks(), new TaskAction.Signal(task.ContainerId, SigTerm), new TaskAction.WakeAt(deadline)]);
    }

    private static Transition GraceOver(TaskSnapshot task, long nowMs)
    {
        if (task is { Phase: TaskPhase.Running, Kill: { TermAtMs: { } termAt } kill })
        {
            return nowMs < termAt ? new Transition(task, false, [new TaskAction.WakeAt(termAt)]) : Terminate(task, kill, nowMs);
        }
        if (task.Phase != TaskPhase.Running || task.Kill?.DeadlineMs is not { } deadline)
        {
            return Transition.None(task);
        }
        return nowMs < deadline
            ? new Transition(task, false, [new TaskAction.WakeAt(deadline)])
            : new Transition(task, false, [new TaskAction.Signal(task.ContainerId, SigKill), new TaskAction.WakeAt(nowMs + KillRetryMs)]);
    }

    private static Transition HealthChanged(TaskSnapshot task, CheckState check, long nowMs)
    {
        if (task.Phase != TaskPhase.Running || task.Kill is not null)
        {
            return Transition.None(task);
        }
        var health = new List<CheckState>(task.Health ?? []);
        var at = health.FindIndex(known => known.Check >= check.Check);
        if (at < 0)
        {
            health.Add(check);
        }
        else if (health[at].Check == check.Check)
        {
            health[at] = check;
        }
        else
        {
            health.Insert(at, check);
        }
        var next = task with { Health = health, Status = Status(task, TaskState.TaskRunning, null, TaskReasons.HealthCheck, nowMs) };
        return new Transition(next, true, []);
    }

    private static Transition Found(TaskSnapshot task, TaskSnapshot next, long nowMs) => task is { Phase: TaskPhase.Running, Kill: null }
        ? new Transition(next with { Status = Status(task, TaskState.TaskRunning, null, TaskReasons.Check, nowMs) }, true, [])
        : Transition.None(task);

    private static Transition Recovered(TaskSnapshot task, TaskEvent.Recovered e, long nowMs)
    {
        switch (e.Found)
        {
            case RecoveredState.Running when task.Phase != TaskPhase.Running:
                // The agent died between the container's start and its note of it.
                return Started(task, 0, e.Addresses, nowMs);

            case RecoveredState.Running when task.Kill is { } kill:
                return Terminate(task, kill, nowMs, new TaskAction.Watch(task.ContainerId));

            case RecoveredState.Running:
                return new Transition(task, false, [new TaskAction.Watch(task.ContainerId), new TaskAction.BeginChecks()]);

            case RecoveredState.Exited:
                // Waiting completes at once and brings the exit code.
                return new Transition(task with { Phase = TaskPhase.Running }, false, [new TaskAction.Watch(task.ContainerId)]);

            case RecoveredState.Absent or RecoveredState.NeverStarted when task.Phase == TaskPhase.Running:
                return Exited(task, ContainerExit.Unknown, nowMs);

            case RecoveredState.Absent or RecoveredState.NeverStarted when task.Kill is not null:
                return NotStarted(task, "", nowMs);

            default:
                // The launch is still wanted and nothing of it has run: go on, with a name that no leftover can answer to.
                var again = task with { Phase = TaskPhase.Preparing, ContainerId = e.NextContainerId };
                return new Transition(again, false, [new TaskAction.Delete(task.ContainerId), new TaskAction.Prepare()]);
        }
    }

    private static Transition End(TaskSnapshot task, TaskStatus status) =>
        new(task with { Phase = TaskPhase.Ended, Status = status }, true, [new TaskAction.EndChecks(), new TaskAction.Delete(task.ContainerId)]);

    private static TaskStatus Status(TaskSnapshot task, TaskState state, string? message, string? reason, long nowMs) =>
        new(task.Status.Sequence + 1, state, message, reason, nowMs, null, null);
}
