using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Deployments;

internal static class DeploymentStopCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var id = ApiOptions.DeploymentId(surroundings);
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("stop", "Cancel a deployment and leave everything as it is now")
        {
            Examples = [("deployment stop 3f2a", "")],
        };
        command.Add(id);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var deployment = await DeploymentCommand.FindAsync(api, parse.GetValue(id)!, cancellationToken);
            await api.SendAsync(HttpMethod.Delete, $"v2/deployments/{Uri.EscapeDataString(deployment)}?force=true", null, cancellationToken);
            surroundings.Terminal.Line($"Stopped deployment {deployment}; nothing was undone");
            return ExitCode.Ok;
        });
        return command;
    }
}
