using System.Net.Sockets;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Terminals;

/// <summary>The socket on which an OCI runtime delivers a terminal's screen side (a descriptor, by SCM_RIGHTS).</summary>
internal sealed class ConsoleSocket : IDisposable
{
    private const int SocketLevel = 1;
    private const int PassedDescriptors = 1;
    private const int CloseOnExec = 0x40000000;
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromSeconds(10);

    private readonly Socket _listener;

    private ConsoleSocket(Socket listener, string path) => (_listener, Path) = (listener, path);

    public string Path { get; }

    /// <param name="directory">Short: a socket's path has room for 107 bytes.</param>
    public static ConsoleSocket Listen(string directory)
    {
        var path = $"{directory}/.tty-{Guid.NewGuid().ToString("N")[..8]}";
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return new(listener, path);
    }

    /// <summary>The descriptor; null when the sender ended or kept silent.</summary>
    public async Task<int?> ReceiveAsync(Task<int> sender)
    {
        using var limit = new CancellationTokenSource(DeliveryTime);
        var accepting = _listener.AcceptAsync(limit.Token).AsTask();
        // A short command may have ended by the time its terminal is looked at; a delivery that happened counts first.
        await Task.WhenAny(accepting, sender).ConfigureAwait(false);
        if (!accepting.IsCompleted)
        {
            await Task.WhenAny(accepting, Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None)).ConfigureAwait(false);
            await limit.CancelAsync().ConfigureAwait(false);
        }

        try
        {
            using var connection = await accepting.ConfigureAwait(false);
            return await Task.Run(() => Receive(connection)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(Path);
    }

    private static unsafe int? Receive(Socket connection)
    {
        var socket = (int)connection.SafeHandle.DangerousGetHandle();
        var wait = new Libc.PollEntry { Descriptor = socket, Wanted = 1 };
        if (Libc.Poll(&wait, 1, (int)DeliveryTime.TotalMilliseconds) <= 0)
        {
            return null;
        }

        var name = stackalloc byte[256];
        var control = stackalloc byte[64];
        var part = new Libc.MessagePart { Start = name, Length = 256 };
        var message = new Libc.MessageHeader { Parts = &part, PartCount = 1, Control = control, ControlLength = 64 };
        // The header is length (8 bytes), level and type (4 each); then the descriptor.
        return Libc.ReceiveMessage(socket, &message, CloseOnExec) >= 0 && message.ControlLength >= 20 &&
               *(int*)(control + 8) == SocketLevel && *(int*)(control + 12) == PassedDescriptors
            ? *(int*)(control + 16)
            : null;
    }
}
