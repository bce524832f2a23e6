using System.Diagnostics;

namespace Pacer.Shell.Tests.Loop;

/// <summary>Waits for a condition to hold; fails after a time that only a hanging program needs.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"never happened: {what}");
            await Task.Delay(5);
        }
    }
}
