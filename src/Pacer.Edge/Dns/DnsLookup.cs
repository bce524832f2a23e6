using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns.Packets;
using Pacer.Edge.Dns.Zones;

namespace Pacer.Edge.Dns;

/// <summary>One record of an explained answer.</summary>
/// <param name="Owner">The task, or what else it comes from.</param>
/// <param name="Reason">Why it is left out, or is no better than a spare; null when nothing is wrong with it.</param>
public sealed record ExplainedRecord(string Type, string Value, string Owner, string? ServiceId, bool Published, string? Reason);

/// <summary>What the DNS server answers for a name, and why.</summary>
/// <param name="Zone">The domain it is in; null: it is not ours and is forwarded.</param>
/// <param name="Exists">False: the answer is that there is no such name.</param>
/// <param name="Collisions">Services that share the name's label though they are different ones.</param>
public sealed record DnsExplanation(
    string Name, string? Zone, int Ttl, bool Exists, IReadOnlyList<ExplainedRecord> Records, IReadOnlyList<string> Collisions);

/// <summary>Explains answers: works the zones out as the DNS server does, and tells where each record comes from.</summary>
public static class DnsLookup
{
    /// <param name="snapshot">The whole endpoints table.</param>
    /// <param name="name">A DNS name, or the id of an app or pod (<c>/shop/cart</c>).</param>
    public static DnsExplanation Explain(EndpointUpdate snapshot, DnsOptions options, string name)
    {
        var zones = new DnsZones(options, TimeProvider.System);
        zones.Apply(snapshot);
        var asked = name.StartsWith('/') ? $"{DnsName.Label(DnsName.OfRunSpec(name), options.Labels)}.{zones.Framework}.{options.Domain}"
            : name.TrimEnd('.').ToLowerInvariant().Replace(".*", "", StringComparison.Ordinal);
        if (asked.Length > WireName.MaxLength)
        {
            return new DnsExplanation(asked, null, 0, false, [], []);
        }
        Span<char> text = stackalloc char[WireName.MaxLength + 1];
        asked.CopyTo(text);
        var length = asked.Length;
        var zone = zones.Zones.Find(text, ref length, out _);
        if (zone is null)
        {
            return new DnsExplanation(asked, null, 0, false, [], []);
        }
        var tableName = new string(text[..length]);
        var records = (zones.Explain(tableName) ?? []).Select(item => Describe(item.Record, item.IsPublished)).ToList();
        var services = records.Select(record => record.ServiceId).OfType<string>().ToHashSet();
        var collisions = zones.Collisions.Where(collision => collision.Services.Any(services.Contains)).SelectMany(collision => collision.Services).Distinct();
        return new DnsExplanation(asked, zone.Apex, (int)zone.Ttl, zones.Table.Find(tableName) is not null, records, [.. collisions]);
    }

    private static ExplainedRecord Describe(Record record, bool published) => new(
        record.Kind switch
        {
            RecordKind.Address => ((IPAddress)record.Data).AddressFamily == AddressFamily.InterNetwork ? "A" : "AAAA",
            RecordKind.Srv => "SRV",
            RecordKind.Ptr => "PTR",
            _ => "TXT",
        },
        record.Data switch
        {
            NameSlot target when record.Kind == RecordKind.Srv => string.Create(CultureInfo.InvariantCulture, $"{target.Name}:{record.Port}"),
            NameSlot target => target.Name,
            var data => data.ToString()!,
        },
        record.Owner.Id,
        record.Owner.ServiceId,
        published,
        record.Owner.Reason);
}
