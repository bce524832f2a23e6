using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

/// <summary>Changes of one node that are done at once.</summary>
internal static class NodeChangeCommands
{
    public static PacerCommand CreateCordon(Surroundings surroundings) =>
        Create(surroundings, "cordon", "Keep new instances away from a node; what runs there stays", HttpMethod.Put, "/cordon", "takes nothing new");

    public static PacerCommand CreateUncordon(Surroundings surroundings) =>
        Create(surroundings, "uncordon", "Let new instances onto a node again", HttpMethod.Delete, "/cordon", "takes new instances again");

    public static PacerCommand CreateUndrain(Surroundings surroundings) =>
        Create(surroundings, "undrain", "Stop emptying a node, and let new instances onto it again", HttpMethod.Delete, "/drain", "is in use again");

    public static PacerCommand CreateRemove(Surroundings surroundings) =>
        Create(surroundings, "remove", "Forget a node that is gone for good, and replace what ran there", HttpMethod.Delete, "", "is forgotten");

    private static PacerCommand Create(Surroundings surroundings, string name, string description, HttpMethod method, string path, string done)
    {
        var id = ApiOptions.NodeId(surroundings);
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand(name, description) { Examples = [($"node {name} node1.example.com", "")] };
        command.Add(id);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var node = await NodeFinder.FindAsync(api, parse.GetValue(id)!, cancellationToken);
            await api.SendAsync(method, NodeFinder.Path(node) + path, null, cancellationToken);
            surroundings.Terminal.Line($"Node {node.Text("hostname")} {done}");
            return ExitCode.Ok;
        });
        return command;
    }
}
