namespace Pacer.Core.Model;

public enum ActionKind { Start, Scale, Restart, Stop }

/// <summary>One action of a deployment's step. <see cref="Sentenced"/>: instances to end first when scaling down.</summary>
public sealed record DeploymentAction(ActionKind Kind, RunSpecId RunSpecId, RunSpecKind RunSpecKind, ValueList<InstanceId> Sentenced);

/// <summary>Actions that run side by side.</summary>
public sealed record DeploymentStep(ValueList<DeploymentAction> Actions);

/// <summary>What one run spec was before the deployment (null: absent) and what it shall be (null: absent).</summary>
public sealed record RunSpecTransition(RunSpecId Id, RunSpec? Original, RunSpec? Target);

/// <summary>The ordered way from one set of definitions to the next.</summary>
/// <param name="CurrentStep">1-based; 0 before the first step has started.</param>
public sealed record Deployment(
    DeploymentId Id,
    Timestamp Version,
    ValueList<DeploymentStep> Steps,
    ValueList<RunSpecTransition> Transitions,
    int CurrentStep,
    Timestamp StartedAt)
{
    /// <summary>Groups that were made, removed or given other dependencies.</summary>
    public ValueList<GroupTransition> Groups { get; init; } = [];

    public DeploymentStep? Current => CurrentStep >= 1 && CurrentStep <= Steps.Count ? Steps[CurrentStep - 1] : null;
}

/// <summary>Launch back-off of a run spec (marathon-behaviour.md §2.3).</summary>
/// <param name="ConfigVersion">Last config change the delay belongs to; another one starts afresh.</param>
/// <param name="Released">The delay has passed and launching goes on; the value is kept until <see cref="ExpiresAt"/>.</param>
public sealed record LaunchDelay(
    RunSpecId Id, Timestamp ConfigVersion, TimeSpan Delay, Timestamp Until, Timestamp Reference, TimeSpan MaxDelay, bool Released)
{
    /// <summary>The delay is forgotten when nothing has failed for the maximum delay.</summary>
    public Timestamp ExpiresAt => Timestamp.Max(Until, Reference + MaxDelay);

    /// <summary>When the core must look at it again.</summary>
    public Timestamp Deadline => Released ? ExpiresAt : Until;
}

/// <summary>Last failure of an app, as <c>lastTaskFailure</c> shows it.</summary>
public sealed record TaskFailure(
    RunSpecId RunSpecId, TaskId TaskId, InstanceId InstanceId, string State, string Message, string? Host, AgentId? AgentId,
    Timestamp Version, Timestamp At);
