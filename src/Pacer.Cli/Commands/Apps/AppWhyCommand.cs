using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Apps;

internal static class AppWhyCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.AppId(surroundings);
        var json = ApiOptions.Json();
        json.Description = "Print the API's JSON instead of sentences";
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("why", "Say in plain words why instances of an app wait") { Examples = [("app why hello", "")] };
        command.Add(id);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var why = await api.GetAsync("v2/why/" + ApiClient.EscapeId(parse.GetValue(id)!), cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(why));
                return ExitCode.Ok;
            }
            foreach (var sentence in why.Items("text"))
            {
                surroundings.Terminal.Line(sentence.GetValue<string>());
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
