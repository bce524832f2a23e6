using System.CommandLine;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskCommand
{
    public static Command Create(Surroundings surroundings) => new PacerCommand("task", "Look into running tasks: state, output, a shell")
    {
        Group = "Work with a cluster",
        Subcommands =
        {
            TaskListCommand.Create(surroundings),
            TaskLogCommand.Create(surroundings),
            TaskLsCommand.Create(surroundings),
            TaskCpCommand.Create(surroundings),
            TaskStatsCommand.Create(surroundings),
            TaskExecCommand.Create(surroundings),
            TaskKillCommand.Create(surroundings),
        },
    };
}
