using System.Globalization;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>How often HAProxy ended by itself, and when it may be started again: at once, then after a pause that grows.</summary>
internal sealed class UnexpectedEnds(TimeProvider time)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private DateTimeOffset _last;
    private DateTimeOffset _notBefore;
    private int _count;
    private int _inARow;

    /// <summary>What a user should know; null: nothing, or it is long ago.</summary>
    public string? Warning
    {
        get
        {
            lock (_lock)
            {
                return _count > 0 && time.GetUtcNow() - _last < Remembered
                    ? string.Create(CultureInfo.InvariantCulture, $"HAProxy ended unexpectedly at {_last:HH:mm:ss} UTC ({(_count == 1 ? "once" : $"{_count} times")} so far) and was started again.")
                    : null;
            }
        }
    }

    /// <summary>Why it is not started yet; null: it may be.</summary>
    public string? Pause
    {
        get
        {
            lock (_lock)
            {
                return time.GetUtcNow() < _notBefore
                    ? string.Create(CultureInfo.InvariantCulture, $"HAProxy ended unexpectedly at {_last:HH:mm:ss} UTC; it is started again at {_notBefore:HH:mm:ss} UTC.")
                    : null;
            }
        }
    }

    public void Add()
    {
        lock (_lock)
        {
            _last = time.GetUtcNow();
            _count++;
            _inARow = _last - _notBefore > LongestPause ? 0 : _inARow + 1;
            Wait();
        }
    }

    public void DidNotStart()
    {
        lock (_lock)
        {
            _inARow++;
            Wait();
        }
    }

    // The second time in a row it waits a moment, and each time longer.
    private void Wait() => _notBefore = time.GetUtcNow() + (_inARow == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, 1 << Math.Min(_inARow - 1, 5))));
}
