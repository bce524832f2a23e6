using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Pacer.Agent.Containers.Native;

/// <summary>Tells when processes end, children or not: one thread waits on the pidfds of them all, nothing is polled.</summary>
internal sealed class ExitWatch
{
    private const int Add = 1;
    private const int Remove = 2;
    private const int ReadReady = 1;
    private static readonly TimeSpan PollWithoutPidfd = TimeSpan.FromSeconds(1);

    // epoll_event is packed on x64 only.
    private static readonly int EntryBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = EntryBytes - 8;

    private readonly ConcurrentDictionary<int, TaskCompletionSource> _waiting = new();
    private readonly int _epoll;

    private ExitWatch()
    {
        _epoll = Libc.EpollCreate(Libc.OpenCloseOnExec);
        new Thread(Run) { IsBackground = true, Name = "exit-watch" }.Start();
    }

    public static ExitWatch Shared { get; } = new();

    /// <summary>Completes when the process is gone; at once when it is gone already.</summary>
    public async Task WaitAsync(ProcessIdentity process, CancellationToken cancellationToken)
    {
        while (process.IsAlive)
        {
            if (!await TryWaitAsync(process.Pid, cancellationToken, process).ConfigureAwait(false))
            {
                await Task.Delay(PollWithoutPidfd, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits for the process that has this pid now; false when the kernel offers no pidfd (before Linux 5.3).</summary>
    public async Task<bool> TryWaitAsync(int pid, CancellationToken cancellationToken, ProcessIdentity expected = default)
    {
        var descriptor = Libc.PidfdOpen(pid);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() == Libc.NoSuchProcess;
        }

        try
        {
            if (expected.Pid != 0 && !expected.IsAlive)
            {
                return true;
            }

            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting[descriptor] = ended;
            if (!Control(Add, descriptor))
            {
                return false;
            }

            await ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        finally
        {
            Control(Remove, descriptor);
            _waiting.TryRemove(descriptor, out _);
            _ = Libc.Close(descriptor);
        }
    }

    private unsafe bool Control(int operation, int descriptor)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = ReadReady;
        *(long*)(entry + DataOffset) = descriptor;
        return Libc.EpollControl(_epoll, operation, descriptor, entry) == 0;
    }

    private unsafe void Run()
    {
        const int batch = 64;
        var entries = stackalloc byte[batch * 16];
        while (true)
        {
            var count = Libc.EpollWait(_epoll, entries, batch, -1);
            for (var i = 0; i < count; i++)
            {
                var descriptor = (int)*(long*)(entries + i * EntryBytes + DataOffset);
                // Level-triggered: stop watching here, the waiter closes it.
                Control(Remove, descriptor);
                if (_waiting.TryGetValue(descriptor, out var ended))
                {
                    ended.TrySetResult();
                }
            }
        }
    }
}
