using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Status;

namespace Pacer.Edge.Balancing.Http1;

/// <summary>
/// Serves plain HTTP/1.1 without the HTTP server's and the HTTP client's pipelines: most requests want nothing of what these can do, and each costs
/// half of what it would there. See <see cref="Lane"/>.
/// </summary>
internal sealed class Lanes(LiveRoutes routes, AccessLog? log, TimeProvider time)
{
    public const long KeepAliveMs = 60_000;

    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Lane, bool> _open = new();
    private volatile byte[] _date = DateAt(time.GetUtcNow());
    private volatile bool _stopping;

    public LiveRoutes Routes => routes;

    public AccessLog? Log => log;

    public TimeProvider Time => time;

    public bool IsStopping => _stopping;

    public ReadOnlySpan<byte> DateField => _date;

    /// <summary>True when the connection is over, false when the HTTP server has to go on with it.</summary>
    public async Task<bool> ServeAsync(ConnectionContext connection, Arrival arrival)
    {
        if (arrival.Purpose.Kind is not (ListenerKind.Http or ListenerKind.Service))
        {
            return false;
        }
        using var lane = new Lane(this, connection, arrival);
        _open.TryAdd(lane, true);
        try
        {
            return await lane.ServeAsync();
        }
        finally
        {
            _open.TryRemove(lane, out _);
        }
    }

    /// <summary>Ends what waits for too long, until it is cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                _date = DateAt(time.GetUtcNow());
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    /// <summary>Lets requests end that are under way, up to the given time, and begins no other.</summary>
    public async Task StopAsync(TimeSpan longest)
    {
        _stopping = true;
        for (var since = time.GetTimestamp(); !_open.IsEmpty && time.GetElapsedTime(since) < longest;)
        {
            Look();
            await Task.Delay(TimeSpan.FromMilliseconds(20), time);
        }
    }

    private void Look()
    {
        var now = Environment.TickCount64;
        foreach (var (lane, _) in _open)
        {
            lane.Look(now);
        }
    }

    private static byte[] DateAt(DateTimeOffset now) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"Date: {now:R}\r\n"));
}
