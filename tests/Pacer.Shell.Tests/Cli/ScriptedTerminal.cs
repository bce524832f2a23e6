using Pacer.Cli;
using Pacer.Cli.Commands;
using Pacer.Cli.Output;

namespace Pacer.Shell.Tests.Cli;

/// <summary>Runs command lines in this process and keeps what they print.</summary>
internal sealed class ScriptedTerminal
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public ScriptedTerminal(string input = "", bool interactive = false, params (string Name, string Value)[] variables)
    {
        var terminal = new Terminal(_output, _error, interactive, hasColour: false, () => 100);
        Surroundings = new Surroundings(
            terminal,
            name => variables.FirstOrDefault(variable => variable.Name == name).Value,
            () => new MemoryStream(System.Text.Encoding.UTF8.GetBytes(input)));
    }

    public Surroundings Surroundings { get; }

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(params string[] arguments) => CommandLine.RunAsync(arguments, Surroundings);
}
