using System.CommandLine;
using System.Globalization;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskLogCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var task = ApiOptions.TaskId(surroundings);
        var follow = new Option<bool>("--follow", "-f") { Description = "Keep printing what is added, until Ctrl-C or the task ends" };
        var lines = new Option<string>("--lines", "-n") { Description = "How many of the last lines to print, or 'all' [10]", HelpName = "N", DefaultValueFactory = _ => "10" };
        var file = new Option<string>("--file") { Description = "stdout, stderr, or another file in the sandbox [stdout]", HelpName = "FILE", DefaultValueFactory = _ => "stdout" };
        file.CompletionSources.Add("stdout", "stderr");
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("log", "Print a task's output")
        {
            Examples =
            [
                ("task log hello", "the last 10 lines of its standard output"),
                ("task log hello --follow --lines all", "everything, and what comes"),
                ("task log hello --file stderr", "its error output"),
            ],
        };
        command.Add(task);
        command.Add(follow);
        command.Add(lines);
        command.Add(file);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var wanted = ParseLines(parse.GetValue(lines)!);
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var id = await TaskFinder.FindAsync(api, parse.GetValue(task)!, cancellationToken);
            var log = new TaskFile(api, id, parse.GetValue(file)!);
            await using var output = Console.OpenStandardOutput();
            var offset = await log.TailOffsetAsync(wanted, cancellationToken);
            await log.CopyAsync(offset, parse.GetValue(follow), output, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    private static long ParseLines(string text) => text == "all"
        ? long.MaxValue
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count
            : throw CliException.Usage($"--lines '{text}' is no number of lines. Give one such as 100, or 'all'.");
}
