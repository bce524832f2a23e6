using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

/// <summary>Deployments, and the records that launching leaves behind: back-off and last failure.</summary>
internal static class DeploymentMapping
{
    public static DeploymentRecord ToRecord(Deployment deployment)
    {
        var record = new DeploymentRecord
        {
            Id = deployment.Id.Value,
            Version = deployment.Version.UnixMilliseconds,
            CurrentStep = deployment.CurrentStep,
            StartedAt = deployment.StartedAt.UnixMilliseconds,
        };
        foreach (var step in deployment.Steps)
        {
            var mapped = new StepRecord();
            foreach (var action in step.Actions)
            {
                mapped.Actions.Add(ToRecord(action));
            }
            record.Steps.Add(mapped);
        }
        foreach (var transition in deployment.Transitions)
        {
            record.Transitions.Add(new TransitionRecord
            {
                Id = transition.Id.Path,
                Original = transition.Original is { } original ? RunSpecMapping.ToRecord(original) : null,
                Target = transition.Target is { } target ? RunSpecMapping.ToRecord(target) : null,
            });
        }
        record.Groups.AddRange(deployment.Groups.Select(GroupMapping.ToRecord));
        return record;
    }

    public static Deployment ToModel(DeploymentRecord record) => new(
        new DeploymentId(record.Id),
        new Timestamp(record.Version),
        RecordValues.Map(record.Steps, static step => new DeploymentStep(RecordValues.Map(step.Actions, ToModel))),
        RecordValues.Map(record.Transitions, static transition => new RunSpecTransition(
            new RunSpecId(transition.Id),
            transition.Original is { } original ? RunSpecMapping.ToModel(original) : null,
            transition.Target is { } target ? RunSpecMapping.ToModel(target) : null)),
        record.CurrentStep,
        new Timestamp(record.StartedAt))
    {
        Groups = RecordValues.Map(record.Groups, GroupMapping.ToModel),
    };

    public static LaunchDelayRecord ToRecord(LaunchDelay delay) => new()
    {
        Id = delay.Id.Path,
        ConfigVersion = delay.ConfigVersion.UnixMilliseconds,
        DelayTicks = delay.Delay.Ticks,
        Until = delay.Until.UnixMilliseconds,
        Reference = delay.Reference.UnixMilliseconds,
        MaxDelayTicks = delay.MaxDelay.Ticks,
        Released = delay.Released,
    };

    public static LaunchDelay ToModel(LaunchDelayRecord record) => new(
        new RunSpecId(record.Id),
        new Timestamp(record.ConfigVersion),
        new TimeSpan(record.DelayTicks),
        new Timestamp(record.Until),
        new Timestamp(record.Reference),
        new TimeSpan(record.MaxDelayTicks),
        record.Released);

    public static TaskFailureRecord ToRecord(TaskFailure failure)
    {
        var record = new TaskFailureRecord
        {
            RunSpecId = failure.RunSpecId.Path,
            TaskId = failure.TaskId.Value,
            InstanceId = failure.InstanceId.Value,
            State = failure.State,
            Message = failure.Message,
            Version = failure.Version.UnixMilliseconds,
            At = failure.At.UnixMilliseconds,
        };
        if (failure.Host is { } host)
        {
            record.Host = host;
        }
        if (failure.AgentId is { } agentId)
        {
            record.AgentId = agentId.Value;
        }
        return record;
    }

    public static TaskFailure ToModel(TaskFailureRecord record) => new(
        new RunSpecId(record.RunSpecId),
        new TaskId(record.TaskId),
        new InstanceId(record.InstanceId),
        record.State,
        record.Message,
        record.HasHost ? record.Host : null,
        record.HasAgentId ? new AgentId(record.AgentId) : null,
        new Timestamp(record.Version),
        new Timestamp(record.At));

    private static ActionRecord ToRecord(DeploymentAction action)
    {
        var record = new ActionRecord
        {
            Kind = (int)action.Kind,
            RunSpecId = action.RunSpecId.Path,
            RunSpecKind = (int)action.RunSpecKind,
        };
        foreach (var instance in action.Sentenced)
        {
            record.Sentenced.Add(instance.Value);
        }
        return record;
    }

    private static DeploymentAction ToModel(ActionRecord record) => new(
        RecordValues.ToEnum<ActionKind>(record.Kind),
        new RunSpecId(record.RunSpecId),
        RecordValues.ToEnum<RunSpecKind>(record.RunSpecKind),
        RecordValues.Map(record.Sentenced, static id => new InstanceId(id)));
}
