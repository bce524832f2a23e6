using System.Buffers.Binary;
using Pacer.Edge.Dns.Packets;
using Pacer.Edge.Dns.Zones;

namespace Pacer.Edge.Dns.Server;

internal enum Outcome
{
    /// <summary>There is an answer to send.</summary>
    Answered,

    /// <summary>Nothing is sent: it was no query.</summary>
    Dropped,

    /// <summary>The name is not ours: others know it.</summary>
    Foreign,
}

/// <summary>Answers queries for our zones straight into a buffer. Safe for many threads; allocates nothing on its usual paths.</summary>
internal sealed class Responder(DnsZones zones, DnsOptions options)
{
    /// <summary>Longest answer sent by UDP, whatever the client would take.</summary>
    public const int MaxUdp = 4096;

    public const int MaxTcp = ushort.MaxValue;

    private const int MostShuffled = 64;

    private SoaCache _soas = new(0, []);

    private sealed record SoaCache(uint Serial, Dictionary<Zone, byte[]> ByZone);

    /// <param name="response">At least <see cref="MaxUdp"/> bytes, or <see cref="MaxTcp"/> for TCP.</param>
    /// <param name="query">What was understood; whole only for <see cref="Outcome.Foreign"/>.</param>
    public Outcome Answer(ReadOnlySpan<byte> packet, Span<byte> response, bool tcp, out int length, out DnsQuery query)
    {
        Span<char> name = stackalloc char[WireName.MaxLength + 1];
        var refusal = DnsQuery.Parse(packet, name, out query);
        length = 0;
        if (refusal is { } code)
        {
            if (code == ResponseCode.NoError)
            {
                return Outcome.Dropped;
            }
            length = ResponseWriter.WriteBare(response, query, code);
            return Outcome.Answered;
        }
        var limit = tcp ? MaxTcp : Math.Min(query.Payload, MaxUdp);
        var writer = new ResponseWriter(response, packet, query, limit);
        if (query.EdnsVersion != 0)
        {
            length = writer.Finish(query, ResponseCode.BadVersion, authoritative: false, truncated: false, options.Forward);
            return Outcome.Answered;
        }
        if (query.Class is not (DnsQuery.ClassIn or DnsQuery.ClassAny))
        {
            length = writer.Finish(query, ResponseCode.Refused, authoritative: false, truncated: false, options.Forward);
            return Outcome.Answered;
        }
        var nameLength = query.NameLength;
        RemoveWildcards(name, ref nameLength);
        var zone = zones.Zones.Find(name, ref nameLength, out var suffix);
        if (zone is null)
        {
            return TryAnswerReverse(name[..nameLength], ref writer, query, out length) ? Outcome.Answered : Outcome.Foreign;
        }
        length = zones.IsBlank && zone.Apex is not ("spartan" or "localhost")
            ? writer.Finish(query, ResponseCode.ServerFailure, authoritative: false, truncated: false, options.Forward)
            : AnswerOurs(zone, zones.Table.Find(name[..nameLength]), ref writer, query, suffix);
        return Outcome.Answered;
    }

    /// <summary>An answer without records, for a query that could not be served.</summary>
    public int Refuse(ReadOnlySpan<byte> packet, Span<byte> response, in DnsQuery query, ResponseCode code) =>
        new ResponseWriter(response, packet, query, response.Length).Finish(query, code, authoritative: false, truncated: false, options.Forward);

    private int AnswerOurs(Zone zone, NameEntry? entry, ref ResponseWriter writer, in DnsQuery query, ReadOnlySpan<byte> suffix)
    {
        if (query.Type is RecordType.Soa or RecordType.Ns && IsApexOrMesos(zone, query))
        {
            return AnswerAuthority(zone, ref writer, query);
        }
        var whole = true;
        if (entry is not null)
        {
            whole = query.Type switch
            {
                RecordType.A => WriteAddresses(entry.A, 4, RecordType.A, zone.Ttl, ref writer),
                RecordType.Aaaa => WriteAddresses(entry.Aaaa, 16, RecordType.Aaaa, zone.Ttl, ref writer),
                RecordType.Srv => WriteServices(entry, zone, suffix, withAddresses: true, ref writer),
                RecordType.Txt => WriteTexts(entry, zone.Ttl, ref writer),
                RecordType.Any => WriteServices(entry, zone, suffix, withAddresses: false, ref writer)
                    && WriteAddresses(entry.A, 4, RecordType.A, zone.Ttl, ref writer)
                    && WriteAddresses(entry.Aaaa, 16, RecordType.Aaaa, zone.Ttl, ref writer),
                _ => true,
            };
        }
        if (query.Type == RecordType.Any && writer.HasAnswers)
        {
            WriteSoa(zone, ref writer);
            writer.TryAuthority(zone.ApexWire, RecordType.Ns, zone.NsTtl, zone.Ns);
        }
        else if (!writer.HasAnswers && whole)
        {
            WriteSoa(zone, ref writer);
        }
        return writer.Finish(query, entry is null ? ResponseCode.NameError : ResponseCode.NoError, authoritative: true, !whole, options.Forward);
    }

    // Mesos-DNS gives SOA and NS for any name of its domain; elsewhere they are the apex's.
    private static bool IsApexOrMesos(Zone zone, in DnsQuery query) => !zone.SoaInAnswer || query.QuestionEnd - 4 - DnsQuery.HeaderLength == zone.ApexWire.Length;

    private int AnswerAuthority(Zone zone, ref ResponseWriter writer, in DnsQuery query)
    {
        _ = query.Type == RecordType.Soa
            ? writer.TryAuthority(zone.ApexWire, RecordType.Soa, zone.Ttl, SoaOf(zone), zone.SoaInAnswer)
            : writer.TryAuthority(zone.ApexWire, RecordType.Ns, zone.NsTtl, zone.Ns, zone.SoaInAnswer);
        return writer.Finish(query, ResponseCode.NoError, authoritative: true, truncated: false, options.Forward);
    }

    /// <summary>All of them in a new order for each answer, so that clients that take the first spread.</summary>
    private static bool WriteAddresses(byte[] addresses, int size, ushort type, uint ttl, ref ResponseWriter writer)
    {
        var count = addresses.Length / size;
        Span<byte> order = stackalloc byte[MostShuffled];
        var start = Shuffle(count, order);
        for (var i = 0; i < count; i++)
        {
            var index = count <= MostShuffled ? order[i] : (start + i) % count;
            if (!writer.TryAnswer(type, ttl, addresses.AsSpan(index * size, size)))
            {
                return false;
            }
        }
        return true;
    }

    /// <param name="withAddresses">Those of the targets follow: nothing else may be written into the answer section then.</param>
    private static bool WriteServices(NameEntry entry, Zone zone, ReadOnlySpan<byte> suffix, bool withAddresses, ref ResponseWriter writer)
    {
        var count = entry.Srv.Length;
        if (count == 0)
        {
            return true;
        }
        Span<byte> order = stackalloc byte[MostShuffled];
        var start = Shuffle(count, order);
        // Where each target's name was written; beyond this many there is no room for additional records by UDP anyway.
        Span<int> targets = stackalloc int[MostShuffled];
        var whole = true;
        var written = 0;
        for (; written < count; written++)
        {
            var service = entry.Srv[IndexOf(written, order)];
            if (!writer.TryAnswerSrv(zone.Ttl, zone.SrvPriority, zone.SrvWeight, service.Port, service.Target.Wire, suffix, out var targetAt))
            {
                whole = false;
                break;
            }
            if (written < MostShuffled)
            {
                targets[written] = targetAt;
            }
        }
        // Truncated answers carry no additional records: the client asks again by TCP.
        for (var i = 0; whole && withAddresses && i < Math.Min(written, MostShuffled); i++)
        {
            var service = entry.Srv[IndexOf(i, order)];
            if (!IsRepeated(entry, i, service.Target, order) && !WriteTarget(service.Target, targets[i], zone.Ttl, ref writer))
            {
                break;
            }
        }
        return whole;

        int IndexOf(int i, Span<byte> order) => count <= MostShuffled ? order[i] : (start + i) % count;

        bool IsRepeated(NameEntry entry, int i, NameSlot target, Span<byte> order)
        {
            for (var j = 0; j < i; j++)
            {
                if (entry.Srv[IndexOf(j, order)].Target == target)
                {
                    return true;
                }
            }
            return false;
        }
    }

    // One address of each family, as Mesos-DNS does.
    private static bool WriteTarget(NameSlot target, int nameAt, uint ttl, ref ResponseWriter writer)
    {
        if (target.Entry is not { } entry)
        {
            return true;
        }
        var aCount = entry.A.Length / 4;
        var aaaaCount = entry.Aaaa.Length / 16;
        return (aCount == 0 || writer.TryAdditional(nameAt, RecordType.A, ttl, entry.A.AsSpan(Random.Shared.Next(aCount) * 4, 4)))
            && (aaaaCount == 0 || writer.TryAdditional(nameAt, RecordType.Aaaa, ttl, entry.Aaaa.AsSpan(Random.Shared.Next(aaaaCount) * 16, 16)));
    }

    private static bool WriteTexts(NameEntry entry, uint ttl, ref ResponseWriter writer)
    {
        foreach (var text in entry.Txt)
        {
            if (!writer.TryAnswerText(ttl, text))
            {
                return false;
            }
        }
        return true;
    }

    private bool TryAnswerReverse(ReadOnlySpan<char> name, ref ResponseWriter writer, in DnsQuery query, out int length)
    {
        length = 0;
        if (query.Type is not (RecordType.Ptr or RecordType.Any) || !name.EndsWith(".arpa") || zones.Table.Find(name) is not { Ptr.Length: > 0 } entry)
        {
            return false;
        }
        var whole = true;
        foreach (var target in entry.Ptr)
        {
            whole = whole && writer.TryAnswerName(RecordType.Ptr, zones.Zones.Mesos.Ttl, target.Wire);
        }
        length = writer.Finish(query, ResponseCode.NoError, authoritative: true, !whole, options.Forward);
        return true;
    }

    private void WriteSoa(Zone zone, ref ResponseWriter writer) => writer.TryAuthority(zone.ApexWire, RecordType.Soa, zone.Ttl, SoaOf(zone));

    private byte[] SoaOf(Zone zone)
    {
        var soas = _soas;
        var serial = zones.Serial;
        if (soas.Serial != serial || soas.ByZone.Count == 0)
        {
            _soas = soas = new SoaCache(serial, zones.Zones.All.ToDictionary(each => each, each => each.Soa(serial)));
        }
        return soas.ByZone[zone];
    }

    /// <summary>Mesos-DNS' poor man's wildcard: <c>.*</c> is as if it were not there.</summary>
    private static void RemoveWildcards(Span<char> name, ref int length)
    {
        int at;
        while ((at = name[..length].IndexOf(".*")) >= 0)
        {
            name[(at + 2)..length].CopyTo(name[at..]);
            length -= 2;
        }
    }

    // Fisher and Yates for lists of a usual length; long ones begin somewhere else each time.
    private static int Shuffle(int count, Span<byte> order)
    {
        if (count <= 1)
        {
            order[0] = 0;
            return 0;
        }
        if (count > MostShuffled)
        {
            return Random.Shared.Next(count);
        }
        for (var i = 0; i < count; i++)
        {
            var j = Random.Shared.Next(i + 1);
            order[i] = order[j];
            order[j] = (byte)i;
        }
        return 0;
    }
}
