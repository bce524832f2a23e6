using Pacer.Core.Model;

namespace Pacer.Server.Loop;

/// <summary>
/// Wakes the loop when nothing comes in: at the state's next deadline, or to repeat a commit that failed. One timer; never
/// sooner than a millisecond, and slower and slower while waking up changes nothing.
/// </summary>
internal sealed class LoopWakeup : IDisposable
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestRepeat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    // A timer's longest span is about 49 days; a deadline beyond it is armed again on the way.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly AutoResetEvent _woken = new(false);
    private Timestamp? _armedFor;
    private TimeSpan _repeat = Shortest;
    private TimeSpan _retry;
    private volatile bool _fired;

    public LoopWakeup(TimeProvider time, Action wake)
    {
        _time = time;
        _timer = time.CreateTimer(_ =>
        {
            _fired = true;
            wake();
            _woken.Set();
        }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The last commit failed.</summary>
    public bool IsBackingOff => _retry != TimeSpan.Zero;

    /// <summary>The pause after the failed commit is over.</summary>
    public bool IsRetryDue => _fired;

    /// <summary>Called after every handled batch.</summary>
    public void Arm(Timestamp? deadline)
    {
        if (deadline is not { } at)
        {
            _armedFor = null;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        var due = at - Timestamp.From(_time.GetUtcNow());
        if (due < Shortest)
        {
            // Passed already. If the last wake-up was for it too, it did not help: do not spin.
            _repeat = _armedFor == at ? Min(_repeat * 2, LongestRepeat) : Shortest;
            due = _repeat;
        }
        else
        {
            _repeat = Shortest;
        }
        _armedFor = at;
        _timer.Change(Min(due, Longest), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Repeats after a while, longer each time; returns the while.</summary>
    public TimeSpan CommitFailed()
    {
        _retry = _retry == TimeSpan.Zero ? FirstRetry : Min(_retry * 2, LongestRetry);
        _fired = false;
        _timer.Change(_retry, Timeout.InfiniteTimeSpan);
        return _retry;
    }

    /// <summary>True when commits had been failing.</summary>
    public bool CommitSucceeded()
    {
        var failing = _retry != TimeSpan.Zero;
        _retry = TimeSpan.Zero;
        return failing;
    }

    /// <summary>The step threw: a deadline that it could not act on must not wake the loop every millisecond.</summary>
    public void StepFailed() => _repeat = LongestRepeat;

    /// <summary>Blocks until the timer fires.</summary>
    public void Wait() => _woken.WaitOne();

    /// <summary>Ends a wait early.</summary>
    public void Release() => _woken.Set();

    public void Dispose()
    {
        _timer.Dispose();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
