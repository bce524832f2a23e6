using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Deployments;

internal static class DeploymentWatchCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.DeploymentId(surroundings);
        var timeout = ApiOptions.Timeout();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("watch", "Show a deployment's progress until it ends")
        {
            Examples = [("deployment watch 3f2a", "the first letters of an id are enough")],
        };
        command.Add(id);
        command.Add(timeout);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var limit = ApiOptions.ParseTimeout(parse.GetValue(timeout));
            await using var watch = await DeploymentWatch.OpenAsync(api, surroundings.Terminal, cancellationToken);
            var deployment = await DeploymentCommand.FindAsync(api, parse.GetValue(id)!, cancellationToken);
            await watch.WaitAsync(deployment, [], limit, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }
}
