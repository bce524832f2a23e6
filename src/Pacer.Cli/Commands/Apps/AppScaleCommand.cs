using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Apps;

internal static class AppScaleCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var count = new Argument<string>("N") { Description = "How many instances are wanted", HelpName = "N" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("scale", "Set how many instances of an app run")
        {
            Examples = [("app scale hello 3", "")],
        };
        command.Add(id);
        command.Add(count);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var text = parse.GetValue(count)!;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var instances))
            {
                throw CliException.Usage($"'{text}' is no number of instances. Give 0 or more, such as 3.");
            }
            var appId = AppCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            var body = new JsonObject { ["instances"] = instances };
            await change.ApplyAsync(parse, api, HttpMethod.Patch, ApiClient.AppPath(appId) + change.Query(parse), body, appId, $"Scaled {appId} to {instances}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
