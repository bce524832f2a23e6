using System.Buffers.Binary;
using Pacer.Edge.Dns.Packets;

namespace Pacer.Edge.Dns.Forwarding;

/// <summary>Answers of other servers for as long as their TTLs allow, "there is no such name" included. Bounded; the least used goes first.</summary>
internal sealed class AnswerCache(TimeProvider time, int maxEntries = 10_000, long maxBytes = 32 << 20)
{
    private const uint LongestTtl = 86_400;
    private const uint LongestNegativeTtl = 3_600;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Kept>> _byKey = new(StringComparer.Ordinal);
    private readonly LinkedList<Kept> _byUse = new();
    private long _bytes;

    private sealed record Kept(string Key, byte[] Message, int[] TtlOffsets, long StoredAt, long ExpiresAt);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byKey.Count;
            }
        }
    }

    /// <summary>A copy with the TTLs that are left; null when there is none.</summary>
    public byte[]? Find(string key)
    {
        var now = time.GetTimestamp();
        Kept kept;
        lock (_gate)
        {
            if (!_byKey.TryGetValue(key, out var node))
            {
                return null;
            }
            kept = node.Value;
            if (now >= kept.ExpiresAt)
            {
                Remove(node);
                return null;
            }
            _byUse.Remove(node);
            _byUse.AddFirst(node);
        }
        var age = (uint)time.GetElapsedTime(kept.StoredAt, now).TotalSeconds;
        var copy = kept.Message.AsSpan().ToArray();
        foreach (var offset in kept.TtlOffsets)
        {
            var ttl = BinaryPrimitives.ReadUInt32BigEndian(copy.AsSpan(offset));
            BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(offset), ttl > age ? ttl - age : 0);
        }
        return copy;
    }

    /// <summary>Keeps an answer if it says for how long; malformed and truncated ones never.</summary>
    public void Keep(string key, byte[] message)
    {
        if (!TryReadTtl(message, out var ttl, out var offsets) || ttl == 0)
        {
            return;
        }
        var now = time.GetTimestamp();
        var kept = new Kept(key, message, offsets, now, now + ttl * time.TimestampFrequency);
        lock (_gate)
        {
            if (_byKey.TryGetValue(key, out var old))
            {
                Remove(old);
            }
            _byKey[key] = _byUse.AddFirst(kept);
            _bytes += message.Length;
            while (_byKey.Count > maxEntries || _bytes > maxBytes)
            {
                Remove(_byUse.Last!);
            }
        }
    }

    /// <summary>Seconds that the answer may be kept, and where its TTLs are.</summary>
    internal static bool TryReadTtl(ReadOnlySpan<byte> message, out uint ttl, out int[] offsets)
    {
        ttl = 0;
        offsets = [];
        if (message.Length < DnsQuery.HeaderLength)
        {
            return false;
        }
        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        var code = (ResponseCode)(flags & 0xF);
        var answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        if ((flags & 0x0200) != 0 || code is not (ResponseCode.NoError or ResponseCode.NameError))
        {
            return false;
        }
        var offset = DnsQuery.HeaderLength;
        for (var i = 0; i < BinaryPrimitives.ReadUInt16BigEndian(message[4..]); i++)
        {
            if (!WireName.TrySkip(message, ref offset) || (offset += 4) > message.Length)
            {
                return false;
            }
        }
        var records = answers + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        var isNegative = code == ResponseCode.NameError || answers == 0;
        var shortest = isNegative ? LongestNegativeTtl : LongestTtl;
        var hasSoa = false;
        var found = new List<int>();
        for (var i = 0; i < records; i++)
        {
            if (!WireName.TrySkip(message, ref offset) || offset + 10 > message.Length)
            {
                return false;
            }
            var type = BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
            var end = offset + 10 + length;
            if (end > message.Length)
            {
                return false;
            }
            if (type != RecordType.Opt)
            {
                found.Add(offset + 4);
                shortest = Math.Min(shortest, BinaryPrimitives.ReadUInt32BigEndian(message[(offset + 4)..]));
                if (type == RecordType.Soa && length >= 22)
                {
                    hasSoa = true;
                    // Its last number: how long the absence holds.
                    shortest = isNegative ? Math.Min(shortest, BinaryPrimitives.ReadUInt32BigEndian(message[(end - 4)..])) : shortest;
                }
            }
            offset = end;
        }
        ttl = isNegative && !hasSoa ? 0 : shortest;
        offsets = [.. found];
        return true;
    }

    private void Remove(LinkedListNode<Kept> node)
    {
        _byUse.Remove(node);
        _byKey.Remove(node.Value.Key);
        _bytes -= node.Value.Message.Length;
    }
}
