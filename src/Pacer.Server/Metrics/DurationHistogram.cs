namespace Pacer.Server.Metrics;

/// <summary>Durations counted into the buckets that Prometheus' histograms show.</summary>
internal sealed class DurationHistogram
{
    /// <summary>Upper bounds in seconds; a last bucket takes what is longer.</summary>
    public static readonly double[] Bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly long[] _counts = new long[Bounds.Length + 1];
    private long _microseconds;

    public double SumSeconds => Volatile.Read(ref _microseconds) / 1e6;

    public void Record(TimeSpan duration)
    {
        var seconds = duration.TotalSeconds;
        var i = 0;
        while (i < Bounds.Length && seconds > Bounds[i])
        {
            i++;
        }
        Interlocked.Increment(ref _counts[i]);
        Interlocked.Add(ref _microseconds, (long)duration.TotalMicroseconds);
    }

    /// <summary>How many lasted at most each bound, and in all.</summary>
    public long[] Cumulative()
    {
        var counts = new long[_counts.Length];
        var sum = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            sum += Volatile.Read(ref _counts[i]);
            counts[i] = sum;
        }
        return counts;
    }
}

/// <summary>Calls with how long they took, for both forms of exposition.</summary>
internal sealed class CallTimer(TimeProvider time)
{
    public DurationHistogram Histogram { get; } = new();

    /// <summary>In microseconds.</summary>
    public Distribution Microseconds { get; } = new(time);

    public Rate Rate { get; } = new(time);

    public void Record(TimeSpan duration)
    {
        Histogram.Record(duration);
        Microseconds.Record((long)duration.TotalMicroseconds);
        Rate.Mark();
    }
}
