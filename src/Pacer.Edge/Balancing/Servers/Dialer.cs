using System.Net;
using System.Net.Sockets;

namespace Pacer.Edge.Balancing.Servers;

/// <summary>A server could not be connected to; nothing was sent to it.</summary>
internal sealed class DialException(string message, Exception inner) : IOException(message, inner);

internal static class Dialer
{
    public static async ValueTask<Socket> DialAsync(IPEndPoint address, TimeSpan longest, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(longest);
        try
        {
            await socket.ConnectAsync(address, limit.Token);
            return socket;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            socket.Dispose();
            throw new DialException($"no connection to {address}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
