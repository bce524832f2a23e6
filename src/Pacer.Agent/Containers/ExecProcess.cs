using System.IO.Pipes;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Terminals;

namespace Pacer.Agent.Containers;

/// <summary>A command started beside a container's own, over three pipes or a terminal.</summary>
internal sealed class ExecProcess : IExecProcess
{
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(5);

    private readonly ProcessIdentity _process;
    private readonly Task<int> _exit;
    private readonly PseudoTerminal? _terminal;
    private readonly Func<Task> _end;
    private readonly Action _cleanUp;
    private int _disposed;

    private ExecProcess(int pid, Task<int>? exit, Stream input, Stream output, Stream error, PseudoTerminal? terminal, Func<Task> end, Action cleanUp)
    {
        _process = ProcessIdentity.Of(pid);
        _exit = exit ?? ChildProcess.WaitAsync(pid);
        (Input, Output, ErrorOutput, _terminal, _end, _cleanUp) = (input, output, error, terminal, end, cleanUp);
    }

    public Stream Input { get; }

    public Stream Output { get; }

    public Stream ErrorOutput { get; }

    /// <summary>Spawns the plan's executable in a session of its own; its three descriptors are set here.</summary>
    /// <param name="tty">Null: pipes.</param>
    /// <param name="end">Kills the command itself when the client goes away first; gets the spawned pid.</param>
    /// <param name="cleanUp">Runs once, after the end.</param>
    public static ExecProcess Start(ChildPlan plan, (int Rows, int Columns)? tty, Func<int, Task> end, Action cleanUp)
    {
        if (tty is { } size)
        {
            var terminal = PseudoTerminal.Open(size.Rows, size.Columns);
            try
            {
                var terminalPid = ChildProcess.Start(plan with
                {
                    NewSession = true,
                    Descriptors = [.. Enumerable.Range(0, 3).Select(i => ChildDescriptor.Open(i, terminal.ProgramSide, Libc.OpenReadWrite))],
                });
                terminal.Start();
                return Attach(terminalPid, null, terminal, () => end(terminalPid), cleanUp);
            }
            catch (IOException)
            {
                terminal.Dispose();
                throw;
            }
        }

        var (inputReader, inputWriter) = ChildProcess.CreatePipe();
        var (outputReader, outputWriter) = ChildProcess.CreatePipe();
        var (errorReader, errorWriter) = ChildProcess.CreatePipe();
        using var theirs = new Handles(inputReader, outputWriter, errorWriter);
        var pid = ChildProcess.Start(plan with
        {
            NewSession = true,
            Descriptors =
                [ChildDescriptor.Copy(0, inputReader), ChildDescriptor.Copy(1, outputWriter), ChildDescriptor.Copy(2, errorWriter)],
        });
        return new(
            pid,
            null,
            new AnonymousPipeClientStream(PipeDirection.Out, inputWriter),
            new AnonymousPipeClientStream(PipeDirection.In, outputReader),
            new AnonymousPipeClientStream(PipeDirection.In, errorReader),
            null,
            () => end(pid),
            cleanUp);
    }

    /// <summary>For a command that has been spawned already and sits at this terminal.</summary>
    /// <param name="exit">Null: nobody waits for the child yet.</param>
    public static ExecProcess Attach(int pid, Task<int>? exit, PseudoTerminal terminal, Func<Task> end, Action cleanUp) =>
        new(pid, exit, terminal.Keyboard, terminal.Screen, Stream.Null, terminal, end, cleanUp);

    public void Resize(int rows, int columns) => _terminal?.Resize(rows, columns);

    public Task<int> WaitAsync(CancellationToken cancellationToken) => _exit.WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (!_exit.IsCompleted)
        {
            await _end().ConfigureAwait(false);
            try
            {
                await _exit.WaitAsync(EndTime).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _process.Signal(Libc.SigKill);
                await _exit.ConfigureAwait(false);
            }
        }

        _terminal?.Dispose();
        foreach (var stream in (Stream[])[Input, Output, ErrorOutput])
        {
            try
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }
            catch (IOException)
            {
                // Bytes that the command will never read.
            }
        }

        _cleanUp();
    }

    private sealed class Handles(params SafePipeHandle[] handles) : IDisposable
    {
        public void Dispose()
        {
            foreach (var handle in handles)
            {
                handle.Dispose();
            }
        }
    }
}

/// <summary>An exec that could not begin: its reason as output, and a shell's exit code for it.</summary>
internal sealed class RefusedExec(string reason, int code, bool tty) : IExecProcess
{
    public const int NotFound = 127;
    public const int CannotRun = 126;

    private readonly MemoryStream _reason = new(Encoding.UTF8.GetBytes(reason + "\n"), writable: false);

    public Stream Input => Stream.Null;

    public Stream Output => tty ? _reason : Stream.Null;

    public Stream ErrorOutput => tty ? Stream.Null : _reason;

    public void Resize(int rows, int columns)
    {
    }

    public Task<int> WaitAsync(CancellationToken cancellationToken) => Task.FromResult(code);

    public ValueTask DisposeAsync() => _reason.DisposeAsync();
}
