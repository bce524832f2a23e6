using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Tcp;

/// <summary>Mode tcp: joins a client's connection to one of a server.</summary>
internal sealed class TcpFront(LiveRoutes routes, TimeProvider time)
{
    private const int BufferSize = 64 * 1024;

    public async Task ServeAsync(ConnectionContext client)
    {
        if (client.Features.Get<Arrival>() is not { Purpose.BackendKey: { } key } || !routes.Current.Pools.TryGetValue(key, out var pool))
        {
            client.Abort();
            return;
        }
        var source = client.RemoteEndPoint as IPEndPoint ?? new IPEndPoint(IPAddress.None, 0);
        if (pool.Settings.Maintenance || !Access.IsAllowed(pool.Settings, source.Address))
        {
            client.Abort();
            return;
        }
        var (chosen, server, inUse) = await ConnectAsync(key, source);
        if (server is null || chosen is null || inUse is null)
        {
            pool.State.NotServed();
            client.Abort();
            return;
        }
        using var _ = server;
        pool = inUse;
        var started = time.GetTimestamp();
        try
        {
            if (pool.Settings.SendProxy is var version and > 0)
            {
                await server.SendAsync(ProxyProtocol.Write(version, source, client.LocalEndPoint as IPEndPoint ?? source));
            }
            await JoinAsync(client, server, chosen, pool);
            pool.State.Answered(200, time.GetElapsedTime(started));
        }
        finally
        {
            pool.Leave(chosen);
        }
    }

    private async Task<(PoolServer? Chosen, Socket? Server, Pool? Pool)> ConnectAsync(string key, IPEndPoint source)
    {
        // A client that has said all it has to say still waits for an answer, so its half-closed connection is no reason to stop.
        List<PoolServer>? tried = null;
        for (var attempt = 0; ; attempt++)
        {
            // Each attempt sees the routes of its moment.
            if (!routes.Current.Pools.TryGetValue(key, out var pool))
            {
                return default;
            }
            var address = source.Address.ToString();
            var chosen = pool.Choose(address, null, tried, out var full);
            if (chosen is null)
            {
                if (full && await pool.State.WaitAsync(pool.Settings.QueueTimeout, time, CancellationToken.None))
                {
                    attempt--;
                    continue;
                }
                return default;
            }
            try
            {
                var server = await Dialer.DialAsync(chosen.Server.Address, pool.Settings.ConnectTimeout, CancellationToken.None);
                chosen.Load.Succeeded();
                return (chosen, server, pool);
            }
            catch (DialException)
            {
                pool.Leave(chosen);
                chosen.Load.Failed(time.GetUtcNow());
                if (attempt >= pool.Settings.Retries)
                {
                    return default;
                }
                pool.State.Retried();
                if (tried?.Contains(chosen) == true || pool.Servers.Count == 1)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100 << attempt), time, CancellationToken.None);
                }
                (tried ??= []).Add(chosen);
            }
        }
    }

    private async Task JoinAsync(ConnectionContext client, Socket server, PoolServer chosen, Pool pool)
    {
        var activity = new Activity();
        using var ended = new CancellationTokenSource();
        void Cut()
        {
            client.Abort();
            server.Dispose();
        }
        chosen.Load.Track(client, Cut);
        long received = 0, sent = 0;
        try
        {
            var up = UpAsync();
            var down = DownAsync();
            var watch = WatchAsync(activity, pool.Settings.TunnelTimeout, Cut, ended.Token);
            await Task.WhenAll(up, down);
            await ended.CancelAsync();
            await watch;
        }
        finally
        {
            chosen.Load.Untrack(client);
            pool.State.Moved(received, sent);
        }

        async Task UpAsync()
        {
            try
            {
                while (true)
                {
                    var read = await client.Transport.Input.ReadAsync();
                    foreach (var part in read.Buffer)
                    {
                        for (var rest = part; rest.Length > 0;)
                        {
                            rest = rest[await server.SendAsync(rest, SocketFlags.None)..];
                        }
                        received += part.Length;
                    }
                    activity.Seen = true;
                    client.Transport.Input.AdvanceTo(read.Buffer.End);
                    if (read.IsCompleted)
                    {
                        server.Shutdown(SocketShutdown.Send); // the other direction may have more to say
                        return;
                    }
                }
            }
            catch (Exception e) when (IsEnd(e))
            {
                Cut();
            }
        }

        async Task DownAsync()
        {
            try
            {
                while (true)
                {
                    await server.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None); // no buffer while there is nothing
                    var buffer = client.Transport.Output.GetMemory(Math.Min(BufferSize, Math.Max(4096, server.Available)));
                    var count = await server.ReceiveAsync(buffer, SocketFlags.None);
                    if (count == 0)
                    {
                        await client.Transport.Output.CompleteAsync();
                        return;
                    }
                    client.Transport.Output.Advance(count);
                    sent += count;
                    activity.Seen = true;
                    var flushed = await client.Transport.Output.FlushAsync();
                    if (flushed.IsCompleted)
                    {
                        Cut();
                        return;
                    }
                }
            }
            catch (Exception e) when (IsEnd(e))
            {
                Cut();
            }
        }
    }

    private async Task WatchAsync(Activity activity, TimeSpan longest, Action cut, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                activity.Seen = false;
                await Task.Delay(longest, time, ended);
                if (!activity.Seen)
                {
                    cut();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Both sides said good-bye.
        }
    }

    private static bool IsEnd(Exception e) => e is SocketException or IOException or ObjectDisposedException or ConnectionAbortedException or ConnectionResetException or OperationCanceledException or InvalidOperationException;

    private sealed class Activity
    {
        public volatile bool Seen;
    }
}
