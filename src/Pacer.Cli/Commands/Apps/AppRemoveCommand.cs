using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Apps;

internal static class AppRemoveCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("remove", "Stop all tasks of an app and forget it")
        {
            Examples = [("app remove hello", "")],
        };
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var appId = AppCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            // The API would force a removal that does not say; here --force means what it says.
            var query = change.IsForced(parse) ? "?force=true" : "?force=false";
            await change.ApplyAsync(parse, api, HttpMethod.Delete, ApiClient.AppPath(appId) + query, null, appId, $"Removed {appId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
