using Pacer.Cli.Output;

namespace Pacer.Cli;

/// <summary>What the command line takes from the process around it; tests give their own.</summary>
/// <param name="Variable">Reads an environment variable; null or "" when it is not set.</param>
/// <param name="OpenInput">Standard input as bytes.</param>
internal sealed record Surroundings(Terminal Terminal, Func<string, string?> Variable, Func<Stream> OpenInput)
{
    public static Surroundings OfProcess() => new(Terminal.OfProcess(), Environment.GetEnvironmentVariable, Console.OpenStandardInput);
}
