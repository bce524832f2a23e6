using System.Text.Json.Nodes;
using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>Finds the node that a user means.</summary>
internal static class NodeFinder
{
    /// <summary>The node with this id or, when only one has it, this hostname.</summary>
    public static async Task<JsonNode> FindAsync(ApiClient api, string wanted, CancellationToken cancellationToken)
    {
        var nodes = (await api.GetAsync("v2/nodes", cancellationToken)).Items("nodes").ToList();
        var found = nodes.Where(node => node.Text("id") == wanted).ToList();
        found = found.Count > 0 ? found : [.. nodes.Where(node => node.Text("hostname") == wanted)];
        return found.Count switch
        {
            1 => found[0],
            0 => throw new CliException(ExitCode.NotFound, $"No node has the id or hostname '{wanted}'. 'pacer node list' shows those there are."),
            _ => throw CliException.Usage($"{found.Count} nodes have the hostname '{wanted}'. Give an id: {string.Join(", ", found.Select(node => node.Text("id")))}."),
        };
    }

    public static string Path(JsonNode node) => "v2/nodes/" + Uri.EscapeDataString(node.Text("id"));
}
