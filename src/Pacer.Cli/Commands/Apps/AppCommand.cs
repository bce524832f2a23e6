using System.CommandLine;

namespace Pacer.Cli.Commands.Apps;

internal static class AppCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("app", "Deploy, change and look at apps")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            AppAddCommand.Create(surroundings),
            AppListCommand.Create(surroundings),
            AppShowCommand.Create(surroundings),
            AppWhyCommand.Create(surroundings),
            AppPlanCommand.Create(surroundings),
            AppUpdateCommand.Create(surroundings),
            AppDeployCommand.Create(surroundings),
            AppScaleCommand.Create(surroundings),
            AppRestartCommand.Create(surroundings),
            AppStopCommand.Create(surroundings),
            AppRemoveCommand.Create(surroundings),
        },
    };

    /// <summary>The id as the API writes it.</summary>
    public static string FullId(string id) => "/" + id.Trim('/');
}
