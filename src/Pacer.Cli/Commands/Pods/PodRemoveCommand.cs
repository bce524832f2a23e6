using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Pods;

internal static class PodRemoveCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = PodCommand.Id();
        var change = new ChangeOptions(surroundings);
        var command = new PacerCommand("remove", "Stop all instances of a pod and forget it")
        {
            Examples = [("pod remove web", "")],
        };
        command.Add(id);
        change.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var podId = PodCommand.FullId(parse.GetValue(id)!);
            using var api = change.Connect(parse);
            await change.ApplyAsync(parse, api, HttpMethod.Delete, ApiClient.PodPath(podId) + change.Query(parse), null, podId, $"Removed {podId}", cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
