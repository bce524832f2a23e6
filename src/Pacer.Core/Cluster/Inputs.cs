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
    public sealed record ChangeRunSpecs(RequestId Request, ValueList<RunSpecChange> Changes, bool Force) : Command(Request)
    {
        public ValueList<GroupChange> Groups { get; init; } = [];

        /// <summary>The group that the user changed, as events name it; null: the one around a single run spec, else the root.</summary>
        public string? GroupId { get; init; }

        /// <summary>
        /// The root version that the caller computed from, where the changes depend on more than the run specs they name: when it is
        /// not the current one, the command is answered <see cref="CommandResult.Stale"/>.
        /// </summary>
        public Timestamp? RootBase { get; init; }
    }

    /// <summary>Sets or resets (null) whether run specs below a top-level group must have its role. No deployment, no new version.</summary>
    public sealed record EnforceRole(RequestId Request, string GroupId, bool? Enforce) : Command(Request);

    /// <summary>
    /// Ends instances. Plain: each is started again. <see cref="Scale"/>: the wanted count drops with them, as a deployment.
    /// <see cref="Wipe"/>: they are forgotten, replacements are new instances.
    /// </summary>
    public sealed record KillInstances(RequestId Request, ValueList<InstanceId> Instances, bool Scale, bool Wipe, bool Force) : Command(Request);

    /// <summary><see cref="Force"/>: just stop it where it is. Otherwise start a new deployment that puts the old definitions back.</summary>
    public sealed record CancelDeployment(RequestId Request, DeploymentId Id, bool Force) : Command(Request);

    /// <summary>Forgets the launch back-off of a run spec.</summary>
    public sealed record ResetDelay(RequestId Request, RunSpecId Id) : Command(Request);

    /// <summary>Stores a secret, or sets its content anew. Running tasks keep what they were given.</summary>
    public sealed record PutSecret(RequestId Request, string Name, string Sealed) : Command(Request);

    public sealed record RemoveSecret(RequestId Request, string Name) : Command(Request);

    /// <summary>Keeps new instances away from a node, or lets them there again. What runs there stays.</summary>
    public sealed record CordonNode(RequestId Request, AgentId Id, bool Cordoned) : Command(Request);

    /// <summary>
    /// Moves everything away from a node: each instance once its replacement runs elsewhere, within its upgrade bounds. After
    /// <see cref="Deadline"/> (null: never) what is left is killed. Said again, it sets the deadline anew.
    /// </summary>
    public sealed record DrainNode(RequestId Request, AgentId Id, TimeSpan? Deadline, bool IncludeResident) : Command(Request);

    public sealed record UndrainNode(RequestId Request, AgentId Id) : Command(Request);

    /// <summary>Forgets a node that is gone for good, and gives up the instances that were there.</summary>
    public sealed record RemoveNode(RequestId Request, AgentId Id) : Command(Request);

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

/// <summary>One wanted change to one group. Removals come before all else, so that what they make room for can be put.</summary>
public abstract record GroupChange(string Id)
{
    /// <summary>Make the group be this. Its version stamp is ignored; the core sets it.</summary>
    public sealed record Put(Group Group) : GroupChange(Group.Id);

    /// <summary>Remove the group with all that is in it; "/" empties the cluster.</summary>
    public sealed record Remove(string Id) : GroupChange(Id);
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
    ValueList<HealthResult> Health)
{
    public ValueList<ReadinessResult> Readiness { get; init; } = [];

    /// <summary>Null: no result.</summary>
    public CheckResult? Check { get; init; }
}
