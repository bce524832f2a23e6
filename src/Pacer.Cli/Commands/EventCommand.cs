using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

internal static class EventCommand
{
    private static readonly string[] SubjectMembers = ["appId", "runSpecId", "taskId", "instanceId", "id", "groupId", "taskStatus", "condition", "host", "message", "reason", "uri", "remoteAddress"];

    public static Command Create(Surroundings surroundings) => new PacerCommand("event", "Follow what happens in the cluster")
    {
        Group = "Work with a cluster",
        Subcommands = { CreateFollow(surroundings) },
    };

    private static PacerCommand CreateFollow(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = new Option<bool>("--json") { Description = "Print each event's JSON on a line of its own" };
        var types = new Option<string[]>("--type") { Description = "Only events of this type; may be given several times", HelpName = "TYPE" };
        var command = new PacerCommand("follow", "Print events as they happen, until Ctrl-C or the server ends")
        {
            Examples = [("event follow", ""), ("event follow --type status_update_event", "task states only")],
        };
        command.Add(types);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            using var events = await EventStream.OpenAsync(api, parse.GetValue(types) ?? [], cancellationToken);
            await foreach (var happened in events.ReadAsync(cancellationToken))
            {
                surroundings.Terminal.Line(parse.GetValue(json) ? JsonText.OneLine(happened.Data) : Describe(happened));
            }
            throw new CliException(ExitCode.Unreachable, "The server closed the event stream.");
        });
        return command;
    }

    public static string Describe(ClusterEvent happened)
    {
        var parts = new List<string> { happened.Data.Text("timestamp"), happened.Type };
        foreach (var member in SubjectMembers)
        {
            if (happened.Data is JsonObject data && data[member] is JsonValue && happened.Data.Text(member) is { Length: > 0 } text)
            {
                parts.Add(text);
            }
        }
        return string.Join("  ", parts);
    }
}
