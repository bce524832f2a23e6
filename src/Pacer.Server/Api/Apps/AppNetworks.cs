using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Apps;

/// <summary>The networks of an app in the words of nodes.</summary>
internal static class AppNetworks
{
    private const string Bridge = "container/bridge";

    /// <summary>What a node must have; empty for the node's own network.</summary>
    public static IEnumerable<string> Names(App app) => AppDefaults.IsHostMode(app) ? [] : app.Networks!.Select(Name);

    public static string Name(Network network) => network.Mode == Bridge ? Bridge : network.Name!;
}
