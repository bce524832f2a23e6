using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Apps;

internal static class AppRestartCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("restart", "Replace all tasks of an app, as its upgrade strategy allows")
        {
            Examples = [("app restart hello", "")],
        };
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var appId = AppCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            await change.ApplyAsync(parse, api, HttpMethod.Post, ApiClient.AppPath(appId) + "/restart" + change.Query(parse), null, appId, $"Restarted {appId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
