using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupAddCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string?>("FILE")
        {
            Description = "JSON file of a group; - reads standard input; none makes an empty group (with --id)",
            HelpName = "FILE|-",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var id = new Option<string?>("--id") { Description = "Id of the group, instead of the one in the file", HelpName = "ID" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("add", "Deploy a new group of apps")
        {
            Examples =
            [
                ("group add examples/group.json", "deploy it in the order of its dependencies and wait until all of it runs"),
                ("group add --id /shop", "an empty group"),
            ],
        };
        command.Add(file);
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var body = await ReadAsync(parse.GetValue(file), surroundings, cancellationToken);
            if (parse.GetValue(id) is { Length: > 0 } given)
            {
                body["id"] = GroupCommand.FullId(given);
            }
            if (body["id"] is not JsonValue value || !value.TryGetValue<string>(out var name) || name.Trim('/').Length == 0)
            {
                throw CliException.Usage("The group has no \"id\". Give it one in the file, or with --id such as --id /shop.");
            }
            var groupId = GroupCommand.FullId(name);
            using var api = change.Connect(parse);
            await change.ApplyAsync(parse, api, HttpMethod.Post, "v2/groups" + change.Query(parse), body, null, $"Added {groupId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<JsonObject> ReadAsync(string? file, Surroundings surroundings, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return [];
        }
        var groups = await AppFile.ReadAsync(file, surroundings, cancellationToken);
        return groups.Count == 1 ? groups[0] : throw CliException.Usage($"{file}: holds {groups.Count} definitions; a group is one JSON object.");
    }
}
