namespace Pacer.Cli;

/// <summary>Exit codes that scripts can rely on (docs/command-line.md).</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command line itself is wrong: an unknown flag, a file that is no JSON, an ambiguous task; or a role can't start.</summary>
    public const int Usage = 1;

    /// <summary>The API refused (4xx other than 404).</summary>
    public const int Refused = 2;

    /// <summary>No answer, or the server can't serve (5xx).</summary>
    public const int Unreachable = 3;

    /// <summary>The deployment failed, was cancelled, or did not finish in time.</summary>
    public const int DeploymentFailed = 4;

    public const int NotFound = 5;

    /// <summary>A mistake in Pacer itself.</summary>
    public const int Internal = 70;

    /// <summary>Ctrl-C, as shells report it.</summary>
    public const int Interrupted = 130;
}

/// <summary>Ends a command with a message for people and an exit code for scripts. The message may have several lines.</summary>
internal sealed class CliException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public static CliException Usage(string message) => new(Cli.ExitCode.Usage, message);
}
