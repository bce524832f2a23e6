using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Names the caller of a command; the shell makes it and finds the waiting caller by it.</summary>
public readonly record struct RequestId(long Value);

/// <summary>
/// Everything that can happen to the cluster: wishes of users (<see cref="Command"/>), facts from nodes, and the passing of time.
/// A closed set. Handling one never throws for a bad wish: a command answers with a <see cref="CommandResult"/>.
/// </summary>
public abstract record Input
{
    private Input() { }

    /// <summary>A wish of a user. Answered by exactly one <see cref="Effect.Reply"/>.</summary>
    public abstract record Command(RequestId Request) : Input;

    /// <summary>
    /// Creates, changes, restarts and removes run specs as one deployment.
    /// <see cref="Force"/> cancels running deployments of the same run specs; without it they make the command fail.
    /// </summary>
    public sealed record ChangeRunSpecs(RequestId Request, ValueList<RunSpecChange> Changes, bool Force) : Command(Request);

    /// <summary>
    /// Ends instances. Plain: each is started again. <see cref="Scale"/>: the wanted count drops with them, as a deployment.
    /// <see cref="Wipe"/>: they are forgotten, replacements are new instances.
    /// </summary>
    public sealed record KillInstances(RequestId Request, ValueList<InstanceId> Instances, bool Scale, bool Wipe, bool Force) : Command(Request);

    /// <summary><see cref="Force"/>: just stop it where it is. Otherwise start a new deployment that puts the old definitions back.</summary>
    public sealed record CancelDeployment(RequestId Request, DeploymentId Id, bool Force) : Command(Request);

    /// <summary>Forgets the launch back-off of a run spec.</summary>
    public sealed record ResetDelay(RequestId Request, RunSpecId Id) : Command(Request);

    /// <summary>A server process took over this state: no node is in contact yet. The first input after every start.</summary>
    public sealed record ServerStarted : Input;

    /// <summary>
    /// A node is in contact (again). <see cref="Tasks"/> is everything it knows: what is missing there does not run there.
    /// </summary>
    public sealed record AgentConnected(AgentNode Node, ValueList<TaskReport> Tasks) : Input;

    /// <summary>The stream to a node broke or fell silent.</summary>
    public sealed record AgentDisconnected(AgentId Id) : Input;

    /// <summary>A node reported on one of its tasks.</summary>
    public sealed record TaskReported(AgentId AgentId, TaskReport Report) : Input;

    /// <summary>Nothing happened but time: deadlines that passed are acted on.</summary>
    public sealed record Tick : Input;
}

/// <summary>One wanted change to one run spec.</summary>
public abstract record RunSpecChange(RunSpecId Id)
{
    /// <summary>
    /// Make the run spec be this. <see cref="Base"/> is the version the caller computed from (null: it saw none, and wants to create):
    /// when it is not the current one, the whole command is answered <see cref="CommandResult.Stale"/> and the caller looks again.
    /// Version stamps in <see cref="Spec"/> are ignored; the core sets them. Service ports of 0 are assigned by the core.
    /// </summary>
    public sealed record Put(RunSpec Spec, Timestamp? Base) : RunSpecChange(Spec.Id);

    /// <summary>Replace all instances though nothing changed.</summary>
    public sealed record Restart(RunSpecId Id) : RunSpecChange(Id);

    public sealed record Remove(RunSpecId Id) : RunSpecChange(Id);
}

/// <summary>State of a task as its agent tells it. <see cref="Sequence"/> grows with each update of the task.</summary>
public sealed record TaskReport(
    TaskId TaskId,
    long Sequence,
    Condition Condition,
    string? Message,
    string? Reason,
    Timestamp At,
    int? ExitCode,
    int? Signal,
    ValueList<string> IpAddresses,
    ValueList<HealthResult> Health);
