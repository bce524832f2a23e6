using System.CommandLine;
using Pacer.Server.Storage;

namespace Pacer.Cli.Commands.State;

/// <summary>The file argument of backup and restore: a path, or a <c>file:</c> URI as the API takes it.</summary>
internal static class StateFile
{
    public static Argument<string> Argument(string description) => new("FILE") { Description = description, HelpName = "FILE" };

    public static string Path(ParseResult parse, Argument<string> argument)
    {
        var text = parse.GetValue(argument) ?? "";
        var isUri = text.Contains("://", StringComparison.Ordinal);
        return StateBackup.TryPath(isUri || text.Length == 0 ? text : System.IO.Path.GetFullPath(text), out var path)
            ? path
            : throw CliException.Usage($"'{text}' names no file. Give a path, or file:///PATH.");
    }

    /// <summary>Turns what can't be done into a message and an exit code.</summary>
    public static void Explain(Action action)
    {
        try
        {
            action();
        }
        catch (BackupException e)
        {
            throw CliException.Usage(e.Message);
        }
    }
}
