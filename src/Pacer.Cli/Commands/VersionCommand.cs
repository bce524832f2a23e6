using System.CommandLine;

namespace Pacer.Cli.Commands;

internal static class VersionCommand
{
    public static string Text { get; } = typeof(VersionCommand).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public static Command Create(Surroundings surroundings)
    {
        var command = new PacerCommand("version", "Print the version") { Group = "This program" };
        command.SetAction(_ =>
        {
            surroundings.Terminal.Line("pacer " + Text);
            return ExitCode.Ok;
        });
        return command;
    }
}
