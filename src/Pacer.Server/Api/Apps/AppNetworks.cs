using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Apps;

/// <summary>The networks of an app or a pod in the words of nodes.</summary>
internal static class AppNetworks
{
    private const string Host = "host";
    private const string Bridge = "container/bridge";

    /// <summary>What a node must have; empty for the node's own network.</summary>
    public static IEnumerable<string> Names(IReadOnlyList<Network>? networks) =>
        networks is { Count: > 0 } && networks[0].Mode != Host ? networks.Select(Name) : [];

    /// <summary>As <see cref="Names"/> for an app of type DOCKER: networks of the Docker daemon are no others', and theirs are not its.</summary>
    public static IEnumerable<string> DockerNames(IReadOnlyList<Network>? networks) =>
        networks is { Count: > 0 } && networks[0].Mode != Host ? networks.Select(network => "docker/" + DockerName(network)) : [];

    /// <summary>What the Docker daemon calls the network.</summary>
    public static string DockerName(Network network) => network.Mode switch
    {
        Host => "host",
        Bridge => "bridge",
        _ => network.Name!,
    };

    public static string Name(Network network) => network.Mode == Bridge ? Bridge : network.Name!;
}
