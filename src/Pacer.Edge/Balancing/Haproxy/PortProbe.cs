using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Balancing.Listening;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Whether a port can be listened on.</summary>
internal static class PortProbe
{
    /// <param name="address">Null: all addresses.</param>
    /// <param name="found">The port; another than the given when that is 0.</param>
    /// <returns>Why not; null when it can.</returns>
    public static string? Try(IPAddress? address, int port, out int found)
    {
        found = port;
        try
        {
            var all = address ?? (Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any);
            using var socket = PortListener.Bind(new IPEndPoint(all, port), bothFamilies: address is null && all.AddressFamily == AddressFamily.InterNetworkV6);
            found = ((IPEndPoint)socket.LocalEndPoint!).Port;
            return null;
        }
        catch (SocketException e)
        {
            return ListenerSet.ReasonOf(e);
        }
    }
}
