using System.CommandLine;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Apps;

namespace Pacer.Cli.Commands.Pods;

internal static class PodUpdateCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = PodCommand.Id();
        var changes = new Argument<string[]>("CHANGES")
        {
            Description = "field=value pairs (values are JSON where they can be), or a JSON file with the fields to change; - reads standard input",
            HelpName = "FIELD=VALUE|FILE|-",
            Arity = ArgumentArity.OneOrMore,
        };
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("update", "Change fields of a pod; the others keep their values, lists and objects are replaced as a whole")
        {
            Examples =
            [
                ("pod update web 'scaling={\"kind\":\"fixed\",\"instances\":3}'", "three instances"),
                ("pod update web changes.json", "from a file"),
            ],
        };
        command.Add(id);
        command.Add(changes);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var podId = PodCommand.FullId(parse.GetValue(id)!);
            var update = await AppUpdateCommand.ReadAsync(parse.GetValue(changes)!, surroundings, cancellationToken);
            using var api = change.Connect(parse);
            // The API takes complete pods only, and would make one that does not exist: what there is, is the base.
            var pod = (await api.GetAsync(ApiClient.PodPath(podId) + "::status", cancellationToken))!["spec"]!.DeepClone().AsObject();
            foreach (var (field, value) in update)
            {
                pod[field] = value?.DeepClone();
            }
            pod["id"] = podId;
            await change.ApplyAsync(parse, api, HttpMethod.Put, ApiClient.PodPath(podId) + change.Query(parse), pod, podId, $"Updated {podId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
