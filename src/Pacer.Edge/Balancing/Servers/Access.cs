using System.Net;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Servers;

internal static class Access
{
    public static bool IsAllowed(PortSettings settings, IPAddress? client)
    {
        if (settings.AllowedNetworks is not { } networks)
        {
            return true;
        }
        if (client is { IsIPv4MappedToIPv6: true })
        {
            client = client.MapToIPv4();
        }
        foreach (var network in networks)
        {
            if (client is not null && network.BaseAddress.AddressFamily == client.AddressFamily && network.Contains(client))
            {
                return true;
            }
        }
        return false;
    }
}
