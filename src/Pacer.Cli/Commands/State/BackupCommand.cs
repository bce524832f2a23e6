using System.CommandLine;
using Pacer.Cli.Commands.Roles;
using Pacer.Server.Storage;

namespace Pacer.Cli.Commands.State;

internal static class BackupCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = StateFile.Argument("Where to write it; an older backup there is replaced");
        var dataDir = RoleFlags.DataDir(surroundings);
        var command = new PacerCommand("backup", "Write the state of this machine's server to a file, also while it runs")
        {
            Group = "Start and stop",
            Examples = [("backup /var/backups/pacer.backup", ""), ("backup play.backup --data-dir /tmp/play", "of the server that keeps its state there")],
            Notes = "The file holds definitions, versions, instances, groups and deployments as they are at one moment, and can be read only by its owner. 'pacer restore' puts it back.",
        };
        command.Add(file);
        command.Add(dataDir);
        command.SetAction(parse =>
        {
            var directory = RoleFlags.DataDirectoryOf(parse, dataDir, surroundings);
            var path = StateFile.Path(parse, file);
            StateFile.Explain(() => StateBackup.Create(directory, path));
            surroundings.Terminal.Line($"Wrote the state of {directory} to {path} ({new FileInfo(path).Length / 1024} KiB)");
            return ExitCode.Ok;
        });
        return command;
    }
}
