using System.Collections.Concurrent;
using Pacer.Edge.Balancing.Http1;

namespace Pacer.Edge.Balancing.Servers;

/// <summary>What goes on at one server right now. It outlives the routing tables that name it.</summary>
internal sealed class ServerLoad
{
    private static readonly long FirstRest = TimeSpan.FromSeconds(1).Ticks;
    private static readonly long LongestRest = TimeSpan.FromSeconds(30).Ticks;

    private readonly ConcurrentDictionary<object, Action> _tunnels = new();
    private int _active;
    private long _total;
    private long _failures;
    private int _failuresInARow;
    private long _restsUntil;

    /// <summary>Connections that wait for a request.</summary>
    public IdleConnections Idle { get; } = new();

    /// <summary>Requests under way; connections in mode tcp.</summary>
    public int Active => Volatile.Read(ref _active);

    public long Total => Volatile.Read(ref _total);

    /// <summary>Connections that did not come about.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>When it began to drain; null while it does not.</summary>
    public DateTimeOffset? DrainingSince { get; set; }

    /// <summary>False when it has as many as it may.</summary>
    public bool TryEnter(int most)
    {
        if (most <= 0)
        {
            Interlocked.Increment(ref _active);
        }
        else
        {
            int active;
            do
            {
                active = Volatile.Read(ref _active);
                if (active >= most)
                {
                    return false;
                }
            }
            while (Interlocked.CompareExchange(ref _active, active + 1, active) != active);
        }
        Interlocked.Increment(ref _total);
        return true;
    }

    public void Leave() => Interlocked.Decrement(ref _active);

    /// <summary>It could not be connected to: it gets no requests for a while, longer each time.</summary>
    public void Failed(DateTimeOffset now)
    {
        Interlocked.Increment(ref _failures);
        var times = Interlocked.Increment(ref _failuresInARow);
        Volatile.Write(ref _restsUntil, now.UtcTicks + Math.Min(LongestRest, FirstRest << Math.Min(times - 1, 10)));
    }

    public void Succeeded()
    {
        if (Volatile.Read(ref _failuresInARow) != 0)
        {
            Volatile.Write(ref _failuresInARow, 0);
            Volatile.Write(ref _restsUntil, 0);
        }
    }

    public bool Rests(DateTimeOffset now) => Volatile.Read(ref _restsUntil) is var until && until != 0 && until > now.UtcTicks;

    /// <summary>A connection that may last: it is cut when the server has drained for too long.</summary>
    public void Track(object tunnel, Action cut) => _tunnels[tunnel] = cut;

    public void Untrack(object tunnel) => _tunnels.TryRemove(tunnel, out _);

    public int CutTunnels()
    {
        var cuts = 0;
        foreach (var (tunnel, cut) in _tunnels)
        {
            if (_tunnels.TryRemove(tunnel, out _))
            {
                cut();
                cuts++;
            }
        }
        return cuts;
    }
}
