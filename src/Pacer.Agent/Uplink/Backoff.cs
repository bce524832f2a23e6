namespace Pacer.Agent.Uplink;

/// <summary>Pauses between attempts: doubling up to a limit, with jitter so that a cluster's agents don't come back in step.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest)
{
    private readonly TimeSpan _first = first;
    private TimeSpan _next = first;

    /// <param name="draw">Random number in [0, 1).</param>
    public TimeSpan Next(double draw)
    {
        var pause = _next * (0.5 + (draw / 2));
        _next = _next * 2 < longest ? _next * 2 : longest;
        return pause;
    }

    public void Reset() => _next = _first;
}
