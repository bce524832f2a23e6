using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Pacer.Contracts.Vips;

/// <summary>
/// The addresses that named virtual IPs get. Which one follows from the name, so that every node, DNS and the API agree on it without
/// asking each other, and a restart changes nothing.
/// </summary>
public sealed record VipRange
{
    /// <summary>DC/OS' range.</summary>
    public const string Standard = "11.0.0.0/8";

    private const int ShortestPrefix = 8;
    private const int LongestPrefix = 24;

    private readonly uint _first;

    private VipRange(uint first, int prefixLength)
    {
        _first = first;
        PrefixLength = prefixLength;
    }

    public int PrefixLength { get; }

    /// <summary>IPv6 addresses of names come from here.</summary>
    public static string Network6 => "fd01:c::/32";

    public static VipRange Default { get; } = TryParse(Standard, out var range) ? range : throw new FormatException(Standard);

    /// <summary>"11.0.0.0/8"; a prefix of 8 to 24.</summary>
    public static bool TryParse(string? text, out VipRange range)
    {
        range = null!;
        var slash = text?.IndexOf('/') ?? -1;
        if (slash < 0 || text!.Count(c => c == '.') != 3 || !IPAddress.TryParse(text.AsSpan(0, slash), out var address) || address.AddressFamily != AddressFamily.InterNetwork
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length is < ShortestPrefix or > LongestPrefix)
        {
            return false;
        }
        var first = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
        if ((first & (uint.MaxValue >> length)) != 0)
        {
            return false;
        }
        range = new VipRange(first, length);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address4(0)}/{PrefixLength}");

    /// <summary>
    /// An address for each name. Two names that fall on one address, or on one of <paramref name="taken"/>, are told apart by taking the
    /// next that is free, in the names' order.
    /// </summary>
    /// <returns>IPv4 and IPv6 by name.</returns>
    public IReadOnlyDictionary<string, (IPAddress V4, IPAddress V6)> Assign(IEnumerable<string> names, IEnumerable<IPAddress> taken)
    {
        // The first and the last address of a network are not for use.
        var size = (uint.MaxValue >> PrefixLength) - 1;
        var used = taken.ToHashSet();
        var given = new Dictionary<string, (IPAddress, IPAddress)>(StringComparer.Ordinal);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        foreach (var name in names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            SHA1.HashData(Encoding.UTF8.GetBytes(name), hash);
            var offset = BinaryPrimitives.ReadUInt32BigEndian(hash) % size;
            IPAddress v4;
            do
            {
                v4 = Address4(1 + offset);
                offset = (offset + 1) % size;
            }
            while (!used.Add(v4));
            Span<byte> six = [0xfd, 0x01, 0x00, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            hash[..12].CopyTo(six[4..]);
            var v6 = new IPAddress(six);
            while (!used.Add(v6))
            {
                for (var i = 15; i >= 4 && ++six[i] == 0; i--)
                {
                }
                v6 = new IPAddress(six);
            }
            given[name] = (v4, v6);
        }
        return given;
    }

    private IPAddress Address4(uint offset)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _first + offset);
        return new IPAddress(bytes);
    }
}
