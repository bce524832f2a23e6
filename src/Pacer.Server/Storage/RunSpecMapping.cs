using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

internal static class RunSpecMapping
{
    public static RunSpecRecord ToRecord(RunSpec spec)
    {
        var record = new RunSpecRecord
        {
            Id = spec.Id.Path,
            Kind = (int)spec.Kind,
            Definition = spec.Definition,
            Instances = spec.Instances,
            Resources = RecordValues.ToRecord(spec.Resources),
            Runtime = (int)spec.Runtime,
            RequirePorts = spec.RequirePorts,
            Backoff = new BackoffRecord
            {
                InitialTicks = spec.Backoff.Initial.Ticks,
                Factor = spec.Backoff.Factor,
                MaxTicks = spec.Backoff.Max.Ticks,
            },
            Upgrade = new UpgradeRecord
            {
                MinimumHealthCapacity = spec.Upgrade.MinimumHealthCapacity,
                MaximumOverCapacity = spec.Upgrade.MaximumOverCapacity,
            },
            KillSelection = (int)spec.KillSelection,
            Role = spec.Role,
            HealthChecks = spec.HealthChecks,
            HasReadinessCheck = spec.HasReadinessCheck,
            Version = spec.Version.UnixMilliseconds,
            LastScalingAt = spec.LastScalingAt.UnixMilliseconds,
            LastConfigChangeAt = spec.LastConfigChangeAt.UnixMilliseconds,
        };
        if (spec.Unreachable is { } unreachable)
        {
            record.Unreachable = new UnreachableRecord
            {
                InactiveAfterTicks = unreachable.InactiveAfter.Ticks,
                ExpungeAfterTicks = unreachable.ExpungeAfter.Ticks,
            };
        }
        if (spec.GpuScheduling is { } gpuScheduling)
        {
            record.GpuScheduling = (int)gpuScheduling;
        }
        record.IsResident = spec.IsResident;
        record.PersistentVolumes.AddRange(spec.PersistentVolumes);
        foreach (var disk in spec.Disks)
        {
            record.Disks.Add(ToRecord(disk));
        }
        record.Containers.AddRange(spec.Containers);
        record.ExclusiveVolumes.AddRange(spec.ExclusiveVolumes);
        if (spec.ExecutorResources is { } executor)
        {
            record.ExecutorResources = executor;
        }
        record.ContainerHealthChecks.AddRange(spec.ContainerHealthChecks);
        record.Dependencies.AddRange(spec.Dependencies);
        record.AcceptedRoles.AddRange(spec.AcceptedRoles);
        record.Networks.AddRange(spec.Networks);
        record.VolumeDrivers.AddRange(spec.VolumeDrivers);
        foreach (var port in spec.Ports)
        {
            record.Ports.Add(ToRecord(port));
        }
        foreach (var constraint in spec.Constraints)
        {
            record.Constraints.Add(ToRecord(constraint));
        }
        return record;
    }

    public static RunSpec ToModel(RunSpecRecord record) => new(
        new RunSpecId(record.Id),
        RecordValues.ToEnum<RunSpecKind>(record.Kind),
        record.Definition,
        record.Instances,
        RecordValues.ToModel(record.Resources),
        RecordValues.ToEnum<RuntimeKind>(record.Runtime),
        RecordValues.Strings(record.Containers),
        RecordValues.Map(record.Ports, ToModel),
        record.RequirePorts,
        RecordValues.Map(record.Constraints, ToModel),
        RecordValues.Strings(record.Dependencies),
        record.Backoff is { } backoff
            ? new BackoffPolicy(new TimeSpan(backoff.InitialTicks), backoff.Factor, new TimeSpan(backoff.MaxTicks))
            : BackoffPolicy.Default,
        record.Upgrade is { } upgrade
            ? new UpgradeStrategy(upgrade.MinimumHealthCapacity, upgrade.MaximumOverCapacity)
            : UpgradeStrategy.Default,
        record.Unreachable is { } unreachable
            ? new UnreachableStrategy(new TimeSpan(unreachable.InactiveAfterTicks), new TimeSpan(unreachable.ExpungeAfterTicks))
            : null,
        RecordValues.ToEnum<KillSelection>(record.KillSelection),
        record.Role,
        RecordValues.Strings(record.AcceptedRoles),
        record.HealthChecks,
        record.HasReadinessCheck,
        new Timestamp(record.Version),
        new Timestamp(record.LastScalingAt),
        new Timestamp(record.LastConfigChangeAt))
    {
        ExclusiveVolumes = RecordValues.Strings(record.ExclusiveVolumes),
        ExecutorResources = record.HasExecutorResources ? record.ExecutorResources : null,
        ContainerHealthChecks = ValueList.From(record.ContainerHealthChecks),
        GpuScheduling = record.HasGpuScheduling ? RecordValues.ToEnum<GpuScheduling>(record.GpuScheduling) : null,
        IsResident = record.IsResident,
        PersistentVolumes = RecordValues.Strings(record.PersistentVolumes),
        Disks = RecordValues.Map(record.Disks, static disk => new DiskRequest(
            disk.Volume, RecordValues.ToEnum<DiskType>(disk.Type), disk.SizeBytes, disk.HasMaxSizeBytes ? disk.MaxSizeBytes : null,
            disk.HasProfile ? disk.Profile : null, RecordValues.Map(disk.Paths, ToModel))),
        Networks = RecordValues.Strings(record.Networks),
        VolumeDrivers = RecordValues.Strings(record.VolumeDrivers),
    };

    private static DiskRequestRecord ToRecord(DiskRequest disk)
    {
        var record = new DiskRequestRecord { Volume = disk.Volume, Type = (int)disk.Type, SizeBytes = disk.SizeBytes };
        if (disk.MaxSizeBytes is { } most)
        {
            record.MaxSizeBytes = most;
        }
        if (disk.Profile is { } profile)
        {
            record.Profile = profile;
        }
        record.Paths.AddRange(disk.Paths.Select(ToRecord));
        return record;
    }

    private static ConstraintRecord ToRecord(Constraint constraint)
    {
        var record = new ConstraintRecord { Field = constraint.Field, Operator = (int)constraint.Operator };
        if (constraint.Value is { } value)
        {
            record.Value = value;
        }
        return record;
    }

    private static Constraint ToModel(ConstraintRecord record) =>
        new(record.Field, RecordValues.ToEnum<ConstraintOperator>(record.Operator), record.HasValue ? record.Value : null);

    private static PortSpecRecord ToRecord(PortSpec port)
    {
        var record = new PortSpecRecord { ServicePort = port.ServicePort, ContainerPort = port.ContainerPort, Protocol = port.Protocol };
        if (port.HostPort is { } hostPort)
        {
            record.HostPort = hostPort;
        }
        if (port.Name is { } name)
        {
            record.Name = name;
        }
        return record;
    }

    private static PortSpec ToModel(PortSpecRecord record) => new(
        record.ServicePort,
        record.HasHostPort ? record.HostPort : null,
        record.ContainerPort,
        record.Protocol,
        record.HasName ? record.Name : null);
}
