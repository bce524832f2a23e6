using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Apps;

internal static class AppAddCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string>("FILE") { Description = "JSON file of an app or a list of apps; - reads standard input", HelpName = "FILE|-" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("add", "Deploy a new app")
        {
            Examples =
            [
                ("app add examples/hello.json", "deploy it and wait until it runs"),
                ("app add - --no-wait < hello.json", "from standard input, without waiting"),
            ],
        };
        command.Add(file);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = parse.GetValue(file)!;
            var apps = await AppFile.ReadAsync(name, surroundings, cancellationToken);
            using var api = change.Connect(parse);
            foreach (var app in apps)
            {
                var id = AppFile.IdOf(app, name);
                if (AppFile.IsGroup(app))
                {
                    throw CliException.Usage($"{name}: {id} is a group. Deploy it with: pacer group add {name}");
                }
                await change.ApplyAsync(parse, api, HttpMethod.Post, "v2/apps" + change.Query(parse), app, id, $"Added {id}", cancellationToken);
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
