using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

internal static class NodeCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("node", "Look at the machines of the cluster, and empty them")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            CreateList(surroundings),
            NodeChangeCommands.CreateCordon(surroundings),
            NodeChangeCommands.CreateUncordon(surroundings),
            NodeDrainCommand.Create(surroundings),
            NodeChangeCommands.CreateUndrain(surroundings),
            NodeChangeCommands.CreateRemove(surroundings),
        },
    };

    private static PacerCommand CreateList(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var command = new PacerCommand("list", "List nodes with what they have and what is in use")
        {
            Examples = [("node list", "")],
        };
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("v2/nodes", cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(reply));
            }
            else if (!reply.Items("nodes").Any())
            {
                surroundings.Terminal.ErrorLine("No nodes have joined. Add one: pacer agent --join HOST:PORT");
            }
            else
            {
                TableOf(reply.Items("nodes")).WriteTo(surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    public static Table TableOf(IEnumerable<JsonNode> nodes)
    {
        var table = new Table("HOSTNAME", "IP", "ID", "STATE", "CPUS", "MEM", "TASKS", "REGION", "ZONE", "ATTRIBUTES");
        foreach (var node in nodes)
        {
            var state = StateOf(node);
            var attributes = node["attributes"] as JsonObject ?? [];
            table.Add(
                (node.Text("hostname"), Tone.Plain),
                (node.Text("address", "-"), Tone.Plain),
                (node.Text("id"), Tone.Plain),
                (state, state == "connected" ? Tone.Good : Tone.Bad),
                (Share(node, "cpus"), Tone.Plain),
                (Share(node, "mem"), Tone.Plain),
                (node.Text("tasks", "0"), Tone.Plain),
                (node.Text("region", "-"), Tone.Plain),
                (node.Text("zone", "-"), Tone.Plain),
                (attributes.Count == 0 ? "-" : string.Join(' ', attributes.Select(pair => $"{pair.Key}={pair.Value}")), Tone.Plain));
        }
        return table;
    }

    private static string StateOf(JsonNode node)
    {
        var state = node.Text("state");
        if (node["drain"] is JsonObject drain)
        {
            return drain.Count("instancesLeft") == 0 ? $"{state}, drained" : $"{state}, draining";
        }
        return node.Flag("cordoned") ? $"{state}, cordoned" : state;
    }

    /// <summary><c>0.5/2</c>: used of what there is.</summary>
    private static string Share(JsonNode node, string resource) =>
        $"{Amount(node, "used", resource)}/{Amount(node, "total", resource)}";

    private static string Amount(JsonNode node, string kind, string resource)
    {
        var amount = node["resources"]?[kind].Number(resource) ?? 0;
        return JsonText.Short(amount >= 100 ? Math.Floor(amount) : amount);
    }
}
