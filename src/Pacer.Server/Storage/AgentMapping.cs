using System.Collections.Immutable;
using Pacer.Core.Model;
using Pacer.Server.Storage.Records;

namespace Pacer.Server.Storage;

internal static class AgentMapping
{
    public static AgentRecord ToRecord(AgentNode node)
    {
        var record = new AgentRecord
        {
            Id = node.Id.Value,
            Hostname = node.Hostname,
            Address = node.Address,
            Resources = RecordValues.ToRecord(node.Resources),
            Version = node.Version,
            RegisteredAt = node.RegisteredAt.UnixMilliseconds,
            Connected = node.Connected,
            Lost = node.Lost,
        };
        record.Ports.AddRange(node.Ports.Select(ToRecord));
        record.Cordoned = node.Cordoned;
        foreach (var reservation in node.Reservations)
        {
            var reserved = new ReservationRecord { Role = reservation.Role, Resources = RecordValues.ToRecord(reservation.Resources) };
            reserved.Ports.AddRange(reservation.Ports.Select(ToRecord));
            record.Reservations.Add(reserved);
        }
        if (node.Drain is { } drain)
        {
            record.Drain = new DrainRecord { Since = drain.Since.UnixMilliseconds, IncludeResident = drain.IncludeResident, Expired = drain.Expired };
            if (drain.Until is { } until)
            {
                record.Drain.Until = until.UnixMilliseconds;
            }
        }
        foreach (var (name, value) in node.Attributes)
        {
            record.Attributes.Add(name, value);
        }
        record.Runtimes.AddRange(node.Runtimes);
        record.Networks.AddRange(node.Networks);
        foreach (var disk in node.Disks)
        {
            var mapped = new NodeDiskRecord { Type = (int)disk.Type, Path = disk.Path, SizeBytes = disk.SizeBytes };
            if (disk.Profile is { } profile)
            {
                mapped.Profile = profile;
            }
            record.Disks.Add(mapped);
        }
        record.VolumeDrivers.AddRange(node.VolumeDrivers);
        record.Volumes.AddRange(node.Volumes);
        record.Wiping.AddRange(node.Wiping);
        record.Unwanted.AddRange(node.Unwanted.Select(task => task.Value));
        if (node.Region is { } region)
        {
            record.Region = region;
        }
        if (node.Zone is { } zone)
        {
            record.Zone = zone;
        }
        if (node.DisconnectedAt is { } disconnectedAt)
        {
            record.DisconnectedAt = disconnectedAt.UnixMilliseconds;
        }
        if (node.Deadline is { } deadline)
        {
            record.Deadline = deadline.UnixMilliseconds;
        }
        return record;
    }

    public static AgentNode ToModel(AgentRecord record) => new(
        new AgentId(record.Id),
        record.Hostname,
        record.Address,
        RecordValues.ToModel(record.Resources),
        RecordValues.Map(record.Ports, ToModel),
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, record.Attributes),
        record.HasRegion ? record.Region : null,
        record.HasZone ? record.Zone : null,
        RecordValues.Strings(record.Runtimes),
        record.Version,
        new Timestamp(record.RegisteredAt),
        record.Connected,
        RecordValues.Moment(record.HasDisconnectedAt, record.DisconnectedAt),
        record.Lost)
    {
        Deadline = RecordValues.Moment(record.HasDeadline, record.Deadline),
        Cordoned = record.Cordoned,
        Drain = record.Drain is { } drain
            ? new NodeDrain(new Timestamp(drain.Since), RecordValues.Moment(drain.HasUntil, drain.Until), drain.IncludeResident) { Expired = drain.Expired }
            : null,
        Reservations = RecordValues.Map(record.Reservations, static reservation => new Reservation(
            reservation.Role, RecordValues.ToModel(reservation.Resources), RecordValues.Map(reservation.Ports, ToModel))),
        Disks = RecordValues.Map(record.Disks, static disk => new NodeDisk(
            RecordValues.ToEnum<DiskType>(disk.Type), disk.Path, disk.SizeBytes, disk.HasProfile ? disk.Profile : null)),
        Volumes = RecordValues.Strings(record.Volumes),
        Wiping = RecordValues.Strings(record.Wiping),
        Networks = RecordValues.Strings(record.Networks),
        VolumeDrivers = RecordValues.Strings(record.VolumeDrivers),
        Unwanted = RecordValues.Map(record.Unwanted, static task => new TaskId(task)),
    };

    private static PortRangeRecord ToRecord(PortRange range) => new() { First = range.First, Last = range.Last };

    private static PortRange ToModel(PortRangeRecord range) => new(range.First, range.Last);
}
