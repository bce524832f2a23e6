using System.CommandLine;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupRemoveCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.GroupId(surroundings);
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("remove", "Stop everything in a group and forget it")
        {
            Examples = [("group remove shop", "")],
        };
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var groupId = GroupCommand.FullId(parse.GetValue(id)!);
            if (groupId == "/")
            {
                throw CliException.Usage("The root group holds everything and can't be removed. Name a group such as /shop.");
            }
            using var api = change.Connect(parse);
            await change.ApplyAsync(parse, api, HttpMethod.Delete, GroupCommand.Path(groupId) + change.Query(parse), null, null, $"Removed {groupId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
