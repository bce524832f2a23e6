using Pacer.Agent.Checks;
using Pacer.Agent.Containers;

namespace Pacer.Agent.Tasks;

/// <summary>What can happen to a task. Facts and wishes; a closed set.</summary>
internal abstract record TaskEvent
{
    private TaskEvent() { }

    /// <summary>Sandbox and artifacts are there, and a launch slot is held.</summary>
    public sealed record Prepared : TaskEvent;

    public sealed record PrepareFailed(string Message) : TaskEvent;

    public sealed record PrepareCancelled : TaskEvent;

    /// <param name="Addresses">The container's own; null: it shares the node's.</param>
    public sealed record Started(int Pid, IReadOnlyList<string>? Addresses = null) : TaskEvent;

    public sealed record StartFailed(string Message) : TaskEvent;

    public sealed record Exited(ContainerExit Exit) : TaskEvent;

    /// <param name="GraceMs">Null: the task's own.</param>
    public sealed record KillWanted(long? GraceMs, string Message) : TaskEvent;

    /// <summary>A health check failed too often. See <see cref="HealthDecisions"/> for who counts and how.</summary>
    public sealed record Unhealthy(bool AgentKills, string Message) : TaskEvent;

    /// <summary>It took more of a disk than it may.</summary>
    public sealed record DiskExceeded(string Message) : TaskEvent;

    public sealed record GraceOver : TaskEvent;

    public sealed record HealthChanged(CheckState Check) : TaskEvent;

    public sealed record ReadinessChanged(ReadinessState Result) : TaskEvent;

    /// <param name="Outcome">Null: it has no result any more.</param>
    public sealed record CheckChanged(CheckOutcome? Outcome) : TaskEvent;

    /// <summary>The agent came back and looked for the container. <paramref name="NextContainerId"/> is for a new attempt, if one is due.</summary>
    public sealed record Recovered(RecoveredState Found, string NextContainerId) : TaskEvent
    {
        /// <summary>As in <see cref="Started"/>.</summary>
        public IReadOnlyList<string>? Addresses { get; init; }
    }

    /// <summary>The agent came back on a machine that was started anew: no container survived.</summary>
    public sealed record MachineRestarted : TaskEvent;
}

/// <summary>What the shell must do after the snapshot was saved, in order.</summary>
internal abstract record TaskAction
{
    private TaskAction() { }

    public sealed record Prepare : TaskAction;

    public sealed record CancelPreparation : TaskAction;

    public sealed record Start(string ContainerId) : TaskAction;

    /// <summary>Wait for the container's end.</summary>
    public sealed record Watch(string ContainerId) : TaskAction;

    public sealed record Signal(string ContainerId, int Number) : TaskAction;

    /// <summary>Send <see cref="TaskEvent.GraceOver"/> at that Unix time.</summary>
    public sealed record WakeAt(long UnixMs) : TaskAction;

    /// <summary>Remove what is left of a container.</summary>
    public sealed record Delete(string ContainerId) : TaskAction;

    public sealed record BeginChecks : TaskAction;

    public sealed record EndChecks : TaskAction;
}

/// <summary>Outcome of one event: the next snapshot (saved when it differs), whether the server is told, and what to do.</summary>
internal readonly record struct Transition(TaskSnapshot Next, bool Report, IReadOnlyList<TaskAction> Actions)
{
    public static Transition None(TaskSnapshot task) => new(task, false, []);
}
