using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Pods;

internal static class PodAddCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string>("FILE") { Description = "JSON file of a pod or a list of pods; - reads standard input", HelpName = "FILE|-" };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("add", "Deploy a new pod")
        {
            Examples = [("pod add examples/pod.json", "deploy it and wait until all its containers run")],
        };
        command.Add(file);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var name = parse.GetValue(file)!;
            using var api = change.Connect(parse);
            foreach (var pod in await AppFile.ReadAsync(name, surroundings, cancellationToken))
            {
                var id = AppFile.IdOf(pod, name);
                await change.ApplyAsync(parse, api, HttpMethod.Post, "v2/pods" + change.Query(parse), pod, id, $"Added {id}", cancellationToken);
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
