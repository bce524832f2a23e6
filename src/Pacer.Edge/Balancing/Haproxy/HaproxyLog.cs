using System.Net.Sockets;
using System.Text;
using Pacer.Edge.Balancing.Status;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Takes the lines that HAProxy writes about requests into the access log.</summary>
internal sealed class HaproxyLog : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly Task _reading;

    public HaproxyLog(string path, AccessLog log)
    {
        File.Delete(path);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite); // workers are another user; the directory is ours alone
        _reading = ReadAsync(log);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading;
    }

    private async Task ReadAsync(AccessLog log)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                var count = await _socket.ReceiveAsync(buffer);
                var line = Encoding.UTF8.GetString(buffer, 0, count).TrimEnd('\n', '\0');
                if (line.Contains(" - - [", StringComparison.Ordinal)) // and not what it says of itself
                {
                    log.Write(line);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }
}
