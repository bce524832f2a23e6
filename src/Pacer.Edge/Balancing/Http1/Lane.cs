using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Pacer.Edge.Balancing.Http;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Status;

namespace Pacer.Edge.Balancing.Http1;

/// <summary>
/// One client's connection while nothing unusual comes: requests go to servers, and answers back, with as little between as can be. What is
/// unusual stays unread, and <see cref="ServeAsync"/> returns: the HTTP server goes on with the connection.
/// </summary>
internal sealed class Lane : IDisposable
{
    private const int HeadBytes = 8 * 1024;
    private const int BodyBytes = 32 * 1024;

    private readonly Lanes _lanes;
    private readonly ConnectionContext _connection;
    private readonly Arrival _arrival;
    private readonly IPAddress? _address;
    private readonly RequestHead _request;
    private readonly ResponseHead _answer = new();
    private byte[]? _buffer;
    private char[] _text = [];

    // Who takes it out, owns it: the request, the one who notices that it is late, or that the client is gone.
    private ServerConnection? _server;
    private long _deadlineMs;
    private volatile bool _isWaiting;
    private volatile bool _isLate;
    private (string Line, string Host) _asked;

    public Lane(Lanes lanes, ConnectionContext connection, Arrival arrival)
    {
        (_lanes, _connection, _arrival) = (lanes, connection, arrival);
        _address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        var client = _address is null ? "unknown" : (_address.IsIPv4MappedToIPv6 ? _address.MapToIPv4() : _address).ToString();
        _request = new RequestHead(client, arrival.Port);
    }

    private enum Next
    {
        GoOn,
        End,

        /// <summary>The request is unread, and somebody else's.</summary>
        HandOver,
    }

    /// <summary>True when the connection is over, false when the HTTP server has to go on with it.</summary>
    public async Task<bool> ServeAsync()
    {
        var input = _connection.Transport.Input;
        using var gone = _connection.ConnectionClosed.UnsafeRegister(static lane => ((Lane)lane!).Drop(), this);
        while (true)
        {
            if (!input.TryRead(out var read))
            {
                _buffer = Return(_buffer);
                Within(Lanes.KeepAliveMs, waiting: true);
                if (_lanes.IsStopping)
                {
                    return true;
                }
                read = await input.ReadAsync();
                _isWaiting = false;
            }
            if (read.IsCanceled || (read.IsCompleted && read.Buffer.IsEmpty))
            {
                input.AdvanceTo(read.Buffer.Start);
                return true;
            }
            var next = Understands(read.Buffer, out var pool) ? await AnswerAsync(read.Buffer, pool!) : Next.HandOver;
            if (next == Next.HandOver)
            {
                input.AdvanceTo(read.Buffer.Start);
                return false;
            }
            input.AdvanceTo(read.Buffer.GetPosition(_request.Length + _request.BodyLength));
            if (next == Next.End || _request.Close || _lanes.IsStopping)
            {
                return true;
            }
        }
    }

    /// <summary>Called now and then: ends what has waited for too long.</summary>
    public void Look(long nowMs)
    {
        if (nowMs < Volatile.Read(ref _deadlineMs) && !(_lanes.IsStopping && _isWaiting))
        {
            return;
        }
        if (_isWaiting)
        {
            _connection.Transport.Input.CancelPendingRead();
        }
        else if (_server is not null)
        {
            _isLate = true;
            Drop();
            _connection.Transport.Output.CancelPendingFlush();
        }
    }

    private void Drop() => Interlocked.Exchange(ref _server, null)?.Dispose();

    public void Dispose() => _buffer = Return(_buffer);

    private void Within(long milliseconds, bool waiting = false)
    {
        Volatile.Write(ref _deadlineMs, Environment.TickCount64 + milliseconds);
        _isWaiting = waiting;
    }

    private bool Understands(ReadOnlySequence<byte> data, out Pool? pool)
    {
        pool = null;
        if (data.IsSingleSegment)
        {
            return Understands(data.FirstSpan, out pool);
        }
        if (data.Length > 2 * RequestHead.Longest)
        {
            return false;
        }
        var whole = ArrayPool<byte>.Shared.Rent((int)data.Length);
        try
        {
            data.CopyTo(whole);
            return Understands(whole.AsSpan(0, (int)data.Length), out pool);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private bool Understands(ReadOnlySpan<byte> data, out Pool? pool)
    {
        pool = null;
        if (!_request.TryRead(data) || data.Length < _request.Length + _request.BodyLength)
        {
            return false;
        }
        pool = Find(data[_request.Host], data[_request.Path]);
        if (pool is not { IsPlain: true })
        {
            return false;
        }
        if (_lanes.Log is not null)
        {
            _asked = ($"{Encoding.ASCII.GetString(data[_request.Method])} {Encoding.ASCII.GetString(data[_request.Target])} HTTP/1.1", Encoding.ASCII.GetString(data[_request.Host]));
        }
        return true;
    }

    private Pool? Find(ReadOnlySpan<byte> host, ReadOnlySpan<byte> path)
    {
        var routes = _lanes.Routes.Current;
        if (_arrival.Purpose.Kind == ListenerKind.Service)
        {
            return routes.Pools.GetValueOrDefault(_arrival.Purpose.BackendKey!);
        }
        if (_text.Length < host.Length + path.Length)
        {
            _text = new char[Math.Max(256, host.Length + path.Length)];
        }
        var name = _text.AsSpan(0, host.Length);
        Encoding.ASCII.GetChars(host, name);
        var place = _text.AsSpan(host.Length, path.Length);
        Encoding.ASCII.GetChars(path, place);
        return routes.Table.Hosts.Find(name, place) is { } rule ? routes.ByBackend[rule.Backend] : null;
    }

    private async ValueTask<Next> AnswerAsync(ReadOnlySequence<byte> data, Pool pool)
    {
        var started = _lanes.Time.GetTimestamp();
        if (pool.Choose("", null, null, out _) is not { } chosen)
        {
            return Next.HandOver; // which waits, tries again, and says so in the end
        }
        try
        {
            var next = await ForwardAsync(data, pool, chosen);
            if (next != Next.HandOver)
            {
                var took = _lanes.Time.GetElapsedTime(started);
                pool.State.Answered(_answer.Status, took);
                _lanes.Log?.Write(_address, new AccessLine(_asked.Line, _asked.Host, _answer.Status, _answer.BodyLength < 0 ? null : _answer.BodyLength), _arrival, pool, chosen, took);
            }
            return next;
        }
        finally
        {
            pool.Leave(chosen);
        }
    }

    private async ValueTask<Next> ForwardAsync(ReadOnlySequence<byte> data, Pool pool, PoolServer chosen)
    {
        var settings = pool.Settings;
        var silence = (long)settings.ServerTimeout.TotalMilliseconds;
        _isLate = false;
        try
        {
            ServerConnection? server;
            int received;
            var anew = false;
            do
            {
                server = anew ? await DialAsync(chosen, settings.ConnectTimeout) : await ConnectAsync(chosen, settings.ConnectTimeout);
                if (server is null)
                {
                    return Next.HandOver;
                }
                Drop();
                _server = server;
                Within(silence);
                received = await AskAsync(server, data);
                // A server may end a connection just when it is used again: then a new one will do.
                anew = received <= 0 && server.IsUsed && MayRepeat;
            }
            while (anew);
            if (received == 0)
            {
                if (MayRepeat)
                {
                    return Next.HandOver; // nothing is lost by asking again, elsewhere
                }
                pool.State.NotServed();
                return await RefuseAsync(_isLate ? Pages.TimedOut : Pages.BadGateway);
            }
            if (received < 0)
            {
                pool.State.NotServed();
                return await RefuseAsync(Pages.BadGateway);
            }
            chosen.Load.Succeeded();
            var whole = await RelayAsync(server, received, silence);
            if (whole && _answer.KeepsAlive && Interlocked.Exchange(ref _server, null) is not null)
            {
                server.IsUsed = true;
                chosen.Load.Idle.Put(server, Environment.TickCount64);
            }
            return whole && _answer.Framing != Framing.Close ? Next.GoOn : Next.End;
        }
        finally
        {
            Volatile.Write(ref _deadlineMs, long.MaxValue);
            Drop();
        }
    }

    private bool MayRepeat => _request.IsRepeatable && !_isLate && !_connection.ConnectionClosed.IsCancellationRequested;

    private async ValueTask<ServerConnection?> ConnectAsync(PoolServer chosen, TimeSpan longest)
    {
        while (chosen.Load.Idle.Take(Environment.TickCount64) is { } idle)
        {
            // What came unasked for must not be taken for the next answer.
            if (idle.IsQuiet())
            {
                return idle;
            }
            idle.Dispose();
        }
        return await DialAsync(chosen, longest);
    }

    private async ValueTask<ServerConnection?> DialAsync(PoolServer chosen, TimeSpan longest)
    {
        try
        {
            return new ServerConnection(await Dialer.DialAsync(chosen.Server.Address, longest, _connection.ConnectionClosed));
        }
        catch (DialException)
        {
            chosen.Load.Failed(_lanes.Time.GetUtcNow());
            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Sends the request and reads the head of the answer into the buffer. The bytes that are there; 0: there is no answer; -1: it makes no sense.</summary>
    private async ValueTask<int> AskAsync(ServerConnection server, ReadOnlySequence<byte> data)
    {
        try
        {
            await SendAsync(server.Socket, _request.Written);
            if (_request.BodyLength > 0)
            {
                foreach (var part in data.Slice(_request.Length, _request.BodyLength))
                {
                    await SendAsync(server.Socket, part);
                }
            }
            _buffer ??= ArrayPool<byte>.Shared.Rent(HeadBytes);
            var there = 0;
            while (true)
            {
                if (there == _buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
                    _buffer.CopyTo(larger, 0);
                    Return(_buffer);
                    _buffer = larger;
                }
                var count = await server.Socket.ReceiveAsync(_buffer.AsMemory(there), SocketFlags.None);
                if (count == 0)
                {
                    return there == 0 ? 0 : -1;
                }
                there += count;
                var outcome = _answer.Read(_buffer.AsSpan(0, there), _request.IsHead);
                while (outcome == HeadOutcome.Interim)
                {
                    there -= _answer.Length;
                    _buffer.AsSpan(_answer.Length, there).CopyTo(_buffer);
                    outcome = _answer.Read(_buffer.AsSpan(0, there), _request.IsHead);
                }
                if (outcome == HeadOutcome.Read)
                {
                    return there;
                }
                if (outcome == HeadOutcome.Malformed)
                {
                    return -1;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
        }
    }

    /// <summary>True when the client has got the whole answer.</summary>
    private async ValueTask<bool> RelayAsync(ServerConnection server, int received, long silence)
    {
        var output = _connection.Transport.Output;
        var left = _answer.Framing == Framing.Length ? _answer.BodyLength : long.MaxValue;
        var chunks = new ChunkScanner();
        WriteHead(output);
        var body = _buffer.AsMemory(_answer.Length, received - _answer.Length);
        var taken = Take(_answer.Framing, body.Span, ref left, ref chunks);
        if (taken < 0)
        {
            return false;
        }
        output.Write(body.Span[..taken]);
        var isWhole = IsWhole(_answer.Framing, left, in chunks);
        if (isWhole && taken < body.Length)
        {
            _answer.Spoil(); // what follows an answer unasked for is nobody's
        }
        _buffer = Return(_buffer);
        while (!isWhole)
        {
            var flushed = await output.FlushAsync();
            if (flushed.IsCanceled || flushed.IsCompleted)
            {
                return false;
            }
            Within(silence);
            var memory = output.GetMemory(BodyBytes);
            int count;
            try
            {
                count = await server.Socket.ReceiveAsync(memory, SocketFlags.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return Cut();
            }
            if (count == 0)
            {
                return _answer.Framing == Framing.Close || Cut();
            }
            taken = Take(_answer.Framing, memory.Span[..count], ref left, ref chunks);
            if (taken < 0)
            {
                return Cut();
            }
            output.Advance(taken);
            isWhole = IsWhole(_answer.Framing, left, in chunks);
            if (isWhole && taken < count)
            {
                _answer.Spoil();
            }
        }
        Within(silence);
        var last = await output.FlushAsync();
        return !last.IsCanceled && !last.IsCompleted;
    }

    // The client must see that something is missing.
    private bool Cut()
    {
        _connection.Abort(new ConnectionAbortedException("the server ended its answer early"));
        return false;
    }

    private static int Take(Framing framing, ReadOnlySpan<byte> bytes, ref long left, ref ChunkScanner chunks)
    {
        switch (framing)
        {
            case Framing.None:
                return 0;
            case Framing.Length:
                var count = (int)Math.Min(left, bytes.Length);
                left -= count;
                return count;
            case Framing.Chunked:
                return chunks.Scan(bytes);
            default:
                return bytes.Length;
        }
    }

    private static bool IsWhole(Framing framing, long left, in ChunkScanner chunks) => framing switch
    {
        Framing.None => true,
        Framing.Length => left == 0,
        Framing.Chunked => chunks.IsOver,
        _ => false,
    };

    private void WriteHead(PipeWriter output)
    {
        output.Write(_answer.Written);
        if (!_answer.HasDate)
        {
            output.Write(_lanes.DateField);
        }
        output.Write(_answer.Framing == Framing.Close || _request.Close || _lanes.IsStopping ? "Connection: close\r\n\r\n"u8 : "\r\n"u8);
    }

    private async ValueTask<Next> RefuseAsync((int Status, string Text) page)
    {
        _answer.Refuse(page.Status);
        var output = _connection.Transport.Output;
        var body = Pages.Render(page);
        output.Write(Encoding.ASCII.GetBytes(FormattableString.Invariant(
            $"HTTP/1.1 {page.Status} {Pages.TitleOf(page.Status)}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {body.Length}\r\n")));
        output.Write(_lanes.DateField);
        output.Write("Connection: close\r\n\r\n"u8);
        if (!_request.IsHead)
        {
            output.Write(body);
        }
        await output.FlushAsync();
        return Next.End;
    }

    private static byte[]? Return(byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return null;
    }
}
