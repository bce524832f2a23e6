using System.Net;
using System.Net.Sockets;
using System.Text;
using Pacer.Edge.Dns.Server;

namespace Pacer.Edge.Tests;

/// <summary>Datagrams that are read and answered together: each client gets all of its answers, and no other's.</summary>
public sealed class DatagramTests
{
    private const int NoChecksums = 11; // SO_NO_CHECK: the kernel cuts nothing apart that has none

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("127.0.0.1", true)]
    public void Answers_ToClientsThatAskManyAtOnce_ComeEachToItsOwn(string address, bool apart)
    {
        using var server = Bound(address);
        if (apart)
        {
            server.SetRawSocketOption(1, NoChecksums, BitConverter.GetBytes(1));
        }
        var clients = Enumerable.Range(0, 5).Select(_ => Bound(address)).ToList();
        using var batch = new DatagramBatch(server, 4096);
        var random = new Random(1);
        for (var round = 0; round < 20; round++)
        {
            var expected = clients.Select(_ => new List<string>()).ToList();
            for (var i = 0; i < 40; i++)
            {
                var client = random.Next(clients.Count);
                // Few lengths, so that many are alike; and one that is no segment any more.
                var text = $"{client}:{round}:{i}:".PadRight(random.Next(4) switch { 0 => 20, 1 => 21, 2 => 90, _ => i % 10 == 0 ? 2000 : 20 }, 'x');
                expected[client].Add("to " + text);
                clients[client].SendTo(Encoding.ASCII.GetBytes(text), server.LocalEndPoint!);
            }
            for (var read = 0; read < 40;)
            {
                var count = batch.Receive(5000);
                Assert.InRange(count, 1, DatagramBatch.Size);
                for (var i = 0; i < count; i++)
                {
                    var answer = Encoding.ASCII.GetBytes("to " + Encoding.ASCII.GetString(batch[i]));
                    answer.CopyTo(batch.AnswerTo(i));
                    batch.Answered(i, answer.Length);
                }
                batch.Send();
                read += count;
            }
            for (var client = 0; client < clients.Count; client++)
            {
                var got = new List<string>();
                var buffer = new byte[4096];
                while (got.Count < expected[client].Count)
                {
                    got.Add(Encoding.ASCII.GetString(buffer, 0, clients[client].Receive(buffer)));
                }
                Assert.Equal(expected[client].Order(StringComparer.Ordinal), got.Order(StringComparer.Ordinal));
                Assert.Equal(0, clients[client].Available);
            }
        }
        clients.ForEach(client => client.Dispose());
    }

    private static Socket Bound(string address)
    {
        var at = IPAddress.Parse(address);
        Assert.SkipWhen(at.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6, "needs IPv6");
        var socket = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
        socket.Bind(new IPEndPoint(at, 0));
        return socket;
    }
}
