using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pacer.Agent.Networks;

/// <summary>
/// Where the questions of containers go that ask their gateway, or <see cref="ResolverAddress"/>: to Pacer's DNS server on this node, or
/// while none answers, to the node's own nameserver. So a container's resolv.conf stays right whatever comes and goes.
/// </summary>
internal static class ContainerDns
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    // The ports that Pacer's DNS server takes by itself.
    private static readonly int[] Ports = [53, 61053];

    // SOA of "mesos": a resolver of the world has no such name, and says so without authority.
    private static readonly byte[] Question = [0x50, 0x43, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, (byte)'m', (byte)'e', (byte)'s', (byte)'o', (byte)'s', 0, 0, 6, 0, 1];

    /// <summary>Where Pacer's DNS server answers; null: nowhere.</summary>
    /// <param name="known">Where it is if it is anywhere; null: it may be on its usual ports.</param>
    public static async Task<IPEndPoint?> FindAsync(IPEndPoint? known)
    {
        foreach (var place in known is not null ? [known] : Ports.Select(port => new IPEndPoint(IPAddress.Loopback, port)))
        {
            if (await AnswersAsync(place).ConfigureAwait(false))
            {
                return place;
            }
        }
        return null;
    }

    /// <summary>The node's first nameserver, rather one that is not on its loopback; null when it has none.</summary>
    public static IPEndPoint? Upstream(string resolv)
    {
        var servers = resolv.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null)
            .OfType<IPAddress>()
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork)
            .ToList();
        return (servers.Find(address => !IPAddress.IsLoopback(address)) ?? servers.FirstOrDefault()) is { } server ? new IPEndPoint(server, 53) : null;
    }

    /// <summary>What a container's resolv.conf says: whom it asks, and the node's other settings.</summary>
    public static string Resolv(string ofNode, string nameserver)
    {
        var settings = ofNode.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] is not ('#' or ';') && !line.StartsWith("nameserver", StringComparison.Ordinal));
        return string.Join('\n', [.. settings, string.Create(CultureInfo.InvariantCulture, $"nameserver {nameserver}")]) + "\n";
    }

    /// <summary>Whether Pacer's DNS server, or one like it, answers there.</summary>
    public static async Task<bool> AnswersAsync(IPEndPoint place)
    {
        try
        {
            using var socket = new Socket(place.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            using var limit = new CancellationTokenSource(Patience);
            await socket.ConnectAsync(place, limit.Token).ConfigureAwait(false);
            await socket.SendAsync(Question, limit.Token).ConfigureAwait(false);
            var answer = new byte[512];
            var length = await socket.ReceiveAsync(answer, limit.Token).ConfigureAwait(false);
            // An answer, of authority; or "I do not know yet", which is ours too: no resolver takes so long to learn what mesos is.
            return length >= 12 && answer[0] == Question[0] && answer[1] == Question[1] && (answer[2] & 0x84) == 0x84;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
