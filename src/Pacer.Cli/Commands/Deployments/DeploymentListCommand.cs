using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Deployments;

internal static class DeploymentListCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var json = ApiOptions.Json();
        var command = new PacerCommand("list", "List running deployments")
        {
            Examples = [("deployment list", "")],
        };
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var reply = await api.GetAsync("v2/deployments", cancellationToken) as JsonArray ?? [];
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(reply));
            }
            else if (reply.Count == 0)
            {
                surroundings.Terminal.ErrorLine("No deployments are running.");
            }
            else
            {
                TableOf(reply).WriteTo(surroundings.Terminal);
            }
            return ExitCode.Ok;
        });
        return command;
    }

    public static Table TableOf(JsonArray deployments)
    {
        var table = new Table("APP", "ACTION", "PROGRESS", "ID");
        foreach (var deployment in deployments)
        {
            var actions = deployment.Items("currentActions").Select(action => DeploymentActions.Short(action.Text("action"))).ToList();
            table.Add(
                string.Join(", ", deployment.Items("affectedApps").Select(app => app.GetValue<string>())),
                actions.Count switch { 0 => "-", 1 => actions[0], _ => $"({string.Join(", ", actions)})" },
                $"{Math.Max(0, deployment.Count("currentStep") - 1)}/{deployment.Count("totalSteps")}",
                deployment.Text("id"));
        }
        return table;
    }
}
