using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Deployments;

internal static class DeploymentCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("deployment", "Watch, stop and undo running deployments")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            DeploymentListCommand.Create(surroundings),
            DeploymentWatchCommand.Create(surroundings),
            DeploymentStopCommand.Create(surroundings),
            DeploymentRollbackCommand.Create(surroundings),
        },
    };

    /// <summary>The full id of the one running deployment whose id begins with the text; the text itself when none does.</summary>
    public static async Task<string> FindAsync(ApiClient api, string text, CancellationToken cancellationToken)
    {
        var ids = (await api.GetAsync("v2/deployments", cancellationToken) as JsonArray ?? [])
            .Select(deployment => deployment.Text("id"))
            .Where(id => id.StartsWith(text, StringComparison.Ordinal))
            .ToList();
        return ids.Count switch
        {
            0 => text,
            1 => ids[0],
            _ => throw CliException.Usage($"'{text}' matches {ids.Count} deployments: {string.Join(", ", ids)}."),
        };
    }
}
