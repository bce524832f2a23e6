using Pacer.Agent.Containers.Docker;
using Pacer.Agent.Networks;

namespace Pacer.Agent.Containers;

/// <summary>Where a container with a network of its own can be reached.</summary>
/// <param name="NamespacePath">Its network namespace; null: it can't be entered from here.</param>
/// <param name="Addresses">Without prefix length, in the order of its networks.</param>
internal sealed record ContainerAddress(string? NamespacePath, IReadOnlyList<string> Addresses);

/// <summary>Containers' own networks, whoever made them.</summary>
internal sealed class ContainerAddresses(NodeNetworks networks, DockerRuntime? docker)
{
    /// <summary>Null: the container shares the node's network, or is gone.</summary>
    public ContainerAddress? Of(string containerId) => ContainerKind.IsDocker(containerId)
        ? docker?.AddressOf(containerId)
        : networks.PlaceOfMember(containerId) is { } place ? new ContainerAddress(place.NamespacePath, place.Addresses) : null;
}
