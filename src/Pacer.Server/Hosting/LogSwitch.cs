using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Pacer.Server.Hosting;

/// <summary>
/// Levels of loggers that were changed while the server runs, some for a while only. Also remembers which loggers there are.
/// A level holds for all loggers whose name begins with the given one; <see cref="Root"/> is all.
/// </summary>
internal sealed class LogSwitch(LogLevel standard, TimeProvider time)
    : IConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>, ILoggerProvider
{
    public const string Root = "ROOT";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Change> _changes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _loggers = new(StringComparer.Ordinal);
    private CancellationTokenSource _changed = new();

    public string Name => Options.DefaultName;

    /// <param name="duration">After this time the level is what it was; null: it stays until the server ends.</param>
    public void Set(string logger, LogLevel level, TimeSpan? duration)
    {
        lock (_gate)
        {
            Forget(logger);
            var change = new Change(level);
            _changes[logger] = change;
            if (duration is { } validity)
            {
                change.End = time.CreateTimer(_ => End(logger, change), null, validity, Timeout.InfiniteTimeSpan);
            }
        }
        Tell();
    }

    /// <summary>All loggers with their levels; what is inherited says so.</summary>
    public List<KeyValuePair<string, string>> Levels()
    {
        var names = new SortedSet<string>(_loggers.Keys, StringComparer.Ordinal);
        lock (_gate)
        {
            names.UnionWith(_changes.Keys);
            names.Remove(Root);
            return
            [
                new(Root, NameOf(_changes.TryGetValue(Root, out var root) ? root.Level : standard)),
                .. names.Select(name => new KeyValuePair<string, string>(
                    name, _changes.TryGetValue(name, out var own) ? NameOf(own.Level) : NameOf(Effective(name)) + " (inherited)")),
            ];
        }
    }

    public void Configure(LoggerFilterOptions options)
    {
        lock (_gate)
        {
            foreach (var (logger, change) in _changes)
            {
                if (logger == Root)
                {
                    options.MinLevel = change.Level;
                }
                // The last rule of a name counts, so a changed level goes before those of the start.
                options.Rules.Add(new LoggerFilterRule(null, logger == Root ? null : logger, change.Level, null));
            }
        }
    }

    public IChangeToken GetChangeToken() => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    public ILogger CreateLogger(string categoryName)
    {
        _loggers[categoryName] = true;
        return NullLogger.Instance;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var logger in _changes.Keys.ToList())
            {
                Forget(logger);
            }
        }
    }

    private LogLevel Effective(string name)
    {
        var best = _changes.Where(change => name.StartsWith(change.Key, StringComparison.Ordinal)).OrderByDescending(change => change.Key.Length).FirstOrDefault();
        if (best.Value is not null)
        {
            return best.Value.Level;
        }
        var inherited = _changes.TryGetValue(Root, out var root) ? root.Level : standard;
        var isQuiet = standard > LogLevel.Debug && (name.StartsWith("Microsoft", StringComparison.Ordinal) || name.StartsWith("Grpc", StringComparison.Ordinal));
        return isQuiet && inherited < LogLevel.Warning ? LogLevel.Warning : inherited;
    }

    private void End(string logger, Change change)
    {
        lock (_gate)
        {
            if (!_changes.TryGetValue(logger, out var current) || current != change)
            {
                return;
            }
            Forget(logger);
        }
        Tell();
    }

    private void Forget(string logger)
    {
        if (_changes.Remove(logger, out var old))
        {
            old.End?.Dispose();
        }
    }

    private void Tell()
    {
        var before = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        before.Cancel();
        before.Dispose();
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "TRACE",
        LogLevel.Debug => "DEBUG",
        LogLevel.Information => "INFO",
        LogLevel.Warning => "WARN",
        _ => "ERROR",
    };

    private sealed class Change(LogLevel level)
    {
        public LogLevel Level => level;

        public ITimer? End { get; set; }
    }
}
