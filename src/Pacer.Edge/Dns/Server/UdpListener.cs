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

    // For a look at whether it is over.
    private const int PatienceMs = 250;

    private readonly Socket _socket;
    private readonly Responder _responder;
    private readonly Forwarder _forwarder;
    private readonly Thread[] _threads;
    private volatile bool _stopping;

    /// <summary>Throws <see cref="SocketException"/> when the address can't be had.</summary>
    /// <param name="isForeign">The machine need not have the address yet.</param>
    public UdpListener(IPEndPoint listen, bool isForeign, Responder responder, Forwarder forwarder)
    {
        _responder = responder;
        _forwarder = forwarder;
        _socket = new Socket(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (isForeign)
            {
                LinuxSockets.AllowAnyAddress(_socket);
            }
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
            new Thread(() =>
            {
                using var batch = new DatagramBatch(_socket, Responder.MaxUdp);
                Run(batch);
            }) { IsBackground = true, Name = $"dns-{LocalEndPoint.Port}-{number}" })];
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
        foreach (var thread in _threads)
        {
            if (thread.IsAlive)
            {
                thread.Join();
            }
        }
        _socket.Dispose();
    }

    private void Run(DatagramBatch batch)
    {
        while (!_stopping)
        {
            var count = batch.Receive(PatienceMs);
            for (var i = 0; i < count; i++)
            {
                switch (_responder.Answer(batch[i], batch.AnswerTo(i), tcp: false, out var length, out var query))
                {
                    case Outcome.Answered:
                        batch.Answered(i, length);
                        break;
                    case Outcome.Foreign:
                        Forward(batch[i], query, batch.SenderOf(i));
                        break;
                }
            }
            batch.Send();
        }
    }

    private void Forward(ReadOnlySpan<byte> packet, DnsQuery query, SocketAddress to)
    {
        var question = packet.ToArray();
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
