using System.CommandLine;
using Pacer.Cli.Commands.Apps;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupUpdateCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.GroupId(surroundings);
        var changes = new Argument<string[]>("CHANGES")
        {
            Description = "field=value pairs (values are JSON where they can be), or a JSON file with the fields to change; - reads standard input",
            HelpName = "FIELD=VALUE|FILE|-",
            Arity = ArgumentArity.OneOrMore,
        };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("update", "Change fields of a group; lists of apps and groups replace what is there")
        {
            Examples =
            [
                ("group update shop shop.json", "make it as the file says"),
                ("group update shop/web 'dependencies=[\"/shop/db\"]'", "start the database first"),
                ("group update shop version=2026-01-31T12:00:00.000Z", "back to an earlier version"),
            ],
        };
        command.Add(id);
        command.Add(changes);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var groupId = GroupCommand.FullId(parse.GetValue(id)!);
            var body = await AppUpdateCommand.ReadAsync(parse.GetValue(changes)!, surroundings, cancellationToken);
            body.Remove("id"); // the group is named on the command line
            using var api = change.Connect(parse);
            var path = GroupCommand.Path(groupId);
            await api.GetAsync(path + "?embed=none", cancellationToken); // a group that does not exist is an error, not a wish to create one
            await change.ApplyAsync(parse, api, HttpMethod.Put, path + change.Query(parse), body, null, $"Updated {groupId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
