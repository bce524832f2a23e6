using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pacer.Edge.Balancing.Listening;

/// <summary>The PROXY protocol, versions 1 and 2: a header that says who the client behind a proxy is.</summary>
internal static class ProxyProtocol
{
    // "PROXY TCP6 " with two addresses and ports.
    private const int LongestLine = 107;
    private const int LongestHeader = 16 + 2048;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    public enum Outcome
    {
        Read,
        NeedsMore,
        Wrong,
    }

    /// <param name="source">The client; null when the header says that there is none to name.</param>
    /// <param name="length">Bytes of the header.</param>
    public static Outcome TryRead(ReadOnlySequence<byte> input, out IPEndPoint? source, out int length)
    {
        (source, length) = (null, 0);
        var bytes = input.Slice(0, Math.Min(input.Length, LongestHeader)).ToArray().AsSpan();
        if (bytes.IsEmpty)
        {
            return Outcome.NeedsMore;
        }
        if (bytes[0] == (byte)'P')
        {
            return TryReadLine(bytes, out source, out length);
        }
        var compared = Math.Min(bytes.Length, Signature.Length);
        if (!bytes[..compared].SequenceEqual(Signature[..compared]))
        {
            return Outcome.Wrong;
        }
        if (bytes.Length < 16)
        {
            return Outcome.NeedsMore;
        }
        var body = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (bytes[12] >> 4 != 2 || body > 2048)
        {
            return Outcome.Wrong;
        }
        length = 16 + body;
        if (bytes.Length < length)
        {
            return Outcome.NeedsMore;
        }
        var addresses = bytes[16..length];
        if ((bytes[12] & 15) == 1) // not a health check of the proxy itself
        {
            source = (bytes[13], body) switch
            {
                (0x11, >= 12) => new IPEndPoint(new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..])),
                (0x21, >= 36) => new IPEndPoint(new IPAddress(addresses[..16]), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..])),
                _ => null,
            };
        }
        return Outcome.Read;
    }

    public static byte[] Write(int version, IPEndPoint source, IPEndPoint destination)
    {
        var (from, to) = (Plain(source), Plain(destination));
        if (from.AddressFamily != to.AddressFamily)
        {
            (from, to) = (new IPEndPoint(from.Address.MapToIPv6(), from.Port), new IPEndPoint(to.Address.MapToIPv6(), to.Port));
        }
        var v4 = from.AddressFamily == AddressFamily.InterNetwork;
        if (version == 1)
        {
            return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"PROXY {(v4 ? "TCP4" : "TCP6")} {from.Address} {to.Address} {from.Port} {to.Port}\r\n"));
        }
        var size = v4 ? 4 : 16;
        var header = new byte[16 + (2 * size) + 4];
        Signature.CopyTo(header);
        header[12] = 0x21;
        header[13] = (byte)(v4 ? 0x11 : 0x21);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)((2 * size) + 4));
        from.Address.TryWriteBytes(header.AsSpan(16), out _);
        to.Address.TryWriteBytes(header.AsSpan(16 + size), out _);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(16 + (2 * size)), (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(18 + (2 * size)), (ushort)to.Port);
        return header;
    }

    private static Outcome TryReadLine(ReadOnlySpan<byte> bytes, out IPEndPoint? source, out int length)
    {
        (source, length) = (null, 0);
        var end = bytes.IndexOf("\r\n"u8);
        if (end < 0)
        {
            var start = "PROXY "u8;
            var compared = Math.Min(bytes.Length, start.Length);
            return bytes.Length < LongestLine && bytes[..compared].SequenceEqual(start[..compared]) ? Outcome.NeedsMore : Outcome.Wrong;
        }
        if (end > LongestLine - 2)
        {
            return Outcome.Wrong;
        }
        length = end + 2;
        var words = Encoding.ASCII.GetString(bytes[..end]).Split(' ');
        switch (words)
        {
            case ["PROXY", "UNKNOWN", ..]:
                return Outcome.Read;
            case ["PROXY", "TCP4" or "TCP6", var from, var to, var port, var toPort]
                when IPAddress.TryParse(from, out var address) && IPAddress.TryParse(to, out _)
                && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && ushort.TryParse(toPort, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                && address.AddressFamily == (words[1] == "TCP4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6):
                source = new IPEndPoint(address, number);
                return Outcome.Read;
            default:
                return Outcome.Wrong;
        }
    }

    private static IPEndPoint Plain(IPEndPoint point) => point.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(point.Address.MapToIPv4(), point.Port) : point;
}
