using System.Net.Sockets;
using System.Runtime.InteropServices;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Networks;

/// <summary>Sockets that see another network namespace's interfaces and loopback, for use from this process.</summary>
internal static class NamespaceSocket
{
    private const int NetworkNamespace = 0x40000000;
    private const int StackBytes = 256 * 1024;

    /// <summary>
    /// A socket stays in the namespace it was made in. It is made by a thread that enters the namespace and ends there, so that no
    /// thread of the pool ever is in a namespace that is not ours.
    /// </summary>
    /// <param name="namespacePath">Null: our own.</param>
    /// <exception cref="IOException">There is no such namespace.</exception>
    public static Task<Socket> OpenAsync(string? namespacePath, AddressFamily family, SocketType type, ProtocolType protocol)
    {
        if (namespacePath is null)
        {
            return Task.FromResult(new Socket(family, type, protocol));
        }
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    Enter(namespacePath);
                    made.SetResult(new Socket(family, type, protocol));
                }
                catch (Exception e)
                {
                    made.SetException(e);
                }
            },
            StackBytes)
        {
            IsBackground = true,
        };
        thread.Start();
        return made.Task;
    }

    private static void Enter(string path)
    {
        var descriptor = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            throw new IOException("the container's network is gone");
        }
        var entered = Libc.SetNamespace(descriptor, NetworkNamespace);
        var error = Marshal.GetLastPInvokeErrorMessage();
        _ = Libc.Close(descriptor);
        if (entered != 0)
        {
            throw new IOException($"the container's network can't be entered: {error}");
        }
    }
}
