using Pacer.Agent.Containers;
using Pacer.Agent.Networks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>From the server's order to the node's networks.</summary>
internal static class TaskNetworks
{
    /// <summary>Why this node can't ever give the task its networks, in words for its status; null when it can.</summary>
    public static string? Refuse(TaskSpec spec, NodeNetworks networks) => spec.Networks.Count > 0 && networks.Unavailable is { } reason
        ? $"The task asks for the network '{spec.Networks[0].Name}', but {reason}"
        : null;

    /// <summary>Attaches the container that is about to be made; null when it shares the node's network.</summary>
    /// <exception cref="NetworkException">It can't have its networks.</exception>
    public static async Task<NetworkPlace?> AttachAsync(TaskSpec spec, string containerId, NodeNetworks networks) => spec.Networks.Count == 0
        ? null
        : await networks.AttachAsync(Request(spec, containerId)).ConfigureAwait(false);

    public static NetworkRequest Request(TaskSpec spec, string containerId) => new(
        spec.Group.Length > 0 ? spec.Group : containerId,
        containerId,
        [.. spec.Networks.Select(network => new WantedNetwork(network.Name, network.Labels))],
        [.. spec.Ports.Where(port => port.HostPort > 0)
            .Select(port => new WantedPort(port.HostPort, port.ContainerPort, port.Protocol, port.Network.Length > 0 ? port.Network : null))],
        ContainerFiles.Hostname(spec.Group.Length > 0 ? spec.Group : containerId));

    /// <summary>The plan on that network: its addresses in the environment, unless the task sets these variables itself.</summary>
    public static ContainerPlan Apply(ContainerPlan plan, TaskSpec spec, NetworkPlace? place)
    {
        if (place is null)
        {
            return plan;
        }
        var environment = new Dictionary<string, string>(plan.Environment, StringComparer.Ordinal);
        if (place.Addresses.Count > 0)
        {
            foreach (var name in (ReadOnlySpan<string>)["MESOS_CONTAINER_IP", "LIBPROCESS_IP"])
            {
                if (!spec.Environment.ContainsKey(name))
                {
                    environment[name] = place.Addresses[0];
                }
            }
        }
        return plan with { Network = place, Hostname = place.Hostname, Environment = environment };
    }
}
