using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>
/// One durable change to the state. Applying the changes of a step to the state before it gives the state after it, and the
/// last puts of all keys, applied to the empty state, give the state after a restart.
/// </summary>
public abstract record Change
{
    private Change() { }

    public sealed record PutRunSpec(RunSpec Spec) : Change;

    /// <summary>The run spec is no longer wanted. Its instances end on their own account.</summary>
    public sealed record DeleteRunSpec(RunSpecId Id) : Change;

    /// <summary>Keeps a version of a run spec in its history.</summary>
    public sealed record PutVersion(RunSpec Spec) : Change;

    public sealed record DeleteVersion(RunSpecId Id, Timestamp Version) : Change;

    public sealed record PutInstance(Instance Instance) : Change;

    public sealed record DeleteInstance(InstanceId Id) : Change;

    public sealed record PutAgent(AgentNode Node) : Change;

    public sealed record DeleteAgent(AgentId Id) : Change;

    public sealed record PutDeployment(Deployment Deployment) : Change;

    public sealed record DeleteDeployment(DeploymentId Id) : Change;

    public sealed record PutLaunchDelay(LaunchDelay Delay) : Change;

    public sealed record DeleteLaunchDelay(RunSpecId Id) : Change;

    public sealed record PutTaskFailure(TaskFailure Failure) : Change;

    public sealed record DeleteTaskFailure(RunSpecId Id) : Change;

    public sealed record PutGroup(Group Group) : Change;

    public sealed record DeleteGroup(string Id) : Change;

    /// <summary>Keeps what a change of the root replaced, for going back to the version before it.</summary>
    public sealed record PutRootChange(RootChange RootChange) : Change;

    public sealed record DeleteRootChange(Timestamp Version) : Change;

    public sealed record PutSecret(SealedSecret Secret) : Change;

    public sealed record DeleteSecret(string Name) : Change;

    /// <summary>Version of the root group: the newest of all definition changes.</summary>
    public sealed record PutRootVersion(Timestamp Version) : Change;
}
