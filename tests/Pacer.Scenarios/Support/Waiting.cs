using System.Diagnostics;

namespace Pacer.Scenarios.Support;

internal static class Waiting
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks until there is an answer; fails with <paramref name="what"/> when there never is.</summary>
    public static async Task<T> ForAsync<T>(Func<Task<T?>> look, string what) where T : class
    {
        for (var started = Stopwatch.StartNew(); started.Elapsed < Patience;)
        {
            if (await look() is { } found)
            {
                return found;
            }
            await Task.Delay(Interval);
        }
        throw new TimeoutException($"Within {Patience.TotalSeconds} s this did not happen: {what}");
    }

    public static Task UntilAsync(Func<Task<bool>> condition, string what) =>
        ForAsync(async () => await condition() ? new object() : null, what);
}
