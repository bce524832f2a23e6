using System.Net.Sockets;
using System.Text;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Asks HAProxy on one of its sockets.</summary>
internal static class HaproxySocket
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private const int MostAtOnce = 60;

    /// <summary>Throws <see cref="IOException"/> when there is no answer.</summary>
    public static async Task<string> AskAsync(string socket, string command, CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), limit.Token);
            await connection.SendAsync(Encoding.UTF8.GetBytes(command + "\n"), limit.Token);
            connection.Shutdown(SocketShutdown.Send); // the master waits for more otherwise
            using var answer = new MemoryStream();
            var buffer = new byte[16 * 1024];
            int count;
            while ((count = await connection.ReceiveAsync(buffer, limit.Token)) > 0)
            {
                answer.Write(buffer, 0, count);
            }
            return Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        }
        catch (SocketException e)
        {
            throw new IOException($"HAProxy does not answer on {socket}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"HAProxy does not answer on {socket} in time.", e);
        }
    }

    /// <summary>Sends changes of servers, as many in one line as HAProxy takes. Throws <see cref="IOException"/> when it refuses one; others may have been done.</summary>
    public static async Task TellAsync(string socket, IReadOnlyList<string> commands, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < commands.Count; i += MostAtOnce)
        {
            var answer = await AskAsync(socket, string.Join(';', commands.Skip(i).Take(MostAtOnce)), cancellationToken);
            if (answer.Split('\n').FirstOrDefault(line => line.Length > 0 && !IsDone(line)) is { } refusal)
            {
                throw new IOException($"it refuses a change of servers: {refusal}");
            }
        }
    }

    // Only changed addresses have an answer when all is well.
    private static bool IsDone(string line) => line.Contains(" changed from ", StringComparison.Ordinal) || line.StartsWith("no need to change ", StringComparison.Ordinal);
}
