using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Deployments;

internal static class DeploymentRollbackCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.DeploymentId(surroundings);
        var noWait = ApiOptions.NoWait();
        var timeout = ApiOptions.Timeout();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("rollback", "Undo a running deployment by deploying what was there before")
        {
            Examples = [("deployment rollback 3f2a", "")],
        };
        command.Add(id);
        command.Add(noWait);
        command.Add(timeout);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var limit = ApiOptions.ParseTimeout(parse.GetValue(timeout));
            var deployment = await DeploymentCommand.FindAsync(api, parse.GetValue(id)!, cancellationToken);
            await using var watch = await DeploymentWatch.OpenAsync(api, surroundings.Terminal, cancellationToken);
            var reply = await api.SendAsync(HttpMethod.Delete, "v2/deployments/" + Uri.EscapeDataString(deployment), null, cancellationToken);
            surroundings.Terminal.Line($"Deployment {reply.DeploymentId} undoes {deployment}");
            if (!parse.GetValue(noWait) && reply.DeploymentId is { } reverting)
            {
                await watch.WaitAsync(reverting, [], limit, cancellationToken);
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
