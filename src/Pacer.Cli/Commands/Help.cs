using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;
using Pacer.Cli.Output;

namespace Pacer.Cli.Commands;

/// <summary>Prints what a command does, how it is written, examples, and its flags with their environment variables.</summary>
internal sealed class Help(Terminal terminal) : SynchronousCommandLineAction
{
    private const int LeftColumn = 30;

    public override int Invoke(ParseResult parseResult)
    {
        terminal.Output.Write(Of(parseResult.CommandResult.Command, terminal.IsInteractive ? Math.Min(terminal.Width, 120) : 120));
        return ExitCode.Ok;
    }

    public static string Of(Command command, int width)
    {
        var text = new StringBuilder();
        text.Append(command.Description).Append("\n\nUsage:\n  ").Append(Usage(command)).Append('\n');
        var details = command as PacerCommand;

        foreach (var group in command.Subcommands.Where(sub => !sub.Hidden).GroupBy(sub => (sub as PacerCommand)?.Group ?? "Commands"))
        {
            Section(text, group.Key, group.Select(sub => (sub.Name, sub.Description ?? "")), width);
        }
        Section(text, "Arguments", command.Arguments.Where(argument => !argument.Hidden)
            .Select(argument => (argument.HelpName ?? argument.Name, argument.Description ?? "")), width);
        if (details is { Examples.Count: > 0 })
        {
            Section(text, "Examples", details.Examples.Select(example => ("pacer " + example.Line, example.Meaning)), width, 64);
        }
        Section(text, "Flags", command.Options.Where(option => !option.Hidden).OrderBy(option => option is HelpOption).Select(Describe), width);
        if (details?.Notes is { } notes)
        {
            text.Append('\n').Append(notes).Append('\n');
        }
        if (command.Subcommands.Count > 0)
        {
            text.Append("\n'").Append(Path(command)).Append(" COMMAND --help' shows more of a command.\n");
        }
        return text.ToString();
    }

    private static string Path(Command command)
    {
        var names = new List<string>();
        for (var current = command; current is not null; current = current.Parents.OfType<Command>().FirstOrDefault())
        {
            names.Insert(0, current is RootCommand ? "pacer" : current.Name);
        }
        return string.Join(' ', names);
    }

    private static string Usage(Command command)
    {
        var text = new StringBuilder(Path(command));
        if (command.Subcommands.Count > 0)
        {
            text.Append(" COMMAND");
        }
        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden))
        {
            var name = argument.HelpName ?? argument.Name;
            name = argument.Arity.MaximumNumberOfValues > 1 ? name + "…" : name;
            text.Append(' ').Append(argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name);
        }
        return text.Append(command.Options.Any(option => option is not HelpOption) ? " [flags]" : "").ToString();
    }

    private static (string Left, string Right) Describe(Option option)
    {
        var names = string.Join(", ", option.Aliases.Where(alias => alias.StartsWith('-')).Append(option.Name).OrderBy(name => name.Length));
        var value = option.ValueType == typeof(bool) || option is HelpOption or VersionOption ? "" : " " + (option.HelpName ?? "VALUE");
        var description = option is HelpOption ? "Show this help" : option.Description ?? "";
        if (option is Flag flag)
        {
            description += flag.Standard is { } standard ? $" [{standard}]" : "";
            description += $" ({flag.Variable})";
        }
        return (names + value, description);
    }

    private static void Section(StringBuilder text, string title, IEnumerable<(string Left, string Right)> rows, int width, int widest = LeftColumn)
    {
        var list = rows.ToList();
        if (list.Count == 0)
        {
            return;
        }
        text.Append('\n').Append(title).Append(":\n");
        var left = Math.Min(widest, list.Max(row => row.Left.Length)) + 2;
        foreach (var row in list)
        {
            text.Append("  ").Append(row.Left);
            var column = row.Left.Length + 2;
            if (row.Left.Length + 2 > left)
            {
                text.Append('\n');
                column = 0;
            }
            if (row.Right.Length == 0)
            {
                text.Append('\n');
                continue;
            }
            foreach (var line in Wrap(row.Right, Math.Max(30, width - left - 2)))
            {
                text.Append(' ', left + 2 - column).Append(line).Append('\n');
                column = 0;
            }
        }
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            line.Append(line.Length > 0 ? " " : "").Append(word);
        }
        yield return line.ToString();
    }
}
