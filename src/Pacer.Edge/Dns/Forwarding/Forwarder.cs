using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Dns.Packets;
using Pacer.Edge.Dns.Server;

namespace Pacer.Edge.Dns.Forwarding;

/// <summary>
/// Answers for names that are not ours: from the cache, else from an upstream server. The same question asked by many is sent once.
/// Only clients of private addresses are served, so that a server in the open can't be used against others.
/// </summary>
internal sealed class Forwarder(DnsOptions options, Upstreams upstreams, AnswerCache cache, Responder responder)
{
    private const int MaxOutstanding = 1000;

    private readonly ConcurrentDictionary<string, Task<Reply>> _outstanding = new(StringComparer.Ordinal);
    private int _asking;

    /// <summary>The upstream's message, or why there is none.</summary>
    private readonly record struct Reply(byte[]? Message, ResponseCode Code);

    /// <summary>The packet to send to the client; never longer than it takes.</summary>
    public async Task<ReadOnlyMemory<byte>> AnswerAsync(byte[] packet, DnsQuery query, IPAddress client, bool tcp)
    {
        if (!options.Forward || !IsPrivate(client))
        {
            return Refuse(packet, query, ResponseCode.Refused);
        }
        var key = KeyOf(packet, query);
        var message = cache.Find(key);
        if (message is null)
        {
            var reply = await AskOnceAsync(key, packet, query, tcp);
            if (reply.Message is null)
            {
                return Refuse(packet, query, reply.Code);
            }
            message = reply.Message.AsSpan().ToArray(); // others may have got the same
        }
        Address(message, packet, query);
        return tcp || message.Length <= Math.Min(query.Payload, Responder.MaxUdp) ? message : Truncate(packet, query);
    }

    private async Task<Reply> AskOnceAsync(string key, byte[] packet, DnsQuery query, bool tcp)
    {
        var sharedKey = tcp ? key + "+tcp" : key;
        var mine = new TaskCompletionSource<Reply>(TaskCreationOptions.RunContinuationsAsynchronously);
        var shared = _outstanding.GetOrAdd(sharedKey, mine.Task);
        if (shared != mine.Task)
        {
            return await shared;
        }
        var reply = new Reply(null, ResponseCode.ServerFailure);
        try
        {
            if (Interlocked.Increment(ref _asking) <= MaxOutstanding)
            {
                reply = await AskAsync(packet, query, tcp);
                if (reply.Message is not null)
                {
                    cache.Keep(key, reply.Message);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _asking);
            _outstanding.TryRemove(sharedKey, out _);
            mine.SetResult(reply);
        }
        return reply;
    }

    private async Task<Reply> AskAsync(byte[] packet, DnsQuery query, bool tcp)
    {
        var servers = upstreams.For(NameOf(packet));
        var answered = false;
        // A lost packet is no failure yet: a lone server is asked twice.
        foreach (var server in servers.Count == 1 ? [servers[0], servers[0]] : servers.Take(3))
        {
            try
            {
                var message = tcp ? await Exchange.ByTcpAsync(server, packet, query) : await Exchange.ByUdpAsync(server, packet, query);
                answered = true;
                if (((ResponseCode)(message[3] & 0xF)) is ResponseCode.NoError or ResponseCode.NameError)
                {
                    upstreams.Succeeded(server);
                    return new Reply(message, ResponseCode.NoError);
                }
                upstreams.Failed(server);
            }
            catch (OperationCanceledException)
            {
                upstreams.Failed(server);
                answered = true; // it may be there, and only slow
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                upstreams.Failed(server);
            }
        }
        return new Reply(null, answered ? ResponseCode.ServerFailure : ResponseCode.Refused);
    }

    private ReadOnlyMemory<byte> Refuse(byte[] packet, DnsQuery query, ResponseCode code)
    {
        var response = new byte[packet.Length + 32];
        return response.AsMemory(0, responder.Refuse(packet, response, query, code));
    }

    private static ReadOnlyMemory<byte> Truncate(byte[] packet, DnsQuery query)
    {
        var response = new byte[packet.Length + 32];
        var length = new ResponseWriter(response, packet, query, response.Length)
            .Finish(query, ResponseCode.NoError, authoritative: false, truncated: true, recursionAvailable: true);
        return response.AsMemory(0, length);
    }

    /// <summary>Makes an answer to one question the answer to the same of another client: its id, its flags, its spelling.</summary>
    private static void Address(byte[] message, byte[] packet, DnsQuery query)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, query.Id);
        message[2] = (byte)((message[2] & ~0x05) | (query.RecursionDesired ? 1 : 0)); // never authoritative
        message[3] |= 0x80; // recursion is available
        packet.AsSpan(DnsQuery.HeaderLength..query.QuestionEnd).CopyTo(message.AsSpan(DnsQuery.HeaderLength));
    }

    private static string KeyOf(byte[] packet, DnsQuery query) =>
        string.Concat(NameOf(packet), "\0", string.Join(',', query.Type, query.Class, query.HasEdns, query.DnssecOk, query.CheckingDisabled));

    private static string NameOf(byte[] packet)
    {
        Span<char> text = stackalloc char[WireName.MaxLength + 1];
        var offset = DnsQuery.HeaderLength;
        return WireName.TryReadLower(packet, ref offset, text, out var length) ? new string(text[..length]) : "";
    }

    internal static bool IsPrivate(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }
        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal)
        {
            return true;
        }
        Span<byte> b = stackalloc byte[16];
        return address.AddressFamily == AddressFamily.InterNetwork && address.TryWriteBytes(b, out _)
            && (b[0] == 10 || (b[0] == 172 && b[1] is >= 16 and < 32) || (b[0] == 192 && b[1] == 168) || (b[0] == 100 && b[1] is >= 64 and < 128)
                || (b[0] == 169 && b[1] == 254) || b[0] == 9);
    }
}
