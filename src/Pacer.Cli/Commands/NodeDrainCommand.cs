using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

/// <summary>Empties a node and shows how far it is.</summary>
internal static class NodeDrainCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public static PacerCommand Create(Surroundings surroundings)
    {
        var id = ApiOptions.NodeId(surroundings);
        var deadline = new Option<string?>("--deadline") { Description = "Kill what is left after so many seconds; without it nothing is killed before its replacement runs", HelpName = "SECONDS" };
        var resident = new Option<bool>("--include-resident") { Description = "Move instances away too whose data stays on the node" };
        var noWait = new Option<bool>("--no-wait") { Description = "Return at once; the server goes on by itself" };
        var timeout = ApiOptions.Timeout();
        timeout.Description = "Longest wait, seconds [300]; the server goes on afterwards";
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("drain", "Move everything away from a node: each instance once its replacement runs elsewhere")
        {
            Examples = [("node drain node1.example.com", "wait until it is empty"), ("node drain node1.example.com --deadline 600 --no-wait", "after 10 minutes what is left is killed")],
            Notes = "Ends with code 4 when the node is not empty in time. 'node undrain' takes it into use again.",
        };
        foreach (var part in (Symbol[])[id, deadline, resident, noWait, timeout, server])
        {
            if (part is Argument argument)
            {
                command.Add(argument);
            }
            else
            {
                command.Add((Option)part);
            }
        }
        command.SetAction(async (parse, cancellationToken) =>
        {
            var limit = ApiOptions.ParseTimeout(parse.GetValue(timeout));
            var body = new JsonObject { ["includeResident"] = parse.GetValue(resident) };
            if (parse.GetValue(deadline) is { } text)
            {
                body["deadlineSeconds"] = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                    ? seconds
                    : throw CliException.Usage($"--deadline '{text}' is no number of seconds. Give one such as 600.");
            }
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var node = await NodeFinder.FindAsync(api, parse.GetValue(id)!, cancellationToken);
            var host = node.Text("hostname");
            var now = (await api.SendAsync(HttpMethod.Put, NodeFinder.Path(node) + "/drain", body, cancellationToken)).Body;
            if (parse.GetValue(noWait))
            {
                surroundings.Terminal.Line($"Node {host} is being emptied: {now?["drain"].Count("instancesLeft")} instances have to leave");
                return ExitCode.Ok;
            }
            var until = DateTimeOffset.UtcNow + limit;
            while (now?["drain"] is JsonObject drain)
            {
                if (drain.Count("instancesLeft") == 0)
                {
                    var stays = drain.Count("residentInstances");
                    surroundings.Terminal.Final($"Node {host} is empty" + (stays > 0 ? $", but for {stays} resident instances (--include-resident moves them too)" : ""));
                    return ExitCode.Ok;
                }
                surroundings.Terminal.Live($"Node {host}: {drain.Count("instancesLeft")} instances have to leave");
                if (DateTimeOffset.UtcNow > until)
                {
                    throw new CliException(ExitCode.DeploymentFailed,
                        $"Node {host} is not empty after {limit.TotalSeconds:0} s: {drain.Count("instancesLeft")} instances are left. The server goes on; 'pacer app why ID' tells what a replacement waits for.");
                }
                await Task.Delay(Pause, cancellationToken);
                now = await api.GetAsync(NodeFinder.Path(node), cancellationToken);
            }
            throw new CliException(ExitCode.DeploymentFailed, $"Somebody else took node {host} into use again.");
        });
        return command;
    }
}
