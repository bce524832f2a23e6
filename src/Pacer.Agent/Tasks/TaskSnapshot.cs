using Pacer.Agent.Checks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>How far a task has come.</summary>
internal enum TaskPhase
{
    /// <summary>Sandbox and artifacts are made ready, or it waits for a launch slot. Nothing runs.</summary>
    Preparing,

    /// <summary>The runtime is starting the container.</summary>
    Starting,

    Running,

    /// <summary>Over for good; kept until the server has acknowledged how it ended.</summary>
    Ended,
}

/// <summary>
/// Everything the agent must not forget about a task, but for its spec, which never changes and is kept beside it.
/// Immutable; <see cref="TaskTransitions"/> makes the next one. This is also the checkpoint's form (format version in
/// <see cref="Checkpoints.TaskCheckpoints"/>).
/// </summary>
/// <param name="GroupId">The instance and its incarnation, when its tasks live and die together (pods); else null.</param>
/// <param name="ContainerId">Of the current start attempt; never reused.</param>
/// <param name="Pid">Host pid of the container's first process; 0 while unknown.</param>
/// <param name="StartedAtMs">Unix time when the command began to run; 0 before.</param>
/// <param name="KillGraceMs">The task's own grace period.</param>
/// <param name="MemoryLimitBytes">For the message when the limit ended it; null: none.</param>
internal sealed record TaskSnapshot(
    string TaskId,
    string? GroupId,
    TaskPhase Phase,
    string ContainerId,
    int Pid,
    long StartedAtMs,
    long KillGraceMs,
    long? MemoryLimitBytes,
    KillOrder? Kill,
    TaskStatus Status,
    IReadOnlyList<CheckState>? Health)
{
    /// <summary>Of the readiness checks that were polled.</summary>
    public IReadOnlyList<ReadinessState>? Readiness { get; init; }

    /// <summary>Of the generic check; null without one, or without a result.</summary>
    public CheckOutcome? Check { get; init; }

    /// <summary>How long it goes on after its end was announced, before SIGTERM; 0: not at all.</summary>
    public long DrainMs { get; init; }

    /// <summary>The container's own addresses; null: it shares the node's.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }
}

/// <summary>What the server is told. <paramref name="Sequence"/> grows with each change.</summary>
internal sealed record TaskStatus(
    long Sequence,
    TaskState State,
    string? Message,
    string? Reason,
    long TimestampMs,
    int? ExitCode,
    int? Signal)
{
    public bool IsTerminal => State is TaskState.TaskFinished or TaskState.TaskFailed or TaskState.TaskKilled
        or TaskState.TaskError or TaskState.TaskLost or TaskState.TaskGone;
}

/// <summary>A wish to end a task, and what its end will be reported as.</summary>
/// <param name="GraceMs">Between SIGTERM and SIGKILL.</param>
/// <param name="DeadlineMs">Unix time of the SIGKILL; null until SIGTERM was sent.</param>
internal sealed record KillOrder(long GraceMs, long? DeadlineMs, TaskState FinalState, string Message, string? Reason)
{
    /// <summary>Unix time of the SIGTERM while the task drains; else null.</summary>
    public long? TermAtMs { get; init; }
}
