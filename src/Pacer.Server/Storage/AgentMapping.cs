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
        foreach (var range in node.Ports)
        {
            record.Ports.Add(new PortRangeRecord { First = range.First, Last = range.Last });
        }
        foreach (var (name, value) in node.Attributes)
        {
            record.Attributes.Add(name, value);
        }
        record.Runtimes.AddRange(node.Runtimes);
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
        RecordValues.Map(record.Ports, static range => new PortRange(range.First, range.Last)),
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
    };
}
