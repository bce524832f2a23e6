using System.CommandLine;

namespace Pacer.Cli.Commands;

/// <summary>A command with what its help shows beyond names: the group it is listed under and examples to copy.</summary>
internal sealed class PacerCommand(string name, string description) : Command(name, description)
{
    /// <summary>Heading in the help of the command above; null: "Commands".</summary>
    public string? Group { get; init; }

    /// <summary>Command lines without the leading <c>pacer</c>, each with what it does.</summary>
    public IReadOnlyList<(string Line, string Meaning)> Examples { get; init; } = [];

    /// <summary>A closing paragraph.</summary>
    public string? Notes { get; init; }
}

/// <summary>A flag whose value can come from an environment variable too. Its value is text; the command that uses it gives it a type.</summary>
internal sealed class Flag : Option<string?>
{
    public Flag(Surroundings surroundings, string name, string variable, string helpName, string description, string? standard = null) : base(name)
    {
        Variable = variable;
        Standard = standard;
        Description = description;
        HelpName = helpName;
        DefaultValueFactory = _ => surroundings.Variable(variable) is { Length: > 0 } value ? value : standard;
    }

    public string Variable { get; }

    /// <summary>The default, or a phrase that describes it; null: none.</summary>
    public string? Standard { get; }
}
