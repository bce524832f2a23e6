using System.Buffers.Binary;

namespace Pacer.Edge.Dns.Packets;

internal static class RecordType
{
    public const ushort A = 1;
    public const ushort Ns = 2;
    public const ushort Soa = 6;
    public const ushort Ptr = 12;
    public const ushort Txt = 16;
    public const ushort Aaaa = 28;
    public const ushort Srv = 33;
    public const ushort Opt = 41;
    public const ushort Any = 255;

    public static string NameOf(ushort type) => type switch
    {
        A => "A",
        Ns => "NS",
        Soa => "SOA",
        Ptr => "PTR",
        Txt => "TXT",
        Aaaa => "AAAA",
        Srv => "SRV",
        Any => "ANY",
        _ => $"TYPE{type}",
    };
}

internal enum ResponseCode : ushort
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// <summary>What matters of a query. Offsets are into its packet.</summary>
internal struct DnsQuery
{
    public const int HeaderLength = 12;
    public const ushort ClassIn = 1;
    public const ushort ClassAny = 255;

    public ushort Id;
    public bool RecursionDesired;
    public bool CheckingDisabled;

    /// <summary>In its place in the header.</summary>
    public int Opcode;

    /// <summary>End of the one question, which begins behind the header.</summary>
    public int QuestionEnd;
    public ushort Type;
    public ushort Class;

    /// <summary>Length of the name as text.</summary>
    public int NameLength;
    public bool HasEdns;
    public bool DnssecOk;
    public int EdnsVersion;

    /// <summary>Bytes the client takes by UDP.</summary>
    public int Payload;

    /// <summary>
    /// Takes a packet apart; the name goes into <paramref name="name"/> in lower case (<see cref="WireName.MaxLength"/> characters). Null
    /// when it is a query that can be answered, else the code to refuse it with; <see cref="ResponseCode.NoError"/>: not to be answered.
    /// </summary>
    public static ResponseCode? Parse(ReadOnlySpan<byte> packet, Span<char> name, out DnsQuery query)
    {
        query = new DnsQuery { Payload = 512 };
        if (packet.Length < HeaderLength)
        {
            return ResponseCode.NoError;
        }
        query.Id = BinaryPrimitives.ReadUInt16BigEndian(packet);
        var flags = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        query.RecursionDesired = (flags & 0x0100) != 0;
        query.CheckingDisabled = (flags & 0x0010) != 0;
        if ((flags & 0x8000) != 0)
        {
            return ResponseCode.NoError; // an answer: to reply to it could go on for ever
        }
        query.Opcode = flags & 0x7800;
        if (query.Opcode != 0)
        {
            return ResponseCode.NotImplemented;
        }
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != 1)
        {
            return ResponseCode.FormatError;
        }
        var offset = HeaderLength;
        if (!WireName.TryReadLower(packet, ref offset, name, out query.NameLength) || offset + 4 > packet.Length)
        {
            return ResponseCode.FormatError;
        }
        query.Type = BinaryPrimitives.ReadUInt16BigEndian(packet[offset..]);
        query.Class = BinaryPrimitives.ReadUInt16BigEndian(packet[(offset + 2)..]);
        query.QuestionEnd = offset + 4;
        var others = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) + BinaryPrimitives.ReadUInt16BigEndian(packet[8..]);
        var additional = BinaryPrimitives.ReadUInt16BigEndian(packet[10..]);
        return ReadEdns(packet, query.QuestionEnd, others, additional, ref query) ? null : ResponseCode.FormatError;
    }

    private static bool ReadEdns(ReadOnlySpan<byte> packet, int offset, int others, int additional, ref DnsQuery query)
    {
        for (var i = 0; i < others + additional; i++)
        {
            if (!WireName.TrySkip(packet, ref offset) || offset + 10 > packet.Length)
            {
                return false;
            }
            var fixedPart = packet[offset..];
            offset += 10 + BinaryPrimitives.ReadUInt16BigEndian(fixedPart[8..]);
            if (offset > packet.Length)
            {
                return false;
            }
            if (BinaryPrimitives.ReadUInt16BigEndian(fixedPart) != RecordType.Opt || i < others)
            {
                continue;
            }
            if (query.HasEdns)
            {
                return false; // two of them
            }
            query.HasEdns = true;
            query.Payload = Math.Max((ushort)512, BinaryPrimitives.ReadUInt16BigEndian(fixedPart[2..]));
            query.EdnsVersion = fixedPart[5];
            query.DnssecOk = (fixedPart[6] & 0x80) != 0;
        }
        return true;
    }
}
