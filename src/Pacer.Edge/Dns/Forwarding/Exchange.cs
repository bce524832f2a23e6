using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Pacer.Edge.Dns.Packets;

namespace Pacer.Edge.Dns.Forwarding;

/// <summary>One question to one server. Each goes from a port of its own with an id that can't be guessed.</summary>
internal static class Exchange
{
    private const int MaxMessage = 4096;
    private const int OptLength = 11;
    private const ushort Payload = 1232;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Throws <see cref="OperationCanceledException"/> when no answer came in time, <see cref="SocketException"/> when none can come.</summary>
    public static async Task<byte[]> ByUdpAsync(IPEndPoint server, byte[] packet, DnsQuery query)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, patience.Token);
        var question = Build(packet, query);
        await socket.SendAsync(question, patience.Token);
        var buffer = new byte[MaxMessage];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, patience.Token);
            if (IsAnswer(buffer.AsSpan(0, length), question, query.QuestionEnd))
            {
                return buffer[..length];
            }
        }
    }

    /// <inheritdoc cref="ByUdpAsync"/>
    public static async Task<byte[]> ByTcpAsync(IPEndPoint server, byte[] packet, DnsQuery query)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, patience.Token);
        using var stream = new NetworkStream(socket, ownsSocket: false);
        var question = Build(packet, query);
        var framed = new byte[2 + question.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, 2);
        await stream.WriteAsync(framed, patience.Token);
        await stream.ReadExactlyAsync(framed.AsMemory(0, 2), patience.Token);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(framed)];
        await stream.ReadExactlyAsync(message, patience.Token);
        return IsAnswer(message, question, query.QuestionEnd) ? message : throw new IOException($"{server} answered something else");
    }

    // The client's own options stay behind: cookies and the like are between it and us.
    private static byte[] Build(byte[] packet, DnsQuery query)
    {
        var question = new byte[query.QuestionEnd + (query.HasEdns ? OptLength : 0)];
        packet.AsSpan(0, query.QuestionEnd).CopyTo(question);
        RandomNumberGenerator.Fill(question.AsSpan(0, 2));
        question[2] = 1; // recursion desired
        question[3] = query.CheckingDisabled ? (byte)0x10 : (byte)0;
        question.AsSpan(4, 8).Clear();
        question[5] = 1;
        if (query.HasEdns)
        {
            var opt = question.AsSpan(query.QuestionEnd);
            question[11] = 1;
            BinaryPrimitives.WriteUInt16BigEndian(opt[1..], RecordType.Opt);
            BinaryPrimitives.WriteUInt16BigEndian(opt[3..], Payload);
            opt[7] = query.DnssecOk ? (byte)0x80 : (byte)0;
        }
        return question;
    }

    private static bool IsAnswer(ReadOnlySpan<byte> message, ReadOnlySpan<byte> question, int questionEnd) =>
        message.Length >= questionEnd
        && message[..2].SequenceEqual(question[..2])
        && (message[2] & 0x80) != 0
        && BinaryPrimitives.ReadUInt16BigEndian(message[4..]) == 1
        && EqualsIgnoringCase(message[DnsQuery.HeaderLength..questionEnd], question[DnsQuery.HeaderLength..questionEnd]);

    private static bool EqualsIgnoringCase(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        for (var i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i] && !((a[i] | 0x20) == (b[i] | 0x20) && (a[i] | 0x20) is >= 'a' and <= 'z'))
            {
                return false;
            }
        }
        return true;
    }
}
