using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pacer.Agent.Containers.Native;

/// <summary>A descriptor of the child: a copy of one of ours, or a file opened by the child.</summary>
internal readonly record struct ChildDescriptor(int Target, int Source, string? Path, int Flags)
{
    public static ChildDescriptor Copy(int target, SafeHandle source) => new(target, (int)source.DangerousGetHandle(), null, 0);

    public static ChildDescriptor Open(int target, string path, int flags) => new(target, -1, path, flags);

    public static ChildDescriptor AppendTo(int target, string path) =>
        new(target, -1, path, Libc.OpenWriteOnly | Libc.OpenAppend | Libc.OpenCreate);

    public static ChildDescriptor Nothing(int target) => new(target, -1, "/dev/null", Libc.OpenReadWrite);
}

/// <summary>What to spawn. Descriptors above the highest target are closed in the child.</summary>
/// <param name="Arguments">Without the program's own name.</param>
/// <param name="Environment">The whole environment, as NAME=VALUE.</param>
internal sealed record ChildPlan(
    string Executable,
    IReadOnlyList<string> Arguments,
    IReadOnlyList<string> Environment,
    IReadOnlyList<ChildDescriptor> Descriptors,
    string? WorkingDirectory = null,
    bool NewSession = false);

/// <summary>
/// Children made by posix_spawn: a start costs a fraction of System.Diagnostics.Process, can hand over any descriptor and file, and
/// resets signals. The base library's SIGCHLD handling reaps only children of its own, so both live together.
/// </summary>
internal static class ChildProcess
{
    private const short SetSignalMaskFlag = 8;
    private const short SetDefaultSignalsFlag = 4;
    private const short NewSessionFlag = 0x80;
    private const int SignalSetBytes = 128;

    public static readonly IReadOnlyList<string> ToolEnvironment =
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"];

    /// <summary>Starts the child; returns its pid, which stays valid until <see cref="WaitAsync"/> has returned.</summary>
    /// <exception cref="IOException">It could not be started; the message names the executable.</exception>
    public static unsafe int Start(ChildPlan plan)
    {
        var actions = stackalloc byte[256];
        var attributes = stackalloc byte[1024];
        Libc.SpawnActionsInit(actions);
        Libc.SpawnAttributesInit(attributes);
        var arguments = new NativeStrings([plan.Executable, .. plan.Arguments]);
        var environment = new NativeStrings(plan.Environment);
        try
        {
            var highest = 2;
            foreach (var d in plan.Descriptors)
            {
                highest = Math.Max(highest, d.Target);
                if (d.Path is { } path)
                {
                    Libc.SpawnAddOpen(actions, d.Target, path, d.Flags, 0x1A4 /* 0644 */);
                }
                else
                {
                    Libc.SpawnAddDuplicate(actions, d.Source, d.Target);
                }
            }

            CloseInherited(actions, highest + 1);
            if (plan.WorkingDirectory is { } directory)
            {
                Libc.SpawnAddChangeDirectory(actions, directory);
            }

            // The runtime ignores SIGPIPE and may block signals; a container must not inherit that.
            var all = stackalloc byte[SignalSetBytes];
            var none = stackalloc byte[SignalSetBytes];
            new Span<byte>(all, SignalSetBytes).Fill(0xFF);
            new Span<byte>(none, SignalSetBytes).Clear();
            Libc.SpawnSetDefaultSignals(attributes, all);
            Libc.SpawnSetSignalMask(attributes, none);
            Libc.SpawnSetFlags(attributes, (short)(SetSignalMaskFlag | SetDefaultSignalsFlag | (plan.NewSession ? NewSessionFlag : 0)));

            int pid;
            var error = Libc.Spawn(&pid, plan.Executable, actions, attributes, arguments.Pointer, environment.Pointer);
            return error == 0
                ? pid
                : throw new IOException($"{plan.Executable} could not be started: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        finally
        {
            arguments.Free();
            environment.Free();
            Libc.SpawnActionsDestroy(actions);
            Libc.SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>Waits for a child and reaps it; the code is 128 + signal when a signal ended it.</summary>
    public static async Task<int> WaitAsync(int pid)
    {
        if (await ExitWatch.Shared.TryWaitAsync(pid, CancellationToken.None).ConfigureAwait(false))
        {
            return Reap(pid);
        }

        return await Task.Factory.StartNew(() => Reap(pid), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .ConfigureAwait(false);
    }

    /// <summary>Runs a tool to its end; returns its code and what it wrote to both outputs (at most 64 KiB).</summary>
    public static async Task<(int Code, string Output)> RunAsync(string executable, IReadOnlyList<string> arguments)
    {
        var (reader, writer) = CreatePipe();
        using var stream = new AnonymousPipeClientStream(PipeDirection.In, reader);
        int pid;
        using (writer)
        {
            pid = Start(new ChildPlan(
                executable,
                arguments,
                ToolEnvironment,
                [ChildDescriptor.Nothing(0), ChildDescriptor.Copy(1, writer), ChildDescriptor.Copy(2, writer)]));
        }

        var exit = WaitAsync(pid);
        var output = new byte[64 * 1024];
        var length = 0;
        int read;
        while (length < output.Length && (read = await stream.ReadAsync(output.AsMemory(length)).ConfigureAwait(false)) > 0)
        {
            length += read;
        }

        return (await exit.ConfigureAwait(false), Encoding.UTF8.GetString(output, 0, length).Trim());
    }

    public static unsafe (SafePipeHandle Reader, SafePipeHandle Writer) CreatePipe()
    {
        var ends = stackalloc int[2];
        return Libc.Pipe(ends, Libc.OpenCloseOnExec) == 0
            ? (new SafePipeHandle(ends[0], true), new SafePipeHandle(ends[1], true))
            : throw new IOException($"no pipe: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static unsafe int Reap(int pid)
    {
        int status;
        while (Libc.WaitPid(pid, &status, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Libc.Interrupted)
            {
                return 255;
            }
        }

        return (status & 0x7F) == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F);
    }

    // Ours are all close-on-exec; this keeps descriptors that the agent itself inherited out of long-lived monitors.
    private static unsafe void CloseInherited(byte* actions, int from)
    {
        try
        {
            Libc.SpawnAddCloseFrom(actions, from);
        }
        catch (EntryPointNotFoundException)
        {
            // glibc before 2.34: only what the agent inherited stays open.
        }
    }

    private readonly unsafe struct NativeStrings
    {
        private readonly int _count;

        public NativeStrings(IReadOnlyList<string> values)
        {
            _count = values.Count;
            Pointer = (byte**)NativeMemory.Alloc((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                Pointer[i] = (byte*)Marshal.StringToCoTaskMemUTF8(values[i]);
            }

            Pointer[_count] = null;
        }

        public byte** Pointer { get; }

        public void Free()
        {
            for (var i = 0; i < _count; i++)
            {
                Marshal.FreeCoTaskMem((nint)Pointer[i]);
            }

            NativeMemory.Free(Pointer);
        }
    }
}
