using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pacer.Agent.Networks;

/// <summary>An IPv4 network such as <c>10.66.4.0/22</c>. Pure.</summary>
/// <param name="Base">Its lowest address, host byte order.</param>
/// <param name="PrefixLength">0 to 32.</param>
internal readonly record struct Subnet(uint Base, int PrefixLength)
{
    /// <summary>The highest address: the broadcast address.</summary>
    public uint Last => Base | ~Mask(PrefixLength);

    /// <summary>The bridge's own address: the first that a host can have.</summary>
    public uint Gateway => Base + 1;

    public bool Contains(uint address) => (address & Mask(PrefixLength)) == Base;

    public bool Overlaps(Subnet other) => Contains(other.Base) || other.Contains(Base);

    /// <summary>Reads <c>A.B.C.D/N</c>. An address inside instead of the network's own is a mistake, not a network.</summary>
    public static bool TryParse(string text, out Subnet subnet)
    {
        subnet = default;
        var slash = text.IndexOf('/');
        if (slash < 0 || !TryParseAddress(text.AsSpan(0, slash), out var address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > 32
            || (address & ~Mask(length)) != 0)
        {
            return false;
        }
        subnet = new Subnet(address, length);
        return true;
    }

    public static bool TryParseAddress(ReadOnlySpan<char> text, out uint address)
    {
        address = 0;
        // IPAddress also takes "10.1" and "0x0a.0.0.1"; only the four plain numbers are meant here.
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetwork || !text.SequenceEqual(parsed.ToString()))
        {
            return false;
        }
        Span<byte> bytes = stackalloc byte[4];
        parsed.TryWriteBytes(bytes, out _);
        address = ((uint)bytes[0] << 24) | ((uint)bytes[1] << 16) | ((uint)bytes[2] << 8) | bytes[3];
        return true;
    }

    public static string Text(uint address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Text(Base)}/{PrefixLength}");

    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);
}
