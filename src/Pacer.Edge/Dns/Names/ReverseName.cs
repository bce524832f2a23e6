using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pacer.Edge.Dns.Names;

/// <summary>Names of addresses, for the way back.</summary>
internal static class ReverseName
{
    /// <summary><c>4.3.2.1.in-addr.arpa</c>, or one digit a label below <c>ip6.arpa</c>.</summary>
    public static string Of(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        Array.Reverse(bytes);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('.', bytes.Select(part => part.ToString(CultureInfo.InvariantCulture))) + ".in-addr.arpa"
            : string.Join('.', bytes.SelectMany(part => new[] { part & 15, part >> 4 }).Select(digit => digit.ToString("x", CultureInfo.InvariantCulture))) + ".ip6.arpa";
    }
}
