using System.CommandLine;
using Pacer.Cli.Client;

namespace Pacer.Cli.Commands.Tasks;

internal static class TaskExecCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var task = ApiOptions.TaskId(surroundings);
        var words = new Argument<string[]>("COMMAND")
        {
            Description = "What to run inside the task's container, with its arguments",
            HelpName = "COMMAND",
            Arity = ArgumentArity.OneOrMore,
            CaptureRemainingTokens = true,
        };
        var input = new Option<bool>("--interactive", "-i") { Description = "Pass standard input on" };
        var tty = new Option<bool>("--tty", "-t") { Description = "Give the command a terminal" };
        var user = new Option<string?>("--user", "-u") { Description = "Run as this user", HelpName = "USER" };
        var server = ApiOptions.Server(surroundings);
        var command = new PacerCommand("exec", "Run a command inside a task's container")
        {
            Examples = [("task exec hello -- ls -l", "what lies in its sandbox"), ("task exec -it hello -- sh", "a shell")],
            Notes = "Flags come before TASK. The exit code is the command's own.",
        };
        command.Add(task);
        command.Add(words);
        command.Add(input);
        command.Add(tty);
        command.Add(user);
        command.Add(server);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var api = new ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            var id = await TaskFinder.FindAsync(api, parse.GetValue(task)!, cancellationToken);
            // A "--" in front of the command is the parser's; one that it left is ours to drop.
            var line = parse.GetValue(words)!;
            line = line.Length > 1 && line[0] == "--" ? line[1..] : line;
            var wantsTty = parse.GetValue(tty) && surroundings.Terminal.IsInteractive;
            var session = new ExecSession(surroundings, parse.GetValue(input), wantsTty);
            return await session.RunAsync(api, id, line, parse.GetValue(user), cancellationToken);
        });
        return command;
    }
}
