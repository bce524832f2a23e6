using Microsoft.Extensions.Logging;

namespace Pacer.Cli.Roles;

/// <summary>One line to standard error for each message, as the server writes them.</summary>
internal sealed class LineLogger(string name, TextWriter output, string level) : ILogger
{
    private readonly LogLevel _lowest = level switch { "debug" => LogLevel.Debug, "info" => LogLevel.Information, "error" => LogLevel.Error, _ => LogLevel.Warning };

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= _lowest;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            var word = logLevel switch { LogLevel.Warning => "warn", LogLevel.Error => "fail", LogLevel.Debug => "dbug", _ => "info" };
            output.WriteLine($"{DateTime.UtcNow:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {word}: {name}[{eventId.Id}] {formatter(state, exception)}");
        }
    }
}
