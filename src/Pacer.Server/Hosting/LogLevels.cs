using Microsoft.Extensions.Logging;

namespace Pacer.Server.Hosting;

internal static class LogLevels
{
    /// <summary>Throws <see cref="ServerStartException"/> for a name that is not one of the four.</summary>
    public static LogLevel Parse(string name) => name switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => throw new ServerStartException($"--log-level {name} is unknown. Choose debug, info, warn or error."),
    };
}
