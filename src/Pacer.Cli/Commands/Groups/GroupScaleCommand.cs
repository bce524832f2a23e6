using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Pacer.Cli.Commands.Groups;

internal static class GroupScaleCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.GroupId(surroundings);
        var factor = new Argument<string>("FACTOR") { Description = "What to multiply the instances of each app with; results are rounded up", HelpName = "FACTOR" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("scale", "Multiply the instances of all apps in a group")
        {
            Examples = [("group scale shop 2", "twice as many"), ("group scale shop 0", "stop all of them")],
        };
        command.Add(id);
        command.Add(factor);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var text = parse.GetValue(factor)!;
            if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var times) || !double.IsFinite(times))
            {
                throw CliException.Usage($"'{text}' is no factor. Give a number of 0 or more, such as 2 or 0.5.");
            }
            var groupId = GroupCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            var body = new JsonObject { ["scaleBy"] = times };
            await change.ApplyAsync(parse, api, HttpMethod.Put, GroupCommand.Path(groupId) + change.Query(parse), body, null, $"Scaled {groupId} by {text}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
