using System.CommandLine;
using Pacer.Server.Recording;

namespace Pacer.Cli.Commands;

/// <summary>Runs a recorded inbox of a server through the scheduler.</summary>
internal static class ReplayCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var file = new Argument<string>("FILE") { Description = "A recording, made with the server's flag --record", HelpName = "FILE" };
        var command = new PacerCommand("replay", "Run a recorded inbox of a server through the scheduler, and compare the states")
        {
            Group = "This program",
            Examples = [("server --record /tmp/inbox", "record; Ctrl-C prints the hash of the state"), ("replay /tmp/inbox", "arrives at the same hash")],
            Notes = "Starts nothing and needs no server. Exit code 0 when every batch led to the same changes and the states are the same.",
        };
        command.Add(file);
        command.SetAction(parse =>
        {
            ReplayResult result;
            try
            {
                result = Replay.Run(Path.GetFullPath(parse.GetRequiredValue(file)));
            }
            catch (ReplayException exception)
            {
                throw CliException.Usage(exception.Message);
            }
            surroundings.Terminal.Line($"{Counted(result.Batches, "batch", "batches")}, {Counted(result.Inputs, "input", "inputs")}, index {result.Index}");
            surroundings.Terminal.Line($"state hash {result.StateHash}");
            if (result.Difference is { } difference)
            {
                throw new CliException(Cli.ExitCode.Internal, $"It went another way: {difference}.");
            }
            if (!result.IsSame)
            {
                throw new CliException(Cli.ExitCode.Internal, $"The server's state was another: {result.RecordedHash}.");
            }
            surroundings.Terminal.Line(result.RecordedHash is null
                ? "All batches led to the same changes; the recording ends without the server's own hash (it was killed, or still runs)."
                : "The same state as the server's.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Counted(long count, string one, string many) => count == 1 ? $"1 {one}" : $"{count} {many}";
}
