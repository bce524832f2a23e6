using System.Text;

namespace Pacer.Edge.Dns.Packets;

/// <summary>Names between text and packets.</summary>
internal static class WireName
{
    /// <summary>Longest name in a packet, lengths and root included.</summary>
    public const int MaxLength = 255;

    private const int MaxLabel = 63;

    /// <summary>Length-prefixed labels without the closing root.</summary>
    public static byte[] Labels(string name)
    {
        var wire = new byte[name.Length + 1];
        var at = 0;
        foreach (var range in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan(range);
            wire[at++] = (byte)label.Length;
            at += Encoding.Latin1.GetBytes(label, wire.AsSpan(at));
        }
        return wire;
    }

    /// <summary>As <see cref="Labels"/>, with the closing root.</summary>
    public static byte[] Absolute(string name) => [.. Labels(name), 0];

    /// <summary>
    /// Reads the name at <paramref name="offset"/>, which must have no pointers, as lower-case text. A byte that no name of ours has
    /// becomes a character that matches nothing. False when it is malformed.
    /// </summary>
    public static bool TryReadLower(ReadOnlySpan<byte> packet, ref int offset, Span<char> text, out int length)
    {
        length = 0;
        var start = offset;
        while (true)
        {
            if (offset >= packet.Length)
            {
                return false;
            }
            int size = packet[offset++];
            if (size == 0)
            {
                return true;
            }
            if (size > MaxLabel || offset + size > packet.Length || offset + size - start >= MaxLength)
            {
                return false;
            }
            if (length > 0)
            {
                text[length++] = '.';
            }
            for (var end = offset + size; offset < end; offset++)
            {
                var b = packet[offset];
                text[length++] = b switch
                {
                    >= (byte)'A' and <= (byte)'Z' => (char)(b | 0x20),
                    > (byte)' ' and < 127 and not (byte)'.' => (char)b,
                    _ => '\uFFFF',
                };
            }
        }
    }

    /// <summary>Steps over a name that may end in a pointer. False when it is malformed.</summary>
    public static bool TrySkip(ReadOnlySpan<byte> packet, ref int offset)
    {
        var start = offset;
        while (offset < packet.Length)
        {
            int size = packet[offset++];
            if (size == 0)
            {
                return true;
            }
            if (size >= 0xC0)
            {
                offset++;
                return offset <= packet.Length;
            }
            offset += size;
            if (size > MaxLabel || offset - start > MaxLength)
            {
                return false;
            }
        }
        return false;
    }
}
