using System.Numerics;

namespace Pacer.Server.Metrics;

/// <summary>
/// How recorded values spread: buckets that grow with the value (within an eighth of it), so that recording is one atomic addition.
/// Quantiles are those of the last minutes.
/// </summary>
internal sealed class Distribution(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2.5);

    // Values below 16 have a bucket each, then eight to a power of two; the last takes everything from 2^40 up.
    private const int Exact = 16;
    private const int PerPower = 8;
    private const int Buckets = Exact + (37 * PerPower);

    private readonly Lock _rotation = new();
    private long[] _current = new long[Buckets];
    private long[] _previous = new long[Buckets];
    private long _since = time.GetTimestamp();
    private long _count;
    private long _sum;

    public long Count => Volatile.Read(ref _count);

    public long Sum => Volatile.Read(ref _sum);

    public void Record(long value)
    {
        value = Math.Max(0, value);
        Interlocked.Increment(ref _count);
        Interlocked.Add(ref _sum, value);
        Interlocked.Increment(ref Volatile.Read(ref _current)[IndexOf(value)]);
    }

    /// <summary>What the last minutes look like, in the unit of the values.</summary>
    public Spread Recent()
    {
        var buckets = new long[Buckets];
        lock (_rotation)
        {
            var age = time.GetElapsedTime(_since);
            if (age > Window)
            {
                _previous = age > 2 * Window ? new long[Buckets] : _current;
                Volatile.Write(ref _current, new long[Buckets]);
                _since = time.GetTimestamp();
            }
            for (var i = 0; i < Buckets; i++)
            {
                buckets[i] = Volatile.Read(ref _current[i]) + Volatile.Read(ref _previous[i]);
            }
        }
        return new Spread(buckets);
    }

    private static int IndexOf(long value)
    {
        if (value < Exact)
        {
            return (int)value;
        }
        var power = BitOperations.Log2((ulong)value);
        var index = Exact + ((power - 4) * PerPower) + (int)((value >> (power - 3)) & (PerPower - 1));
        return Math.Min(index, Buckets - 1);
    }

    private static double Middle(int index)
    {
        if (index < Exact)
        {
            return index;
        }
        var power = ((index - Exact) / PerPower) + 4;
        var width = 1L << (power - 3);
        return (1L << power) + ((index - Exact) % PerPower * width) + (width / 2.0);
    }

    /// <summary>Figures of a set of values.</summary>
    internal sealed class Spread
    {
        private readonly long[] _buckets;
        private readonly long _total;

        public Spread(long[] buckets)
        {
            _buckets = buckets;
            _total = buckets.Sum();
            if (_total == 0)
            {
                return;
            }
            Min = Middle(Array.FindIndex(buckets, count => count > 0));
            Max = Middle(Array.FindLastIndex(buckets, count => count > 0));
            var squares = 0.0;
            for (var i = 0; i < buckets.Length; i++)
            {
                Mean += Middle(i) * buckets[i] / _total;
                squares += Middle(i) * Middle(i) * buckets[i] / _total;
            }
            Deviation = Math.Sqrt(Math.Max(0, squares - (Mean * Mean)));
        }

        public double Min { get; }

        public double Max { get; }

        public double Mean { get; }

        public double Deviation { get; }

        /// <summary>The value below which this share of all lies; 0 when there are none.</summary>
        public double Quantile(double share)
        {
            var rank = (long)Math.Ceiling(share * _total);
            var seen = 0L;
            for (var i = 0; i < _buckets.Length && _total > 0; i++)
            {
                seen += _buckets[i];
                if (seen >= rank)
                {
                    return Middle(i);
                }
            }
            return Max;
        }
    }
}
