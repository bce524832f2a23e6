using System.CommandLine;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Roles;

/// <summary>Flags of every role: where it keeps its state, and how much it logs.</summary>
internal sealed class RoleFlags(Surroundings surroundings)
{
    private readonly Flag _dataDir = DataDir(surroundings);
    private readonly Flag _logLevel = LogLevelFlag(surroundings);
    private readonly Option<bool> _noInstall = new("--no-install") { Description = "Do not install missing packages; run with what is there" };

    public static Flag DataDir(Surroundings surroundings) =>
        new(surroundings, "--data-dir", "PACER_DATA_DIR", "DIR", "Where state is kept", DataDirectory.DefaultInWords);

    public static Flag LogLevelFlag(Surroundings surroundings) =>
        new(surroundings, "--log-level", "PACER_LOG_LEVEL", "LEVEL", "debug, info, warn or error", "warn");

    public static string LogLevel(ParseResult parse, Flag flag) => FlagValue.OneOf(parse, flag, "debug", "info", "warn", "error");

    public void AddTo(Command command, bool runsContainers)
    {
        command.Add(_dataDir);
        if (runsContainers)
        {
            command.Add(_noInstall);
        }
        command.Add(_logLevel);
    }

    public string OpenDataDirectory(ParseResult parse) => DataDirectory.Open(DataDirectoryOf(parse, _dataDir, surroundings));

    public static string DataDirectoryOf(ParseResult parse, Flag flag, Surroundings surroundings) =>
        parse.GetValue(flag) is { Length: > 0 } given && given != flag.Standard ? Path.GetFullPath(given) : DataDirectory.Default(surroundings);

    public string LogLevel(ParseResult parse) => LogLevel(parse, _logLevel);

    public async Task EnsurePackagesAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        if (!parse.GetValue(_noInstall) && string.IsNullOrEmpty(surroundings.Variable("PACER_NO_INSTALL")))
        {
            await RuntimePackages.EnsureAsync(surroundings, cancellationToken);
        }
    }
}
