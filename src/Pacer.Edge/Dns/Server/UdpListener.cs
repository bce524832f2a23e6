using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Dns.Forwarding;
using Pacer.Edge.Dns.Packets;

namespace Pacer.Edge.Dns.Server;

/// <summary>
/// Queries by UDP on one address. Threads of its own read and answer: nothing is allocated for a query about our own names, and
/// no thread of the pool is held.
/// </summary>
internal sealed class UdpListener : IDisposable
{
    private const int ReceiveBuffer = 4 << 20;

    private readonly Socket _socket;
    private readonly Responder _responder;
    private readonly Forwarder _forwarder;
    private readonly Thread[] _threads;
    private volatile bool _stopping;

    /// <summary>Throws <see cref="SocketException"/> when the address can't be had.</summary>
    public UdpListener(IPEndPoint listen, Responder responder, Forwarder forwarder)
    {
        _responder = responder;
        _forwarder = forwarder;
        _socket = new Socket(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.Bind(listen);
            _socket.ReceiveBufferSize = ReceiveBuffer;
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        _threads = [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount / 2, 1, 4)).Select(number =>
            new Thread(Run) { IsBackground = true, Name = $"dns-{LocalEndPoint.Port}-{number}" })];
    }

    public IPEndPoint LocalEndPoint { get; }

    public void Start()
    {
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _socket.Dispose();
        foreach (var thread in _threads)
        {
            if (thread.IsAlive)
            {
                thread.Join();
            }
        }
    }

    private void Run()
    {
        var packet = GC.AllocateArray<byte>(Responder.MaxUdp, pinned: true);
        var response = GC.AllocateArray<byte>(Responder.MaxUdp, pinned: true);
        var client = new SocketAddress(_socket.AddressFamily);
        while (!_stopping)
        {
            try
            {
                var received = _socket.ReceiveFrom(packet, SocketFlags.None, client);
                switch (_responder.Answer(packet.AsSpan(0, received), response, tcp: false, out var length, out var query))
                {
                    case Outcome.Answered:
                        _socket.SendTo(response.AsSpan(0, length), SocketFlags.None, client);
                        break;
                    case Outcome.Foreign:
                        Forward(packet.AsSpan(0, received), query, client);
                        break;
                }
            }
            catch (SocketException)
            {
                // A client that is gone, or a datagram larger than any query: the next one counts.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Forward(ReadOnlySpan<byte> packet, DnsQuery query, SocketAddress client)
    {
        var question = packet.ToArray();
        var to = new SocketAddress(client.Family, client.Size);
        client.Buffer.Span[..client.Size].CopyTo(to.Buffer.Span);
        var from = (IPEndPoint)LocalEndPoint.Create(to);
        _ = ForwardAsync(question, query, from.Address, to);
    }

    private async Task ForwardAsync(byte[] packet, DnsQuery query, IPAddress client, SocketAddress to)
    {
        try
        {
            var answer = await _forwarder.AnswerAsync(packet, query, client, tcp: false);
            _socket.SendTo(answer.Span, SocketFlags.None, to);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client is gone, or we are.
        }
    }
}
