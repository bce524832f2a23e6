using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;

namespace Pacer.Agent.Uplink;

/// <summary>Where the server listens: <c>HOST:PORT</c> or <c>unix:/path</c>.</summary>
internal sealed record ServerAddress(string? SocketPath, string Host, int Port)
{
    /// <summary>Throws <see cref="AgentException"/> when it is neither.</summary>
    public static ServerAddress Parse(string text)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = text["unix:".Length..];
            return Path.IsPathRooted(path)
                ? new ServerAddress(path, "localhost", 0)
                : throw new AgentException($"--join: '{text}' needs an absolute path, like unix:/var/lib/pacer/agent.sock.");
        }
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            throw new AgentException($"--join: '{text}' is not HOST:PORT (like 10.0.0.1:8081) or unix:/PATH.");
        }
        return new ServerAddress(null, text[..colon].Trim('[', ']'), port);
    }

    public override string ToString() => SocketPath is null ? string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}") : $"unix:{SocketPath}";

    public GrpcChannel OpenChannel()
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            // A machine that vanished without closing its connections is noticed although nothing is being sent.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            UseProxy = false,
        };
        if (SocketPath is { } path)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        var address = SocketPath is null ? string.Create(CultureInfo.InvariantCulture, $"http://{host}:{Port}") : "http://localhost";
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 64 << 20,
            MaxSendMessageSize = 64 << 20,
        });
    }

    /// <summary>The address of this machine that packets to the server leave from; the loopback address when nothing better is known.</summary>
    public string LocalAddress()
    {
        if (SocketPath is not null)
        {
            return "127.0.0.1";
        }
        try
        {
            // Connecting a datagram socket sends nothing; it only asks the routing table.
            using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(Host, Port);
            var address = ((IPEndPoint)socket.LocalEndPoint!).Address;
            return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
        }
        catch (SocketException)
        {
            return "127.0.0.1";
        }
    }
}
