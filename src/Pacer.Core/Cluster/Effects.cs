using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>
/// What the shell must do after the changes of the same step are durable, in order. Each may be carried out twice without harm.
/// </summary>
public abstract record Effect
{
    private Effect() { }

    /// <summary>Answer a waiting caller; nobody waits any more after a crash.</summary>
    public sealed record Reply(RequestId Request, CommandResult Result) : Effect;

    /// <summary>Order to a node: run all tasks of this instance (idempotent by task id).</summary>
    public sealed record Launch(AgentId AgentId, Instance Instance, RunSpec RunSpec) : Effect;

    /// <summary>Order to a node: end this task (idempotent by task id). A null grace means the task's own.</summary>
    public sealed record Kill(AgentId AgentId, TaskId TaskId, TimeSpan? Grace, string Reason) : Effect
    {
        /// <summary>For failing health checks: the node reports the end as the check's kind wants it.</summary>
        public bool Unhealthy { get; init; }
    }

    /// <summary>Tell a node that a task's report was taken over for good.</summary>
    public sealed record Acknowledge(AgentId AgentId, TaskId TaskId, long Sequence) : Effect;

    /// <summary>Order to a node: destroy the data of these volumes as soon as no task uses them.</summary>
    public sealed record WipeVolumes(AgentId AgentId, ValueList<string> Ids) : Effect;

    /// <summary>Tell everyone who listens.</summary>
    public sealed record Publish(ClusterEvent Event) : Effect;
}

/// <summary>Answer to a <see cref="Input.Command"/>.</summary>
public abstract record CommandResult
{
    private CommandResult() { }

    /// <summary>Accepted as a deployment; it may already be over if nothing had to be done.</summary>
    public sealed record Deploying(DeploymentId DeploymentId, Timestamp Version) : CommandResult;

    /// <summary>Done, without a deployment.</summary>
    public sealed record Done(ValueList<Instance> Instances) : CommandResult;

    /// <summary>The caller's view was out of date: look again and repeat.</summary>
    public sealed record Stale : CommandResult;

    /// <summary>Run specs are being changed by these deployments.</summary>
    public sealed record Conflict(ValueList<DeploymentId> Deployments) : CommandResult;

    public sealed record TooManyDeployments(int Limit) : CommandResult;

    public sealed record RunSpecNotFound(RunSpecId Id) : CommandResult;

    public sealed record GroupNotFound(string GroupId) : CommandResult;

    public sealed record DeploymentNotFound(DeploymentId Id) : CommandResult;

    public sealed record SecretNotFound(string Name) : CommandResult;

    public sealed record NodeNotFound(AgentId Id) : CommandResult;

    /// <summary>The node is in contact: its agent must end before it can be forgotten.</summary>
    public sealed record NodeConnected(AgentId Id, string Hostname) : CommandResult;

    /// <summary>Nothing of this run spec waits to be launched.</summary>
    public sealed record NotQueued(RunSpecId Id) : CommandResult;

    /// <summary>The change breaks a rule that spans run specs. <see cref="Path"/> as in Marathon's error bodies.</summary>
    public sealed record Invalid(string Path, string Message) : CommandResult;

    /// <summary>No service port is left in the range.</summary>
    public sealed record ServicePortsExhausted(int Min, int Max) : CommandResult;
}

/// <summary>What happened, for the event stream. The shell turns it into Marathon's JSON.</summary>
public abstract record ClusterEvent(Timestamp At)
{
    public sealed record GroupChanged(Timestamp At, string GroupId, Timestamp Version) : ClusterEvent(At);

    public sealed record GroupChangeFailed(Timestamp At, string GroupId, Timestamp Version, string Reason) : ClusterEvent(At);

    /// <summary>A step begins.</summary>
    public sealed record DeploymentInfo(Timestamp At, Deployment Deployment) : ClusterEvent(At);

    public sealed record DeploymentStepSucceeded(Timestamp At, Deployment Deployment) : ClusterEvent(At);

    public sealed record DeploymentSucceeded(Timestamp At, Deployment Deployment) : ClusterEvent(At);

    public sealed record DeploymentFailed(Timestamp At, Deployment Deployment, string Reason) : ClusterEvent(At);

    public sealed record AppTerminated(Timestamp At, RunSpecId Id) : ClusterEvent(At);

    public sealed record InstanceChanged(Timestamp At, Instance Instance) : ClusterEvent(At);

    public sealed record InstanceHealthChanged(Timestamp At, Instance Instance) : ClusterEvent(At);

    /// <summary>A task's state changed. <see cref="ServicePorts"/> are not part of it; ports are the instance's host ports.</summary>
    public sealed record StatusUpdated(Timestamp At, Instance Instance, TaskInfo Task) : ClusterEvent(At);

    public sealed record UnknownInstanceTerminated(Timestamp At, InstanceId InstanceId, Condition Condition) : ClusterEvent(At);

    /// <summary>One more failure of a health check (its index among the container's).</summary>
    public sealed record HealthCheckFailed(Timestamp At, Instance Instance, RunSpec RunSpec, int Check) : ClusterEvent(At)
    {
        /// <summary>Container of a pod; for an app <see cref="TaskId.AppContainer"/>.</summary>
        public string Container { get; init; } = TaskId.AppContainer;
    }

    /// <summary>From now on this health check of an app (its index) is run.</summary>
    public sealed record HealthCheckAdded(Timestamp At, RunSpec RunSpec, int Check) : ClusterEvent(At);

    /// <summary>A health check of an app is no longer run.</summary>
    public sealed record HealthCheckRemoved(Timestamp At, RunSpecId Id) : ClusterEvent(At);

    /// <summary>A health check sees a task alive that it saw dead, or the other way round.</summary>
    public sealed record HealthStatusChanged(Timestamp At, Instance Instance, bool Alive) : ClusterEvent(At);

    public sealed record UnhealthyInstanceKilled(Timestamp At, Instance Instance, TaskId TaskId, string Reason) : ClusterEvent(At);

    /// <summary>An instance is not ended for its failing health, because most of its run spec are unhealthy with it.</summary>
    /// <param name="Unhealthy">How many of <paramref name="Instances"/> are.</param>
    public sealed record UnhealthyKillHeld(Timestamp At, Instance Instance, string Reason, int Unhealthy, int Instances) : ClusterEvent(At);

    public sealed record AgentChanged(Timestamp At, AgentNode Node) : ClusterEvent(At);
}
