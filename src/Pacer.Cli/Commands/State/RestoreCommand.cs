using System.CommandLine;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Roles;
using Pacer.Server.Storage;

namespace Pacer.Cli.Commands.State;

internal static class RestoreCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = StateFile.Argument("A file that 'pacer backup' wrote");
        var dataDir = RoleFlags.DataDir(surroundings);
        var command = new PacerCommand("restore", "Make a backup the state of this machine's server, which must not run")
        {
            Group = "Start and stop",
            Examples = [("restore /var/backups/pacer.backup", ""), ("restore play.backup --data-dir /tmp/play", "for the server that keeps its state there")],
            Notes = "The backup is read wholly before anything is replaced; the old state is kept beside the new one. When the server starts, tasks that the backup knows are taken over, others are ended, and missing ones are started.",
        };
        command.Add(file);
        command.Add(dataDir);
        command.SetAction(parse =>
        {
            var directory = DataDirectory.Open(RoleFlags.DataDirectoryOf(parse, dataDir, surroundings));
            var path = StateFile.Path(parse, file);
            StateFile.Explain(() => StateBackup.Restore(directory, path));
            surroundings.Terminal.Line($"Restored {path} to {directory}");
            if (File.Exists(System.IO.Path.Combine(directory, StateBackup.Before)))
            {
                surroundings.Terminal.Line($"What was there before is kept as {System.IO.Path.Combine(directory, StateBackup.Before)}");
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
