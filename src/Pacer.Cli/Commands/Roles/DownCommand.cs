using System.CommandLine;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Roles;

internal static class DownCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var dataDir = RoleFlags.DataDir(surroundings);
        var command = new PacerCommand("down", "Stop what 'up' started on this machine, with all its containers")
        {
            Group = "Start and stop",
            Examples = [("down", ""), ("down --data-dir /tmp/play", "the one that keeps its state there")],
            Notes = "Definitions are kept: the next 'pacer up' starts the apps again. To forget everything, remove the data directory afterwards.",
        };
        command.Add(dataDir);
        command.SetAction((parse, cancellationToken) =>
            new DownRole(surroundings, RoleFlags.DataDirectoryOf(parse, dataDir, surroundings)).RunAsync(cancellationToken));
        return command;
    }
}
