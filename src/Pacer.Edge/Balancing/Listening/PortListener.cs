using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Pacer.Edge.Balancing.Listening;

/// <summary>
/// One listening socket. Each connection is looked at (PROXY protocol, HTTP/2 or not) and given to whoever speaks with it; the purpose may
/// change while it listens.
/// </summary>
internal sealed class PortListener : IDisposable
{
    private readonly Socket _socket;
    private readonly ListenerDoors _doors;
    private volatile Purpose _purpose;

    /// <summary>Throws <see cref="SocketException"/> when the address can't be had.</summary>
    /// <param name="address">Null: all addresses, of both families where the machine has them.</param>
    public PortListener(IPAddress? address, int port, Purpose purpose, ListenerDoors doors)
    {
        _doors = doors;
        _purpose = purpose;
        _socket = Bind(address, port);
        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        _ = Task.Run(AcceptAsync);
    }

    public IPEndPoint LocalEndPoint { get; }

    public Purpose Purpose
    {
        get => _purpose;
        set => _purpose = value;
    }

    public void Dispose() => _socket.Dispose();

    private static Socket Bind(IPAddress? address, int port)
    {
        if (address is not null && !address.Equals(IPAddress.Any))
        {
            return Bind(new IPEndPoint(address, port), false);
        }
        try
        {
            if (address is null && Socket.OSSupportsIPv6)
            {
                return Bind(new IPEndPoint(IPAddress.IPv6Any, port), true);
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
        {
            // No IPv6 on this machine.
        }
        return Bind(new IPEndPoint(IPAddress.Any, port), false);
    }

    /// <summary>A socket that listens. Throws <see cref="SocketException"/> when the address can't be had.</summary>
    /// <param name="bothFamilies">An address of IPv6 stands for those of IPv4 too.</param>
    public static Socket Bind(IPEndPoint point, bool bothFamilies)
    {
        var socket = new Socket(point.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (bothFamilies)
            {
                socket.DualMode = true;
            }
            socket.Bind(point);
            socket.Listen(4096);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _socket.AcceptAsync();
            }
            catch (SocketException e) when (e.SocketErrorCode is not (SocketError.OperationAborted or SocketError.InvalidArgument or SocketError.NotSocket))
            {
                // The client is gone already, or there are no file descriptors left: a moment later there may be.
                await Task.Delay(e.SocketErrorCode == SocketError.ConnectionReset ? 0 : 50);
                continue;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = WelcomeAsync(client);
        }
    }

    private async Task WelcomeAsync(Socket client)
    {
        var purpose = _purpose;
        if (!_doors.TryCount())
        {
            client.Dispose();
            return;
        }
        ConnectionContext? connection = null;
        try
        {
            client.NoDelay = true;
            connection = _doors.Connections.Create(client);
            connection.ConnectionClosed.Register(_doors.Uncount);
            connection.Features.Set(new Arrival(purpose, LocalEndPoint.Port));
            if (purpose.AcceptProxy && !await ReadProxyHeaderAsync(connection))
            {
                await connection.DisposeAsync();
                return;
            }
            if (purpose.Raw && !purpose.Tls)
            {
                await using (connection)
                {
                    await _doors.Raw(connection);
                }
                return;
            }
            var door = purpose.Raw ? _doors.Doorway.RawTls : purpose.Tls ? _doors.Doorway.Tls : await SpeaksHttp2Async(connection) ? _doors.Doorway.Http2 : _doors.Doorway.Plain;
            if (ReferenceEquals(door, _doors.Doorway.Plain) && await _doors.Plain(connection))
            {
                await connection.DisposeAsync();
                return;
            }
            door.HandOver(connection);
        }
        catch (Exception e) when (e is IOException or SocketException or ConnectionAbortedException or ConnectionResetException or OperationCanceledException or ObjectDisposedException)
        {
            if (connection is not null)
            {
                connection.Abort();
                await connection.DisposeAsync();
            }
            else
            {
                client.Dispose();
                _doors.Uncount();
            }
        }
    }

    private async Task<bool> ReadProxyHeaderAsync(ConnectionContext connection)
    {
        using var patience = new CancellationTokenSource(_doors.Patience);
        while (true)
        {
            var read = await connection.Transport.Input.ReadAsync(patience.Token);
            switch (ProxyProtocol.TryRead(read.Buffer, out var source, out var length))
            {
                case ProxyProtocol.Outcome.Read:
                    connection.Transport.Input.AdvanceTo(read.Buffer.GetPosition(length));
                    if (source is not null)
                    {
                        connection.RemoteEndPoint = source;
                    }
                    return true;
                case ProxyProtocol.Outcome.NeedsMore when !read.IsCompleted:
                    connection.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                default:
                    connection.Transport.Input.AdvanceTo(read.Buffer.End);
                    return false;
            }
        }
    }

    /// <summary>HTTP/2 without TLS begins with words that HTTP/1 never does.</summary>
    private async Task<bool> SpeaksHttp2Async(ConnectionContext connection)
    {
        using var patience = new CancellationTokenSource(_doors.Patience);
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(patience.Token);
            var decided = Decide(read.Buffer);
            var isOver = read.IsCompleted;
            // What was looked at stays for those who speak with it.
            if (decided is { } answer || isOver)
            {
                input.AdvanceTo(read.Buffer.Start);
                return decided == true;
            }
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        static bool? Decide(System.Buffers.ReadOnlySequence<byte> buffer)
        {
            var preface = "PRI * HTTP/2.0"u8;
            Span<byte> start = stackalloc byte[preface.Length];
            var length = (int)Math.Min(buffer.Length, start.Length);
            System.Buffers.BuffersExtensions.CopyTo(buffer.Slice(0, length), start);
            return !start[..length].SequenceEqual(preface[..length]) ? false : length == preface.Length ? true : null;
        }
    }
}

/// <summary>Where listeners hand their connections to.</summary>
/// <param name="raw">Serves a connection of mode tcp to its end.</param>
internal sealed class ListenerDoors(Doorway doorway, SocketConnectionContextFactory connections, int most, TimeSpan patience, Func<ConnectionContext, Task> raw)
{
    private int _open;
    private long _total;
    private long _refused;

    public Doorway Doorway => doorway;

    public SocketConnectionContextFactory Connections => connections;

    /// <summary>How long a client may take for its first bytes.</summary>
    public TimeSpan Patience => patience;

    public Func<ConnectionContext, Task> Raw => raw;

    /// <summary>Serves requests of HTTP/1.1 that are plain; true when the connection is over, false when the HTTP server has to go on with it.</summary>
    public Func<ConnectionContext, Task<bool>> Plain { get; set; } = _ => Task.FromResult(false);

    public int Open => Volatile.Read(ref _open);

    public long Total => Volatile.Read(ref _total);

    /// <summary>There were too many already.</summary>
    public long Refused => Volatile.Read(ref _refused);

    public bool TryCount()
    {
        if (Interlocked.Increment(ref _open) <= most)
        {
            Interlocked.Increment(ref _total);
            return true;
        }
        Interlocked.Decrement(ref _open);
        Interlocked.Increment(ref _refused);
        return false;
    }

    public void Uncount() => Interlocked.Decrement(ref _open);
}
