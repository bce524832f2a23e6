using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>What the containers of an earlier agent are looked for.</summary>
internal enum RecoveryPurpose
{
    /// <summary>To go on with them.</summary>
    Continue,

    /// <summary>To report them gone: the machine was started anew since.</summary>
    AfterBoot,

    /// <summary>To end them all (<c>pacer down</c>).</summary>
    EndAll,
}

/// <summary>All tasks of the agent that are not forgotten: takes the server's orders and says what to tell it.</summary>
internal sealed partial class TaskTable(TaskTools tools)
{
    private const long FirstResendMs = 10_000;
    private const long LongestResendMs = 600_000;
    private const int RecoveryParallelism = 16;
    private const long LongestTeardownGraceMs = 10_000;

    private readonly ConcurrentDictionary<string, TaskSupervisor> _tasks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, GroupStart> _preparing = new(StringComparer.Ordinal);

    /// <summary>Takes status updates to the server while it is in contact; null otherwise, then the next registration carries them.</summary>
    public Action<StatusUpdate>? Outlet
    {
        get;
        set
        {
            field = value;
            tools.ContactChanged(value is not null);
        }
    }

    /// <summary>The node's clock, Unix milliseconds.</summary>
    public long NowMs => tools.NowMs;

    public IEnumerable<TaskSupervisor> All => _tasks.Select(entry => entry.Value);

    /// <summary>Tasks that were not over when they were loaded by <see cref="RecoverAsync"/>.</summary>
    public int LoadedAlive { get; private set; }

    /// <summary>Containers without a task that <see cref="RecoverAsync"/> removed.</summary>
    public int OrphansRemoved { get; private set; }

    public bool TryFind(string taskId, [MaybeNullWhen(false)] out TaskSupervisor task) => _tasks.TryGetValue(taskId, out task);

    /// <summary>Begins all tasks of an instance. A task that is known already is not begun again; if it is over, the server is told so again.</summary>
    public void Launch(LaunchInstance order)
    {
        GroupStart.Expect(_preparing, order.Tasks.Where(spec => !_tasks.ContainsKey(spec.TaskId)));
        foreach (var spec in order.Tasks)
        {
            if (_tasks.TryGetValue(spec.TaskId, out var known))
            {
                if (known.Snapshot.Phase == TaskPhase.Ended)
                {
                    Report(known);
                }
            }
            else if (!Begin(spec))
            {
                RefuseOthers(order, spec.TaskId);
                return;
            }
        }
    }

    // All or none: those that have begun end, the rest is told to have failed.
    private void RefuseOthers(LaunchInstance order, string because)
    {
        foreach (var other in order.Tasks.Where(spec => spec.TaskId != because && !_tasks.ContainsKey(spec.TaskId)))
        {
            SendUnkept(other.TaskId, TaskState.TaskKilled, $"Not launched because {because} of the same pod instance can't be", TaskReasons.KilledDuringLaunch);
        }
        EndGroup(order.Tasks.FirstOrDefault()?.Group, because);
    }

    /// <summary>Completes when every container of the group could start at once; at once where nothing else is known of the group.</summary>
    public Task WhenGroupIsPreparedAsync(string? group, CancellationToken cancellationToken) =>
        group is not null && _preparing.TryGetValue(group, out var start)
            ? start.ArriveAsync(_preparing, group, cancellationToken)
            : Task.CompletedTask;

    private bool Begin(TaskSpec spec)
    {
        if ((TaskPlan.Refuse(spec, tools.Images is not null, tools.Docker is not null) ?? TaskNetworks.Refuse(spec, tools.Networks)) is { } refusal)
        {
            SendUnkept(spec.TaskId, TaskState.TaskError, refusal, TaskReasons.TaskInvalid);
            return false;
        }
        var now = tools.NowMs;
        var snapshot = new TaskSnapshot(
            spec.TaskId,
            spec.Group.Length > 0 ? spec.Group : null,
            TaskPhase.Preparing,
            TaskPlan.NewContainerId(spec.TaskId, tools.NewId, spec.Docker is not null),
            Pid: 0,
            StartedAtMs: 0,
            spec.KillGraceMs > 0 ? spec.KillGraceMs : TaskPlan.DefaultKillGraceMs,
            TaskPlan.MemoryLimitBytes(spec),
            Kill: null,
            new TaskStatus(1, spec.Fetch.Count > 0 || spec.Image is not null ? TaskState.TaskStaging : TaskState.TaskStarting, null, null, now, null, null),
            Health: null) { DrainMs = spec.DrainMs };
        var task = new TaskSupervisor(this, tools, snapshot, spec);
        _tasks[spec.TaskId] = task;
        try
        {
            task.Begin();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What can't be noted is not begun: after a crash nobody would know of it.
            _tasks.TryRemove(spec.TaskId, out _);
            SendUnkept(spec.TaskId, TaskState.TaskFailed, $"The node can't write the task's checkpoint: {e.Message}", TaskReasons.LaunchFailed);
            return false;
        }
    }

    public void Kill(KillTask order)
    {
        if (!_tasks.TryGetValue(order.TaskId, out var task))
        {
            SendUnkept(order.TaskId, TaskState.TaskKilled, "The task is unknown to this agent", TaskReasons.TaskUnknown);
        }
        else if (task.Snapshot.Phase == TaskPhase.Ended)
        {
            Report(task);
        }
        else if (order.Unhealthy)
        {
            var fails = task.Snapshot.Health?.Any(check => check is { FailsTask: true, Alive: false }) == true;
            task.Post(new TaskEvent.Unhealthy(fails, order.Reason));
        }
        else
        {
            task.Post(new TaskEvent.KillWanted(order.GraceMs < 0 ? null : order.GraceMs, order.Reason.Length > 0 ? order.Reason : "Killed on request"));
        }
    }

    public void Acknowledge(AcknowledgeStatus acknowledgement)
    {
        if (_tasks.TryGetValue(acknowledgement.TaskId, out var task))
        {
            task.Acknowledged = Math.Max(task.Acknowledged, acknowledgement.Sequence);
            Forget(task);
        }
    }

    /// <summary>Drops a task that is over, cleaned up and known to the server as such; otherwise does nothing.</summary>
    public void Forget(TaskSupervisor task)
    {
        var snapshot = task.Snapshot;
        if (snapshot.Phase != TaskPhase.Ended || !task.IsSettled || task.Acknowledged < snapshot.Status.Sequence
            || !_tasks.TryRemove(task.TaskId, out _))
        {
            return;
        }
        tools.Sandboxes.MarkEnded(task.TaskId, snapshot.GroupId);
        try
        {
            tools.Checkpoints.Remove(task.TaskId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next agent reports the end once more and forgets it then.
            LogNotForgotten(tools.Logger, task.TaskId, e.Message);
        }
    }

    public void Report(TaskSupervisor task)
    {
        task.ResendDelayMs = FirstResendMs;
        task.ResendAtMs = tools.NowMs + FirstResendMs;
        Outlet?.Invoke(StatusMessage.Of(task.Snapshot, tools.Node.Address));
    }

    /// <summary>Sends once more what the server has not acknowledged for a while.</summary>
    public void Resend()
    {
        var now = tools.NowMs;
        foreach (var (_, task) in _tasks)
        {
            var snapshot = task.Snapshot;
            if (snapshot.Status.Sequence > task.Acknowledged && task.ResendAtMs <= now)
            {
                task.ResendDelayMs = Math.Min(LongestResendMs, Math.Max(FirstResendMs, task.ResendDelayMs * 2));
                task.ResendAtMs = now + task.ResendDelayMs;
                Outlet?.Invoke(StatusMessage.Of(snapshot, tools.Node.Address));
            }
        }
    }

    /// <summary>Latest status of every task, for a registration.</summary>
    public IEnumerable<StatusUpdate> Statuses() => _tasks.Select(entry => StatusMessage.Of(entry.Value.Snapshot, tools.Node.Address));

    /// <summary>A task came to its end: if it failed, the others of its pod go with it (mesos-containers.md §9).</summary>
    public void Ended(TaskSupervisor task)
    {
        if (task.Snapshot.Status.State != TaskState.TaskFinished)
        {
            EndGroup(task.Snapshot.GroupId, task.TaskId);
        }
    }

    private void EndGroup(string? group, string because)
    {
        if (string.IsNullOrEmpty(group))
        {
            return;
        }
        _preparing.TryRemove(group, out _);
        foreach (var (id, other) in _tasks)
        {
            if (other.Snapshot.GroupId == group && id != because)
            {
                other.Post(new TaskEvent.KillWanted(null, $"Killed because {because} of the same pod instance ended"));
            }
        }
    }

    /// <summary>
    /// Takes over what an earlier agent left: finds the containers of its tasks again, and removes containers that belong to no task.
    /// Returns when the state of each task is known.
    /// </summary>
    public async Task RecoverAsync(RecoveryPurpose purpose, CancellationToken cancellationToken)
    {
        var snapshots = tools.Checkpoints.LoadAll();
        tools.Gpus.Load(snapshots.Select(snapshot => snapshot.TaskId));
        LoadedAlive = snapshots.Count(snapshot => snapshot.Phase != TaskPhase.Ended);
        foreach (var snapshot in snapshots)
        {
            var found = purpose == RecoveryPurpose.EndAll ? TaskTransitions.OrderEnd(snapshot, LongestTeardownGraceMs) : snapshot;
            var task = new TaskSupervisor(this, tools, found, null);
            _tasks[snapshot.TaskId] = task;
            if (purpose == RecoveryPurpose.AfterBoot)
            {
                task.TakeBeforeStart(new TaskEvent.MachineRestarted());
            }
        }
        // Only tasks that go on use volumes: the container of one that ended has no process any more.
        foreach (var snapshot in snapshots.Where(snapshot => snapshot.Phase != TaskPhase.Ended))
        {
            if (tools.Checkpoints.ReadSpec(snapshot.TaskId) is { } spec)
            {
                tools.Volumes.Resume(spec);
                tools.ExternalVolumes.Resume(spec);
            }
        }
        tools.Volumes.WipeDoomed();
        _ = tools.ExternalVolumes.UnmountUnusedAsync(tools.Stopping);
        tools.Secrets.RemoveAllBut(snapshots.Select(snapshot => snapshot.TaskId).ToHashSet(StringComparer.Ordinal));
        // What a container that was found may still need is known by its id; the rest belongs to nobody.
        var known = snapshots.Select(snapshot => snapshot.ContainerId).ToHashSet(StringComparer.Ordinal);
        OrphansRemoved = await tools.Runtime.RemoveOrphansAsync(known, cancellationToken).ConfigureAwait(false);
        tools.Images?.ReleaseAllBut(known);
        // Before any task goes on: what it still needs is found, and nobody is given an address that is in use.
        await tools.Networks.ReconcileAsync(known).ConfigureAwait(false);
        if (OrphansRemoved > 0)
        {
            LogOrphans(tools.Logger, OrphansRemoved);
        }
        await Parallel.ForEachAsync(
            _tasks.Values,
            new ParallelOptions { MaxDegreeOfParallelism = RecoveryParallelism, CancellationToken = cancellationToken },
            (task, _) => new ValueTask(task.RecoverAsync())).ConfigureAwait(false);
        await WhenIdleAsync(cancellationToken).ConfigureAwait(false);
        // The earlier agent may have died between the end of one container and the word to the others.
        foreach (var (_, task) in _tasks)
        {
            if (task.Snapshot.Phase == TaskPhase.Ended)
            {
                Ended(task);
            }
        }
    }

    /// <summary>Completes when no task has an event left to work on.</summary>
    public async Task WhenIdleAsync(CancellationToken cancellationToken)
    {
        while (_tasks.Any(entry => !entry.Value.IsIdle))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A status of a task that the agent does not keep. Its sequence is the time, so that it is newer than any the task had if it
    /// was known once. If it gets lost, the server repeats the order and so gets it again.
    /// </summary>
    private void SendUnkept(string taskId, TaskState state, string message, string reason)
    {
        var now = tools.NowMs;
        Outlet?.Invoke(new StatusUpdate { TaskId = taskId, Sequence = now, State = state, Message = message, Reason = reason, TimestampMs = now });
    }

    [LoggerMessage(2401, LogLevel.Warning, "Removed {Count} containers that belong to no task")]
    private static partial void LogOrphans(ILogger logger, int count);

    [LoggerMessage(2402, LogLevel.Warning, "Can't remove the checkpoint of {Task}: {Cause}")]
    private static partial void LogNotForgotten(ILogger logger, string task, string cause);
}
