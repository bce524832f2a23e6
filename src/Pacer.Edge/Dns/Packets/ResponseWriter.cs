using System.Buffers.Binary;

namespace Pacer.Edge.Dns.Packets;

/// <summary>
/// Writes an answer into a buffer, record by record in the order of the sections. A record that does not fit is left out whole; the
/// room that the closing OPT record needs is kept.
/// </summary>
internal ref struct ResponseWriter
{
    private const int OptLength = 11;
    private const ushort OwnPayload = 1232;
    private const ushort PointerToQuestion = 0xC00C;

    private readonly Span<byte> _buffer;
    private readonly bool _edns;
    private readonly bool _dnssecOk;
    private readonly int _limit;
    private int _at;
    private ushort _answers;
    private ushort _authorities;
    private ushort _additionals;

    /// <param name="limit">Longest answer that the client takes.</param>
    public ResponseWriter(Span<byte> buffer, ReadOnlySpan<byte> packet, in DnsQuery query, int limit)
    {
        _edns = query.HasEdns;
        _dnssecOk = query.DnssecOk;
        _limit = Math.Min(limit, buffer.Length) - (_edns ? OptLength : 0);
        _buffer = buffer;
        var questionEnd = query.QuestionEnd;
        packet[..questionEnd].CopyTo(buffer);
        _at = questionEnd;
    }

    public readonly bool HasAnswers => _answers > 0;

    /// <summary>A record of the question's name. False, and nothing written, when there is no room.</summary>
    public bool TryAnswer(ushort type, uint ttl, ReadOnlySpan<byte> data)
    {
        if (!TryWrite(PointerToQuestion, type, ttl, data))
        {
            return false;
        }
        _answers++;
        return true;
    }

    /// <summary>An SRV record; <paramref name="targetAt"/> is where its target's name begins, for <see cref="TryAdditional"/>.</summary>
    public bool TryAnswerSrv(uint ttl, ushort priority, ushort weight, ushort port, ReadOnlySpan<byte> target, ReadOnlySpan<byte> suffix, out int targetAt)
    {
        targetAt = _at + 18;
        var length = 6 + target.Length + suffix.Length;
        if (_at + 12 + length > _limit)
        {
            return false;
        }
        WriteFixed(PointerToQuestion, RecordType.Srv, ttl, length);
        Write(priority);
        Write(weight);
        Write(port);
        Write(target);
        Write(suffix);
        _answers++;
        return true;
    }

    /// <summary>A record of the question's name that holds a name.</summary>
    public bool TryAnswerName(ushort type, uint ttl, ReadOnlySpan<byte> target)
    {
        var length = target.Length + 1;
        if (_at + 12 + length > _limit)
        {
            return false;
        }
        WriteFixed(PointerToQuestion, type, ttl, length);
        Write(target);
        _buffer[_at++] = 0;
        _answers++;
        return true;
    }

    /// <summary>A text record: strings of at most 255 bytes.</summary>
    public bool TryAnswerText(uint ttl, ReadOnlySpan<byte> text)
    {
        text = text[..Math.Min(text.Length, byte.MaxValue)];
        if (_at + 13 + text.Length > _limit)
        {
            return false;
        }
        WriteFixed(PointerToQuestion, RecordType.Txt, ttl, 1 + text.Length);
        _buffer[_at++] = (byte)text.Length;
        Write(text);
        _answers++;
        return true;
    }

    public bool TryAuthority(ReadOnlySpan<byte> owner, ushort type, uint ttl, ReadOnlySpan<byte> data, bool asAnswer = false)
    {
        if (_at + owner.Length + 10 + data.Length > _limit)
        {
            return false;
        }
        Write(owner);
        Write(type);
        Write(DnsQuery.ClassIn);
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[_at..], ttl);
        _at += 4;
        Write((ushort)data.Length);
        Write(data);
        if (asAnswer)
        {
            _answers++;
        }
        else
        {
            _authorities++;
        }
        return true;
    }

    /// <summary>An address of a name that was written at <paramref name="nameAt"/>.</summary>
    public bool TryAdditional(int nameAt, ushort type, uint ttl, ReadOnlySpan<byte> data)
    {
        if (nameAt > 0x3FFF || !TryWrite((ushort)(0xC000 | nameAt), type, ttl, data))
        {
            return false;
        }
        _additionals++;
        return true;
    }

    /// <summary>Writes the header and closes the packet; returns its length.</summary>
    public int Finish(in DnsQuery query, ResponseCode code, bool authoritative, bool truncated, bool recursionAvailable)
    {
        if (_edns)
        {
            _buffer[_at++] = 0;
            Write(RecordType.Opt);
            Write(OwnPayload);
            _buffer[_at++] = (byte)((int)code >> 4);
            _buffer[_at++] = 0;
            Write(_dnssecOk ? (ushort)0x8000 : (ushort)0);
            Write((ushort)0);
            _additionals++;
        }
        WriteHeader(_buffer, query, code, authoritative, truncated, recursionAvailable);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[4..], 1);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[6..], _answers);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[8..], _authorities);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[10..], _additionals);
        return _at;
    }

    /// <summary>An answer that is a header alone, to a packet whose question can't be trusted.</summary>
    public static int WriteBare(Span<byte> buffer, in DnsQuery query, ResponseCode code)
    {
        buffer[..DnsQuery.HeaderLength].Clear();
        WriteHeader(buffer, query, code, authoritative: false, truncated: false, recursionAvailable: false);
        return DnsQuery.HeaderLength;
    }

    private static void WriteHeader(Span<byte> buffer, in DnsQuery query, ResponseCode code, bool authoritative, bool truncated, bool recursionAvailable)
    {
        BinaryPrimitives.WriteUInt16BigEndian(buffer, query.Id);
        var flags = 0x8000 | query.Opcode | (authoritative ? 0x0400 : 0) | (truncated ? 0x0200 : 0) | (query.RecursionDesired ? 0x0100 : 0)
            | (recursionAvailable ? 0x0080 : 0) | (query.CheckingDisabled ? 0x0010 : 0) | ((int)code & 0xF);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], (ushort)flags);
    }

    private bool TryWrite(ushort pointer, ushort type, uint ttl, ReadOnlySpan<byte> data)
    {
        if (_at + 12 + data.Length > _limit)
        {
            return false;
        }
        WriteFixed(pointer, type, ttl, data.Length);
        Write(data);
        return true;
    }

    private void WriteFixed(ushort pointer, ushort type, uint ttl, int length)
    {
        Write(pointer);
        Write(type);
        Write(DnsQuery.ClassIn);
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[_at..], ttl);
        _at += 4;
        Write((ushort)length);
    }

    private void Write(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[_at..], value);
        _at += 2;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[_at..]);
        _at += bytes.Length;
    }
}
