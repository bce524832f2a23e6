namespace Pacer.Core.Model;

/// <summary>What we want of an instance. Moves only towards <see cref="Decommissioned"/>, but for Stopped → Running on re-use.</summary>
public enum Goal { Running, Stopped, Decommissioned }

/// <summary>What we saw of an instance or task. Names and meaning as in Marathon (marathon-behaviour.md §3.2).</summary>
public enum Condition
{
    Scheduled,
    Provisioned,
    Staging,
    Starting,
    Running,
    Killing,
    Unreachable,
    UnreachableInactive,
    Finished,
    Killed,
    Failed,
    Error,
    Dropped,
    Gone,
    Unknown,
}

public static class Conditions
{
    /// <summary>Holds resources on its node and counts as being there.</summary>
    public static bool IsActive(this Condition condition) => condition is Condition.Provisioned or Condition.Staging
        or Condition.Starting or Condition.Running or Condition.Killing or Condition.Unreachable;

    public static bool IsTerminal(this Condition condition) => condition >= Condition.Finished;

    /// <summary>Terminal and counted by the launch back-off (Killed and Unknown are not).</summary>
    public static bool IsBackoffFailure(this Condition condition) => condition is Condition.Finished or Condition.Failed
        or Condition.Error or Condition.Dropped or Condition.Gone;

    /// <summary>The state name that the API shows.</summary>
    public static string ToMesosState(this Condition condition) => condition switch
    {
        Condition.Scheduled or Condition.Provisioned or Condition.Staging => "TASK_STAGING",
        Condition.Starting => "TASK_STARTING",
        Condition.Running => "TASK_RUNNING",
        Condition.Killing => "TASK_KILLING",
        Condition.Unreachable or Condition.UnreachableInactive => "TASK_UNREACHABLE",
        Condition.Finished => "TASK_FINISHED",
        Condition.Killed => "TASK_KILLED",
        Condition.Failed => "TASK_FAILED",
        Condition.Error => "TASK_ERROR",
        Condition.Dropped => "TASK_DROPPED",
        Condition.Gone => "TASK_GONE",
        _ => "TASK_UNKNOWN",
    };
}

/// <summary>Result of one health check of a task, as the agent saw it.</summary>
public sealed record HealthResult(
    int Check,
    bool Alive,
    int ConsecutiveFailures,
    Timestamp? FirstSuccess,
    Timestamp? LastSuccess,
    Timestamp? LastFailure,
    string? LastFailureCause)
{
    /// <summary>It failed too often: why the task is to be ended, in words for people; null when not.</summary>
    public string? KillCause { get; init; }

    /// <summary>That end is the task's own failure (checks of Mesos' kind), not a kill (Marathon's own kind).</summary>
    public bool FailsTask { get; init; }
}

/// <summary>What a readiness check of a task was answered last.</summary>
/// <param name="LastResponse">Null: the check does not ask to keep it.</param>
public sealed record ReadinessResult(string Name, bool Ready, ReadinessResponse? LastResponse);

public sealed record ReadinessResponse(int Status, string ContentType, string Body);

/// <summary>Last result of a task's generic check: only shown. A closed set.</summary>
public abstract record CheckResult
{
    private CheckResult() { }

    public sealed record Http(int StatusCode) : CheckResult;

    public sealed record Tcp(bool Succeeded) : CheckResult;

    public sealed record Command(int ExitCode) : CheckResult;
}

/// <summary>One execution of a container of an instance: never restarted, only replaced by a task with the next incarnation.</summary>
public sealed record TaskInfo(
    TaskId Id,
    Condition Condition,
    Timestamp StagedAt,
    Timestamp? StartedAt,
    Timestamp Since,
    string? Message,
    string? Reason,
    int? ExitCode,
    int? Signal,
    ValueList<string> IpAddresses,
    ValueList<HealthResult> Health)
{
    /// <summary>Of each readiness check that was polled.</summary>
    public ValueList<ReadinessResult> Readiness { get; init; } = [];

    /// <summary>Null: no check, or no result.</summary>
    public CheckResult? Check { get; init; }

    /// <summary>Of the newest report that was taken over; older ones that come late are not.</summary>
    public long Sequence { get; init; }

    /// <summary>True when every check has a result and all are alive, false when one is not alive, else null.</summary>
    public bool? IsHealthy(int checks)
    {
        if (checks == 0)
        {
            return null;
        }
        var alive = 0;
        foreach (var result in Health)
        {
            if (!result.Alive)
            {
                return false;
            }
            alive++;
        }
        return alive >= checks ? true : null;
    }
}

/// <summary>Where an instance was put: its node and the host ports it got, one for each port spec that asks for one, in their order.</summary>
public sealed record Placement(AgentId AgentId, string Hostname, string? Region, string? Zone, ValueList<int> HostPorts, Resources Resources)
{
    /// <summary>The part of <see cref="Resources"/> that comes from the node's reservation for the instance's role.</summary>
    public Resources Reserved { get; init; }

    /// <summary>What its volumes got of disks other than the agent's own.</summary>
    public ValueList<DiskShare> Disks { get; init; } = [];
}

/// <summary>A persistent volume of an instance: data that stays on the instance's node until it is wiped.</summary>
/// <param name="Name">The container path of an app's volume, the name of a pod's.</param>
/// <param name="Id"><c>SAFE_RUN_SPEC_ID#NAME#UUID</c>.</param>
public sealed record LocalVolume(string Name, string Id)
{
    public string Uuid => Id[(Id.LastIndexOf('#') + 1)..];

    public static LocalVolume Create(RunSpecId spec, string name, string uuid) => new(name, $"{spec.SafePath}#{name}#{uuid}");
}

/// <summary>
/// One wanted copy of a run spec. <see cref="Tasks"/> is empty until the first launch; after a task ends and while the goal is
/// Running, the ended tasks stay until the next incarnation replaces them.
/// </summary>
/// <param name="RunSpecVersion">Version it was made from, or was last launched in.</param>
/// <param name="ConfigVersion">
/// <see cref="RunSpec.LastConfigChangeAt"/> of that version: an instance is up to date when it equals its run spec's.
/// </param>
/// <param name="CreatedAt">When the instance first was wanted; kept over relaunches.</param>
/// <param name="ScheduledAt">When it last began to wait for a place.</param>
/// <param name="Incarnation">Number of launches so far; 0 before the first.</param>
/// <param name="Ready">Running, and its readiness check passed once since its launch if it has one.</param>
/// <param name="Healthy">All health checks of all tasks are alive; null when one has no result or there are none.</param>
/// <param name="KillSentAt">When its tasks were last told to end; null when nobody did.</param>
public sealed record Instance(
    InstanceId Id,
    Timestamp RunSpecVersion,
    Timestamp ConfigVersion,
    Goal Goal,
    Condition Condition,
    Timestamp Since,
    Timestamp CreatedAt,
    Timestamp ScheduledAt,
    int Incarnation,
    string Role,
    Placement? Placement,
    ValueList<TaskInfo> Tasks,
    bool? Healthy,
    bool Ready,
    Timestamp? ActiveSince,
    Timestamp? UnreachableSince,
    Timestamp? KillSentAt,
    string? KillReason)
{
    public RunSpecId RunSpecId => Id.RunSpecId;

    /// <summary>Waits for a place: wanted, and not (or no longer) running anywhere.</summary>
    public bool IsScheduled => Goal == Goal.Running && (Condition == Condition.Scheduled || Condition.IsTerminal());

    public bool IsActive => Condition.IsActive();

    /// <summary>Whether its resources and ports on the placement's node are taken.</summary>
    public bool HoldsResources => Placement is not null && (!Volumes.IsEmpty || Condition.IsActive() || Condition == Condition.UnreachableInactive);

    /// <summary>Its persistent volumes, made with its first launch. An instance with volumes keeps its place, and what it holds there, to its end.</summary>
    public ValueList<LocalVolume> Volumes { get; init; } = [];

    /// <summary>Not wanted now, and ended: only its data and its place are kept.</summary>
    public bool IsSuspended => Goal == Goal.Stopped && !IsActive;

    /// <summary>The definition it was launched in has a readiness check. Noted here, since that version may leave the history before it.</summary>
    public bool AwaitsReadiness { get; init; }

    /// <summary>Why it was last ended for its failing health; kept over its next launch until it is healthy again.</summary>
    public string? UnhealthyKill { get; init; }

    /// <summary>Why it would be ended for its failing health, were that not held back; null when not.</summary>
    public string? HeldKill { get; init; }

    /// <summary>When the core must look at this instance again though nothing happened; null when never.</summary>
    public Timestamp? Deadline { get; init; }
}
