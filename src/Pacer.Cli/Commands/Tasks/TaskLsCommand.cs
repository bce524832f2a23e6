using System.CommandLine;
using System.Globalization;
using Pacer.Cli.Client;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskLsCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var task = ApiOptions.TaskId(surroundings);
        var path = new Argument<string>("PATH") { Description = "A directory or file in the task's sandbox", HelpName = "PATH", DefaultValueFactory = _ => "" };
        var detailed = new Option<bool>("--long", "-l") { Description = "With mode, owner, size and time" };
        var json = ApiOptions.Json();
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("ls", "List the files of a task's sandbox") { Examples = [("task ls hello", ""), ("task ls hello data -l", "")] };
        command.Add(task);
        command.Add(path);
        command.Add(detailed);
        command.Add(json);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var id = await TaskFinder.FindAsync(api, parse.GetValue(task)!, cancellationToken);
            var files = await new Sandbox(api, id).ListAsync(parse.GetValue(path)!, cancellationToken);
            if (parse.GetValue(json))
            {
                surroundings.Terminal.Line(JsonText.Pretty(files));
            }
            else if (parse.GetValue(detailed))
            {
                var table = new Table("MODE", "LINKS", "UID", "GID", "SIZE", "DATE", "NAME");
                foreach (var file in files)
                {
                    table.Add(
                        (file.Text("mode"), Tone.Plain), (file.Text("nlink"), Tone.Plain), (file.Text("uid"), Tone.Plain), (file.Text("gid"), Tone.Plain),
                        (file.Text("size"), Tone.Plain), (Date(file.Number("mtime")), Tone.Plain), (Sandbox.NameOf(file), Tone.Plain));
                }
                table.WriteTo(surroundings.Terminal);
            }
            else
            {
                foreach (var file in files)
                {
                    surroundings.Terminal.Line(Sandbox.NameOf(file) + (Sandbox.IsDirectory(file) ? "/" : ""));
                }
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Date(double unixSeconds) =>
        DateTimeOffset.FromUnixTimeSeconds((long)unixSeconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
