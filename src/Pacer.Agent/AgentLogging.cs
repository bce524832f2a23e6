using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Pacer.Agent;

/// <summary>Log lines on stderr, one each: stdout belongs to the command line's own output.</summary>
internal static class AgentLogging
{
    /// <param name="level">"debug", "info", "warn" or "error"; lines below are not written. Throws <see cref="AgentException"/> for others.</param>
    public static ILoggerFactory CreateFactory(string level)
    {
        var minimum = level switch
        {
            "debug" => LogLevel.Debug,
            "info" => LogLevel.Information,
            "warn" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => throw new AgentException($"--log-level: '{level}' is none of debug, info, warn, error."),
        };
        return LoggerFactory.Create(logging =>
        {
            logging.SetMinimumLevel(minimum);
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            });
            logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        });
    }
}
