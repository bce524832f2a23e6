namespace Pacer.Server.Metrics;

/// <summary>Occurrences a second: since the start, and as moving averages that forget over 1, 5 and 15 minutes.</summary>
internal sealed class Rate(TimeProvider time)
{
    private static readonly TimeSpan Smallest = TimeSpan.FromSeconds(5);
    private static readonly double[] Minutes = [1, 5, 15];

    private readonly Lock _gate = new();
    private readonly long _started = time.GetTimestamp();
    private readonly double[] _averages = new double[Minutes.Length];
    private long _averagedAt = time.GetTimestamp();
    private long _averagedCount;
    private bool _isAveraged;
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public void Mark(long occurrences = 1) => Interlocked.Add(ref _count, occurrences);

    public Rates PerSecond()
    {
        lock (_gate)
        {
            var count = Count;
            var elapsed = time.GetElapsedTime(_averagedAt);
            if (elapsed >= Smallest)
            {
                var recent = (count - _averagedCount) / elapsed.TotalSeconds;
                for (var i = 0; i < Minutes.Length; i++)
                {
                    _averages[i] = _isAveraged ? recent + ((_averages[i] - recent) * Math.Exp(-elapsed.TotalMinutes / Minutes[i])) : recent;
                }
                _isAveraged = true;
                _averagedAt = time.GetTimestamp();
                _averagedCount = count;
            }
            var age = Math.Max(time.GetElapsedTime(_started).TotalSeconds, 0.001);
            return new Rates(count, count / age, _averages[0], _averages[1], _averages[2]);
        }
    }
}

/// <summary>Occurrences in all, and a second on average, over 1, 5 and 15 minutes.</summary>
internal sealed record Rates(long Count, double Mean, double OneMinute, double FiveMinutes, double FifteenMinutes);
