using System.Net.Sockets;

namespace Pacer.Edge.Dns.Server;

/// <summary>What .NET has no name for.</summary>
internal static class LinuxSockets
{
    private const int Ip = 0; // IPPROTO_IP
    private const int FreeBind = 15; // IP_FREEBIND

    /// <summary>It may be bound to an address that the machine does not have yet. No error where that is unknown: binding it fails then.</summary>
    public static void AllowAnyAddress(Socket socket)
    {
        if (OperatingSystem.IsLinux() && socket.AddressFamily == AddressFamily.InterNetwork)
        {
            socket.SetRawSocketOption(Ip, FreeBind, BitConverter.GetBytes(1));
        }
    }
}
