using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Dns.Forwarding;

namespace Pacer.Edge.Dns.Server;

/// <summary>Queries by TCP on one address: several on a connection, answered in their order. Connections are limited in number and in time.</summary>
internal sealed class TcpListener : IDisposable
{
    private const int MaxConnections = 512;
    private const int MaxQuery = 4096;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly Responder _responder;
    private readonly Forwarder _forwarder;
    private readonly CancellationTokenSource _stopping = new();
    private int _connections;

    /// <summary>Throws <see cref="SocketException"/> when the address can't be had.</summary>
    /// <param name="isForeign">The machine need not have the address yet.</param>
    public TcpListener(IPEndPoint listen, bool isForeign, Responder responder, Forwarder forwarder)
    {
        _responder = responder;
        _forwarder = forwarder;
        _socket = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isForeign)
            {
                LinuxSockets.AllowAnyAddress(_socket);
            }
            _socket.Bind(listen);
            _socket.Listen(128);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public void Start() => _ = AcceptAsync();

    public void Dispose()
    {
        _stopping.Cancel();
        _socket.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var client = await _socket.AcceptAsync(_stopping.Token);
                if (Interlocked.Increment(ref _connections) > MaxConnections)
                {
                    Interlocked.Decrement(ref _connections);
                    client.Dispose();
                    continue;
                }
                _ = ServeAsync(client);
            }
            catch (SocketException)
            {
                // Out of descriptors, or the client was quicker: go on, but do not spin.
                await Task.Delay(10);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        try
        {
            client.NoDelay = true;
            var from = ((IPEndPoint)client.RemoteEndPoint!).Address;
            var buffer = new byte[2 + Responder.MaxTcp];
            using var stream = new NetworkStream(client, ownsSocket: false);
            while (true)
            {
                // One limit for a whole exchange: who sends byte by byte, or does not read, gains nothing.
                idle.CancelAfter(Idle);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), idle.Token);
                var size = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                if (size > MaxQuery)
                {
                    return;
                }
                var packet = new byte[size];
                await stream.ReadExactlyAsync(packet, idle.Token);
                var outcome = _responder.Answer(packet, buffer.AsSpan(2), tcp: true, out var length, out var query);
                if (outcome == Outcome.Dropped)
                {
                    return;
                }
                if (outcome == Outcome.Foreign)
                {
                    var answer = await _forwarder.AnswerAsync(packet, query, from, tcp: true);
                    answer.CopyTo(buffer.AsMemory(2));
                    length = answer.Length;
                }
                BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
                await stream.WriteAsync(buffer.AsMemory(0, 2 + length), idle.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client left, took too long, or we stop.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
            client.Dispose();
        }
    }
}
