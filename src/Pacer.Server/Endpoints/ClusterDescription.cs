using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;

namespace Pacer.Server.Endpoints;

/// <summary>What the endpoints feed says of the cluster as a whole.</summary>
internal static class ClusterDescription
{
    private const string Framework = "marathon";

    /// <param name="http">Where the REST API listens.</param>
    /// <param name="vipRange">As in <see cref="EndpointCluster.VipRange"/>.</param>
    public static EndpointCluster Of(string clusterId, IPEndPoint http, string? vipRange) => new()
    {
        Id = clusterId,
        Framework = Framework,
        VipRange = vipRange,
        Servers = [new EndpointServer { Address = Reachable(http.Address).ToString(), Port = http.Port, Leading = true }],
    };

    // A server that listens on all addresses is named by one that other machines can reach.
    private static IPAddress Reachable(IPAddress listening)
    {
        if (!listening.Equals(IPAddress.Any) && !listening.Equals(IPAddress.IPv6Any))
        {
            return listening;
        }
        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .OrderByDescending(card => card.GetIPProperties().GatewayAddresses.Count)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(address => address.Address)
            .ToList();
        return addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork)
            ?? addresses.FirstOrDefault(address => !address.IsIPv6LinkLocal)
            ?? IPAddress.Loopback;
    }
}
