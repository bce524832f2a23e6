using System.Net;
using System.Net.Sockets;
using Pacer.Agent.Containers;
using Pacer.Agent.Networks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Checks;

/// <summary>Where a probe of a task connects to.</summary>
/// <param name="NamespacePath">From inside that network namespace; null: from the node.</param>
internal readonly record struct CheckTarget(string? NamespacePath, IPAddress Address)
{
    /// <exception cref="IOException">The task's network is gone.</exception>
    public static CheckTarget Of(HealthCheck.Types.Target target, string containerId, ContainerAddresses networks, bool ipv6 = false)
    {
        var loopback = ipv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        if (target == HealthCheck.Types.Target.Node)
        {
            return new CheckTarget(null, loopback);
        }
        var place = networks.Of(containerId) ?? throw new IOException("the container's network is gone");
        if (target == HealthCheck.Types.Target.Inside)
        {
            return new CheckTarget(place.NamespacePath ?? throw new IOException("the container's network can't be entered from the agent"), loopback);
        }
        return place.Addresses.Count > 0
            ? new CheckTarget(null, IPAddress.Parse(place.Addresses[0]))
            : throw new IOException("the container has no address");
    }

    /// <summary>The container's own loopback, which is the node's for a task that shares the node's network.</summary>
    public static CheckTarget Inside(string containerId, ContainerAddresses networks) =>
        new(networks.Of(containerId)?.NamespacePath, IPAddress.Loopback);

    /// <summary>As it stands in a URL.</summary>
    public string Host => Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Address}]" : Address.ToString();

    /// <summary>A connection to a port there. Throws <see cref="SocketException"/>, or <see cref="IOException"/> when the namespace is gone.</summary>
    public async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = await NamespaceSocket.OpenAsync(NamespacePath, Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp).ConfigureAwait(false);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(Address, port), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
