using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

internal static class AppStopCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("stop", "Stop all tasks of an app and keep its definition (scales it to 0)")
        {
            Examples = [("app stop hello", ""), ("app scale hello 1", "starts it again")],
        };
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var appId = AppCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            var app = (await api.GetAsync(ApiClient.AppPath(appId), cancellationToken))?["app"];
            if (app.Count("instances") == 0 && !app.Items("deployments").Any() && !app.Items("tasks").Any())
            {
                surroundings.Terminal.Line($"{appId} is stopped already");
                return ExitCode.Ok;
            }
            var body = new JsonObject { ["instances"] = 0 };
            await change.ApplyAsync(parse, api, HttpMethod.Patch, ApiClient.AppPath(appId) + change.Query(parse), body, appId,
                $"Stopped {appId}; 'pacer app scale {appId.TrimStart('/')} N' starts it again", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
