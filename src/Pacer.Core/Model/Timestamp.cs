using System.Globalization;

namespace Pacer.Core.Model;

/// <summary>A moment in UTC with millisecond precision, as Marathon's API shows it. Time enters the core only as a value.</summary>
public readonly record struct Timestamp(long UnixMilliseconds) : IComparable<Timestamp>
{
    public static readonly Timestamp Zero = new(0);
    public static readonly Timestamp MaxValue = new(long.MaxValue);

    public int CompareTo(Timestamp other) => UnixMilliseconds.CompareTo(other.UnixMilliseconds);

    public static bool operator <(Timestamp a, Timestamp b) => a.UnixMilliseconds < b.UnixMilliseconds;
    public static bool operator >(Timestamp a, Timestamp b) => a.UnixMilliseconds > b.UnixMilliseconds;
    public static bool operator <=(Timestamp a, Timestamp b) => a.UnixMilliseconds <= b.UnixMilliseconds;
    public static bool operator >=(Timestamp a, Timestamp b) => a.UnixMilliseconds >= b.UnixMilliseconds;
    public static TimeSpan operator -(Timestamp a, Timestamp b) => TimeSpan.FromMilliseconds(a.UnixMilliseconds - b.UnixMilliseconds);

    /// <summary>Saturates at <see cref="MaxValue"/> instead of overflowing, so that "never" stays never.</summary>
    public static Timestamp operator +(Timestamp a, TimeSpan b)
    {
        var milliseconds = (long)Math.Min(b.TotalMilliseconds, 1e15);
        return a.UnixMilliseconds > long.MaxValue - Math.Max(0, milliseconds) ? MaxValue : new(a.UnixMilliseconds + milliseconds);
    }

    public static Timestamp Max(Timestamp a, Timestamp b) => a > b ? a : b;
    public static Timestamp Min(Timestamp a, Timestamp b) => a < b ? a : b;

    public static Timestamp From(DateTimeOffset time) => new(time.ToUnixTimeMilliseconds());

    /// <summary>Accepts any ISO-8601 date-time with an offset; anything finer than a millisecond is cut off.</summary>
    public static bool TryParse(string? text, out Timestamp timestamp)
    {
        timestamp = default;
        if (text is null || text.Length < 11 || text[10] != 'T'
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var parsed))
        {
            return false;
        }
        timestamp = From(parsed);
        return true;
    }

    /// <summary>Marathon's fixed layout: <c>yyyy-MM-ddTHH:mm:ss.SSSZ</c>.</summary>
    public override string ToString() =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(UnixMilliseconds, 0, 253402300799999))
            .UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
