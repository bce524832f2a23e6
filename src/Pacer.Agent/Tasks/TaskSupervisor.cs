using Microsoft.Extensions.Logging;
using Pacer.Agent.Checks;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Fetching;
using Pacer.Agent.Gpus;
using Pacer.Agent.Images;
using Pacer.Agent.Networks;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>
/// The shell around one task: takes events one at a time, saves what <see cref="TaskTransitions"/> decides, tells the server, and
/// carries out. Owns no thread; between events it is a few small objects.
/// </summary>
internal sealed partial class TaskSupervisor : IThreadPoolWorkItem
{
    private readonly TaskTools _tools;
    private readonly TaskTable _table;
    private readonly Lock _gate = new();
    private Queue<TaskEvent>? _events;
    private bool _busy;
    private TaskSpec? _spec;
    private CancellationTokenSource? _preparation;
    private bool _launchSlotHeld;
    private ITimer? _alarm;
    private TaskChecks? _checks;
    private volatile TaskSnapshot _snapshot;

    public TaskSupervisor(TaskTable table, TaskTools tools, TaskSnapshot snapshot, TaskSpec? spec)
    {
        _table = table;
        _tools = tools;
        _snapshot = snapshot;
        _spec = spec;
    }

    public string TaskId => _snapshot.TaskId;

    public TaskSnapshot Snapshot => _snapshot;

    /// <summary>Guards the log files against being rotated while a part of them is read, and counts the rotations.</summary>
    public Logs.LogGenerations Logs { get; } = new();

    /// <summary>Sequence that the server has taken over for good.</summary>
    public long Acknowledged { get; set; }

    /// <summary>When an unacknowledged status is sent again, Unix milliseconds, and how long to wait after that.</summary>
    public long ResendAtMs { get; set; }

    public long ResendDelayMs { get; set; }

    /// <summary>The task is over and nothing of its container is left.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>No event waits or is being worked on.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return !_busy;
            }
        }
    }

    /// <summary>
    /// Writes the first checkpoint of a new task and begins. Nothing has been done for the task before this returned.
    /// Throws <see cref="IOException"/> when it can't be written.
    /// </summary>
    public void Begin()
    {
        _tools.Checkpoints.SaveSpec(_spec!);
        _tools.Checkpoints.SaveState(_snapshot);
        _table.Report(this);
        Carry(new TaskAction.Prepare());
    }

    public void Post(TaskEvent happened)
    {
        lock (_gate)
        {
            (_events ??= new Queue<TaskEvent>(2)).Enqueue(happened);
            if (_busy)
            {
                return;
            }
            _busy = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            TaskEvent happened;
            lock (_gate)
            {
                if (_events is null || !_events.TryDequeue(out happened!))
                {
                    _events = null;
                    _busy = false;
                    return;
                }
            }
            Take(happened);
        }
    }

    private void Take(TaskEvent happened)
    {
        if (_launchSlotHeld && happened is TaskEvent.Started or TaskEvent.StartFailed)
        {
            ReleaseLaunchSlot();
        }
        var before = _snapshot;
        var transition = TaskTransitions.Step(before, happened, _tools.NowMs);
        if (!ReferenceEquals(transition.Next, before))
        {
            // A phase that the next agent works out by itself from the container is not worth a write.
            if (transition.Next.Status != before.Status || transition.Next.Kill != before.Kill || transition.Next.ContainerId != before.ContainerId)
            {
                Save(transition.Next);
            }
            _snapshot = transition.Next;
        }
        if (transition.Report)
        {
            _table.Report(this);
        }
        foreach (var action in transition.Actions)
        {
            Carry(action);
        }
        if (before.Phase != TaskPhase.Ended && transition.Next.Phase == TaskPhase.Ended)
        {
            _preparation?.Cancel();
            ReleaseLaunchSlot();
            _alarm?.Dispose();
            _alarm = null;
            _spec = null;
            _table.Ended(this);
        }
    }

    private void Save(TaskSnapshot next)
    {
        try
        {
            _tools.Checkpoints.SaveState(next);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The container and its exit file still tell the truth to the next agent; stopping the task would not help anyone.
            LogNotSaved(TaskId, e.Message);
        }
    }

    private void Carry(TaskAction action)
    {
        switch (action)
        {
            case TaskAction.Prepare:
                _preparation = CancellationTokenSource.CreateLinkedTokenSource(_tools.Stopping);
                _ = PrepareAsync(_preparation.Token);
                break;
            case TaskAction.CancelPreparation:
                // Also true when the preparation has just been done: its event is then followed by the kill order's.
                _preparation?.Cancel();
                break;
            case TaskAction.Start start:
                _ = StartAsync(start.ContainerId);
                break;
            case TaskAction.Watch watch:
                // The spec is on disk; a running task needs no copy in memory.
                _ = WatchAsync(watch.ContainerId);
                break;
            case TaskAction.Signal signal:
                _ = SignalAsync(signal.ContainerId, signal.Number);
                break;
            case TaskAction.WakeAt wake:
                var due = TimeSpan.FromMilliseconds(Math.Max(0, wake.UnixMs - _tools.NowMs));
                if (_alarm is null)
                {
                    _alarm = _tools.Time.CreateTimer(static task => ((TaskSupervisor)task!).Post(new TaskEvent.GraceOver()), this, due, Timeout.InfiniteTimeSpan);
                }
                else
                {
                    _alarm.Change(due, Timeout.InfiniteTimeSpan);
                }
                break;
            case TaskAction.BeginChecks:
                var spec = _spec ?? _tools.Checkpoints.ReadSpec(TaskId);
                _checks = spec is null ? null : TaskChecks.Begin(spec, _snapshot, Post, _tools);
                _spec = null;
                break;
            case TaskAction.EndChecks:
                _checks?.Dispose();
                _checks = null;
                break;
            case TaskAction.Delete delete:
                _ = DeleteAsync(delete.ContainerId);
                break;
        }
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var slot = false;
        try
        {
            var spec = _spec ??= _tools.Checkpoints.ReadSpec(TaskId) ?? throw new FetchException("The task's checkpoint can't be read");
            if (spec.SecretsWithheld)
            {
                throw new FetchException("The agent was restarted before the task had begun, and keeps no secrets on disk");
            }
            var user = NodeUser.Current;
            // With an image the user is one of the image's; the sandbox is given to that one when the container is made.
            if (spec.User.Length > 0 && spec.Image is null)
            {
                user = NodeUser.Find(spec.User) ?? throw new FetchException($"User '{spec.User}' does not exist on this node");
            }
            var sandbox = _tools.Sandboxes.Prepare(TaskId, user, DiskWatch.SandboxLimit(spec));
            await _tools.Volumes.AttachAsync(spec, user, cancellationToken).ConfigureAwait(false);
            await _tools.ExternalVolumes.AttachAsync(spec, user, cancellationToken).ConfigureAwait(false);
            Volumes.Prepare(spec, _tools, sandbox, user);
            if (spec.Fetch.Count > 0)
            {
                await _tools.Fetcher.FetchAllAsync(spec.Fetch, sandbox, user, cancellationToken).ConfigureAwait(false);
            }
            if (spec is { Docker: not null, Image: { } ofDocker } && _tools.Docker is { } docker)
            {
                await docker.Images.ObtainAsync(ofDocker.Name, ofDocker.ForcePull, _tools.Logins.Of(ofDocker, sandbox), cancellationToken).ConfigureAwait(false);
            }
            else if (spec.Image is not null && _tools.Images is { } images)
            {
                await images.ObtainAsync(_snapshot.ContainerId, spec.Image, sandbox, cancellationToken).ConfigureAwait(false);
            }
            if (spec.Resources?.Gpus is > 0 and var gpus)
            {
                await _tools.Gpus.TakeAsync(TaskId, gpus, cancellationToken).ConfigureAwait(false);
            }
            await _table.WhenGroupIsPreparedAsync(_snapshot.GroupId, cancellationToken).ConfigureAwait(false);
            await _tools.LaunchSlots.WaitAsync(cancellationToken).ConfigureAwait(false);
            slot = true;
            cancellationToken.ThrowIfCancellationRequested();
            _launchSlotHeld = true;
            slot = false;
            Post(new TaskEvent.Prepared());
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // While the agent stops, the launch stays wanted: the next agent goes on with it.
            if (!_tools.Stopping.IsCancellationRequested)
            {
                Post(new TaskEvent.PrepareCancelled());
            }
        }
        catch (Exception e) when (e is FetchException or ImageException or IOException or UnauthorizedAccessException)
        {
            Post(new TaskEvent.PrepareFailed(e.Message));
        }
        catch (Exception e)
        {
            LogUnexpected(TaskId, "preparing", e);
            Post(new TaskEvent.PrepareFailed("The task's sandbox could not be prepared; the agent's log says why"));
        }
        finally
        {
            if (slot)
            {
                _tools.LaunchSlots.Release();
            }
        }
    }

    private async Task StartAsync(string containerId)
    {
        try
        {
            var spec = _spec ?? _tools.Checkpoints.ReadSpec(TaskId) ?? throw new ContainerStartException("The task's checkpoint can't be read");
            var sandbox = _tools.Sandboxes.PathOf(TaskId);
            var place = await TaskNetworks.AttachAsync(spec, containerId, _tools.Networks).ConfigureAwait(false);
            var made = spec.Docker is null
                ? TaskPlan.Make(spec, containerId, sandbox, _tools.Node, _tools.ClusterId, _tools.Images?.Of(containerId))
                : DockerPlan.Make(spec, containerId, sandbox, _tools.Node, _tools.ClusterId);
            var shared = made with { Mounts = Volumes.Of(spec, _tools, sandbox) };
            var connected = TaskNetworks.Apply(shared, spec, place) with { Resolver = place is null ? await _tools.Networks.ResolverAsync().ConfigureAwait(false) : null };
            var plan = GpuPlan.Apply(connected, spec, _tools.Gpus.Node, _tools.Gpus.Of(TaskId), isolated: _tools.Runtime.Own is OciRuntime);
            // Not cancelled by a stop of the agent or a kill: it takes a moment, and a container half made helps neither.
            var started = await _tools.Runtime.StartAsync(plan, CancellationToken.None).ConfigureAwait(false);
            Post(new TaskEvent.Started(started.Pid, _tools.Addresses.Of(containerId)?.Addresses));
        }
        catch (Exception e) when (e is ContainerStartException or ImageException or NetworkException)
        {
            Post(new TaskEvent.StartFailed($"Failed to launch the container: {e.Message}"));
        }
        catch (Exception e)
        {
            LogUnexpected(TaskId, "starting", e);
            Post(new TaskEvent.StartFailed("The container could not be started; the agent's log says why"));
        }
    }

    private async Task WatchAsync(string containerId)
    {
        for (var pause = TimeSpan.FromMilliseconds(200); ;)
        {
            try
            {
                var exit = await _tools.Runtime.WaitAsync(containerId, _tools.Stopping).ConfigureAwait(false);
                Post(new TaskEvent.Exited(exit));
                return;
            }
            catch (OperationCanceledException) when (_tools.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // A task must not be taken for dead because looking at it failed.
                LogUnexpected(TaskId, "watching", e);
            }
            try
            {
                await Task.Delay(pause, _tools.Time, _tools.Stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            pause = TimeSpan.FromSeconds(Math.Min(30, pause.TotalSeconds * 2));
        }
    }

    private async Task SignalAsync(string containerId, int signal)
    {
        try
        {
            await _tools.Runtime.SignalAsync(containerId, signal, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // After SIGTERM comes SIGKILL, and that again until the end is confirmed.
            LogUnexpected(TaskId, "signalling", e);
        }
    }

    private async Task DeleteAsync(string containerId)
    {
        for (var pause = TimeSpan.FromSeconds(1); ; pause = TimeSpan.FromSeconds(Math.Min(60, pause.TotalSeconds * 2)))
        {
            try
            {
                await _tools.CleanupSlots.WaitAsync(_tools.Stopping).ConfigureAwait(false);
                try
                {
                    await _tools.Runtime.DeleteAsync(containerId, _tools.Stopping).ConfigureAwait(false);
                    _tools.Images?.Release(containerId);
                    await _tools.Networks.DetachAsync(containerId).ConfigureAwait(false);
                }
                finally
                {
                    _tools.CleanupSlots.Release();
                }
                if (_snapshot.Phase == TaskPhase.Ended && containerId == _snapshot.ContainerId)
                {
                    _tools.Volumes.Release(TaskId);
                    await _tools.ExternalVolumes.ReleaseAsync(TaskId, _tools.Stopping).ConfigureAwait(false);
                    _tools.Secrets.Remove(TaskId);
                    _tools.Gpus.Release(TaskId);
                    IsSettled = true;
                    _table.Forget(this);
                }
                return;
            }
            catch (OperationCanceledException) when (_tools.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogUnexpected(TaskId, "cleaning up after", e);
            }
            try
            {
                await Task.Delay(pause, _tools.Time, _tools.Stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Looks for the container of an earlier agent; <see cref="Post"/>s what it found.</summary>
    public async Task RecoverAsync()
    {
        if (_snapshot.Phase == TaskPhase.Ended)
        {
            // Its clean-up may not have come to its end; repeating it harms nothing.
            _ = DeleteAsync(_snapshot.ContainerId);
            return;
        }
        RecoveredState found;
        try
        {
            found = await _tools.Runtime.RecoverAsync(_snapshot.ContainerId, _tools.Sandboxes.PathOf(TaskId), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Watching it tells in the end; starting it again could double it.
            LogUnexpected(TaskId, "recovering", e);
            found = RecoveredState.Running;
        }
        Post(new TaskEvent.Recovered(found, TaskPlan.NewContainerId(TaskId, _tools.NewId, ContainerKind.IsDocker(_snapshot.ContainerId)))
        {
            Addresses = _tools.Addresses.Of(_snapshot.ContainerId)?.Addresses,
        });
    }

    /// <summary>Applies an event at once, before the agent works on anything: only for the time of recovery.</summary>
    public void TakeBeforeStart(TaskEvent happened) => Take(happened);

    /// <summary>Stops what this process does for the task; the task itself goes on.</summary>
    public void Detach()
    {
        lock (_gate)
        {
            _alarm?.Dispose();
            _checks?.Dispose();
        }
    }

    private void ReleaseLaunchSlot()
    {
        if (_launchSlotHeld)
        {
            _launchSlotHeld = false;
            _tools.LaunchSlots.Release();
        }
    }

    private void LogNotSaved(string task, string cause) => LogNotSaved(_tools.Logger, task, cause);

    private void LogUnexpected(string task, string doing, Exception e) => LogUnexpected(_tools.Logger, task, doing, e);

    [LoggerMessage(2301, LogLevel.Error, "Can't write the checkpoint of {Task}: {Cause}")]
    private static partial void LogNotSaved(ILogger logger, string task, string cause);

    [LoggerMessage(2302, LogLevel.Error, "Unexpected error while {Doing} {Task}")]
    private static partial void LogUnexpected(ILogger logger, string task, string doing, Exception e);
}
