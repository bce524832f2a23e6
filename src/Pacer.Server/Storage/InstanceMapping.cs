using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

internal static class InstanceMapping
{
    public static InstanceRecord ToRecord(Instance instance)
    {
        var record = new InstanceRecord
        {
            Id = instance.Id.Value,
            RunSpecVersion = instance.RunSpecVersion.UnixMilliseconds,
            ConfigVersion = instance.ConfigVersion.UnixMilliseconds,
            Goal = (int)instance.Goal,
            Condition = (int)instance.Condition,
            Since = instance.Since.UnixMilliseconds,
            CreatedAt = instance.CreatedAt.UnixMilliseconds,
            ScheduledAt = instance.ScheduledAt.UnixMilliseconds,
            Incarnation = instance.Incarnation,
            Role = instance.Role,
            Ready = instance.Ready,
            AwaitsReadiness = instance.AwaitsReadiness,
        };
        if (instance.Placement is { } placement)
        {
            record.Placement = ToRecord(placement);
        }
        foreach (var task in instance.Tasks)
        {
            record.Tasks.Add(ToRecord(task));
        }
        record.Volumes.AddRange(instance.Volumes.Select(volume => new LocalVolumeRecord { Name = volume.Name, Id = volume.Id }));
        if (instance.Healthy is { } healthy)
        {
            record.Healthy = healthy;
        }
        if (instance.ActiveSince is { } activeSince)
        {
            record.ActiveSince = activeSince.UnixMilliseconds;
        }
        if (instance.UnreachableSince is { } unreachableSince)
        {
            record.UnreachableSince = unreachableSince.UnixMilliseconds;
        }
        if (instance.KillSentAt is { } killSentAt)
        {
            record.KillSentAt = killSentAt.UnixMilliseconds;
        }
        if (instance.KillReason is { } killReason)
        {
            record.KillReason = killReason;
        }
        if (instance.UnhealthyKill is { } unhealthyKill)
        {
            record.UnhealthyKill = unhealthyKill;
        }
        if (instance.HeldKill is { } heldKill)
        {
            record.HeldKill = heldKill;
        }
        if (instance.Deadline is { } deadline)
        {
            record.Deadline = deadline.UnixMilliseconds;
        }
        return record;
    }

    public static Instance ToModel(InstanceRecord record) => new(
        new InstanceId(record.Id),
        new Timestamp(record.RunSpecVersion),
        new Timestamp(record.ConfigVersion),
        RecordValues.ToEnum<Goal>(record.Goal),
        RecordValues.ToEnum<Condition>(record.Condition),
        new Timestamp(record.Since),
        new Timestamp(record.CreatedAt),
        new Timestamp(record.ScheduledAt),
        record.Incarnation,
        record.Role,
        record.Placement is { } placement ? ToModel(placement) : null,
        RecordValues.Map(record.Tasks, ToModel),
        record.HasHealthy ? record.Healthy : null,
        record.Ready,
        RecordValues.Moment(record.HasActiveSince, record.ActiveSince),
        RecordValues.Moment(record.HasUnreachableSince, record.UnreachableSince),
        RecordValues.Moment(record.HasKillSentAt, record.KillSentAt),
        record.HasKillReason ? record.KillReason : null)
    {
        Deadline = RecordValues.Moment(record.HasDeadline, record.Deadline),
        UnhealthyKill = record.HasUnhealthyKill ? record.UnhealthyKill : null,
        AwaitsReadiness = record.AwaitsReadiness,
        Volumes = RecordValues.Map(record.Volumes, static volume => new LocalVolume(volume.Name, volume.Id)),
        HeldKill = record.HasHeldKill ? record.HeldKill : null,
    };

    private static PlacementRecord ToRecord(Placement placement)
    {
        var record = new PlacementRecord
        {
            AgentId = placement.AgentId.Value,
            Hostname = placement.Hostname,
            Resources = RecordValues.ToRecord(placement.Resources),
        };
        if (placement.Region is { } region)
        {
            record.Region = region;
        }
        if (placement.Zone is { } zone)
        {
            record.Zone = zone;
        }
        record.HostPorts.AddRange(placement.HostPorts);
        record.Disks.AddRange(placement.Disks.Select(share => new DiskShareRecord { Volume = share.Volume, Path = share.Path, SizeBytes = share.SizeBytes }));
        if (placement.Reserved != Resources.None)
        {
            record.Reserved = RecordValues.ToRecord(placement.Reserved);
        }
        return record;
    }

    private static Placement ToModel(PlacementRecord record) => new(
        new AgentId(record.AgentId),
        record.Hostname,
        record.HasRegion ? record.Region : null,
        record.HasZone ? record.Zone : null,
        RecordValues.Map(record.HostPorts, static port => port),
        RecordValues.ToModel(record.Resources))
    {
        Reserved = RecordValues.ToModel(record.Reserved),
        Disks = RecordValues.Map(record.Disks, static share => new DiskShare(share.Volume, share.Path, share.SizeBytes)),
    };

    private static TaskRecord ToRecord(TaskInfo task)
    {
        var record = new TaskRecord
        {
            Id = task.Id.Value,
            Condition = (int)task.Condition,
            StagedAt = task.StagedAt.UnixMilliseconds,
            Since = task.Since.UnixMilliseconds,
        };
        if (task.StartedAt is { } startedAt)
        {
            record.StartedAt = startedAt.UnixMilliseconds;
        }
        if (task.Message is { } message)
        {
            record.Message = message;
        }
        if (task.Reason is { } reason)
        {
            record.Reason = reason;
        }
        if (task.ExitCode is { } exitCode)
        {
            record.ExitCode = exitCode;
        }
        if (task.Signal is { } signal)
        {
            record.Signal = signal;
        }
        record.IpAddresses.AddRange(task.IpAddresses);
        foreach (var health in task.Health)
        {
            record.Health.Add(CheckMapping.ToRecord(health));
        }
        record.Readiness.AddRange(task.Readiness.Select(CheckMapping.ToRecord));
        record.Check = CheckMapping.ToRecord(task.Check);
        record.Sequence = task.Sequence;
        return record;
    }

    private static TaskInfo ToModel(TaskRecord record) => new(
        new TaskId(record.Id),
        RecordValues.ToEnum<Condition>(record.Condition),
        new Timestamp(record.StagedAt),
        RecordValues.Moment(record.HasStartedAt, record.StartedAt),
        new Timestamp(record.Since),
        record.HasMessage ? record.Message : null,
        record.HasReason ? record.Reason : null,
        record.HasExitCode ? record.ExitCode : null,
        record.HasSignal ? record.Signal : null,
        RecordValues.Strings(record.IpAddresses),
        RecordValues.Map(record.Health, CheckMapping.ToModel))
    {
        Readiness = RecordValues.Map(record.Readiness, CheckMapping.ToModel),
        Check = CheckMapping.ToModel(record.Check),
        Sequence = record.Sequence,
    };
}
