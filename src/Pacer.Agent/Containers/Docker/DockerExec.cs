using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Docker;

/// <summary>A command in a container of the daemon: one connection carries its input and its output.</summary>
internal sealed class DockerExec : IExecProcess
{
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(5);

    private readonly EngineClient _engine;
    private readonly string _id;
    private readonly string _engineId;
    private readonly Stream _connection;
    private readonly Pipe _output = new();
    private readonly Pipe _errors = new();
    private readonly Task<int> _exit;
    private readonly CancellationTokenSource _closing = new();
    private int _disposed;

    private DockerExec(EngineClient engine, string id, string engineId, bool tty, Stream connection, Socket socket)
    {
        (_engine, _id, _engineId, _connection) = (engine, id, engineId, connection);
        Input = new HalfConnection(connection, socket);
        Output = _output.Reader.AsStream();
        ErrorOutput = tty ? Stream.Null : _errors.Reader.AsStream();
        _exit = RunAsync(tty);
    }

    public Stream Input { get; }

    public Stream Output { get; }

    public Stream ErrorOutput { get; }

    /// <param name="engineId">The container's id at the daemon.</param>
    public static async Task<IExecProcess> StartAsync(EngineClient engine, string container, string engineId, ExecPlan plan, CancellationToken cancellationToken)
    {
        var request = new CreateExec
        {
            AttachStdin = true,
            AttachStdout = true,
            AttachStderr = true,
            Tty = plan.Tty,
            Cmd = [.. plan.Arguments],
            Env = plan.Environment is { } environment ? [.. environment.Select(entry => $"{entry.Key}={entry.Value}")] : null,
            User = plan.User,
        };
        if (plan.Tty && plan.Environment?.ContainsKey("TERM") != true)
        {
            (request.Env ??= []).Add("TERM=xterm");
        }
        var created = await engine.PostAsync(
            $"/containers/{container}/exec", request, EngineJson.Default.CreateExec, EngineJson.Default.CreatedExec, cancellationToken).ConfigureAwait(false);
        var (connection, socket) = await engine.HijackAsync(
            $"/exec/{created.Id}/start", new StartExec(false, plan.Tty), EngineJson.Default.StartExec, cancellationToken).ConfigureAwait(false);
        var exec = new DockerExec(engine, created.Id, engineId, plan.Tty, connection, socket);
        if (plan.Tty)
        {
            exec.Resize(plan.Rows, plan.Columns);
        }
        return exec;
    }

    public void Resize(int rows, int columns) => _ = ResizeAsync(rows, columns);

    public Task<int> WaitAsync(CancellationToken cancellationToken) => _exit.WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        if (!_exit.IsCompleted)
        {
            await KillAsync().ConfigureAwait(false);
            await ((Task)_exit).WaitAsync(EndTime).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await _closing.CancelAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        await ((Task)_exit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Output.DisposeAsync().ConfigureAwait(false);
        await ErrorOutput.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task<int> RunAsync(bool tty)
    {
        try
        {
            await (tty ? CopyAsync() : SortAsync()).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or EngineException or OperationCanceledException)
        {
            // Broken, or nobody reads any more; what the daemon says of the command's end still counts.
        }
        finally
        {
            await _output.Writer.CompleteAsync().ConfigureAwait(false);
            await _errors.Writer.CompleteAsync().ConfigureAwait(false);
        }
        return await ExitCodeAsync().ConfigureAwait(false);
    }

    private async Task CopyAsync()
    {
        while (true)
        {
            var read = await _connection.ReadAsync(_output.Writer.GetMemory(16 * 1024), _closing.Token).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }
            _output.Writer.Advance(read);
            await _output.Writer.FlushAsync(_closing.Token).ConfigureAwait(false);
        }
    }

    private async Task SortAsync()
    {
        var frames = new FrameReader(_connection);
        while (await frames.ReadAsync(_closing.Token).ConfigureAwait(false) is { } frame)
        {
            await (frame.Stream == FrameReader.Stderr ? _errors : _output).Writer.WriteAsync(frame.Content, _closing.Token).ConfigureAwait(false);
        }
    }

    // The output ends a moment before the daemon has noted the code; and where a child keeps it open, long after.
    private async Task<int> ExitCodeAsync()
    {
        for (var pause = 5; ; pause = Math.Min(200, pause * 2))
        {
            var found = await _engine.FindAsync($"/exec/{_id}/json", EngineJson.Default.InspectedExec, _closing.Token).ConfigureAwait(false);
            if (found is not { Running: true })
            {
                return found?.ExitCode ?? RefusedExec.CannotRun;
            }
            await Task.Delay(pause, _closing.Token).ConfigureAwait(false);
        }
    }

    private async Task ResizeAsync(int rows, int columns)
    {
        try
        {
            await _engine.PostAsync(string.Create(CultureInfo.InvariantCulture, $"/exec/{_id}/resize?h={rows}&w={columns}"), _closing.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or EngineException or OperationCanceledException or ObjectDisposedException)
        {
            // It ended just now.
        }
    }

    /// <summary>The Engine has no call that ends an exec, so its process is killed with its session, where it can be seen.</summary>
    private async Task KillAsync()
    {
        try
        {
            if (await _engine.FindAsync($"/exec/{_id}/json", EngineJson.Default.InspectedExec, CancellationToken.None).ConfigureAwait(false) is { Running: true, Pid: > 0 } exec
                && DockerRecord.IsOf(exec.Pid, _engineId))
            {
                ProcessSession.KillSessionOf(exec.Pid);
            }
        }
        catch (Exception e) when (e is IOException or EngineException)
        {
            // The daemon went away: closing the connection is all that is left to do.
        }
    }

    /// <summary>The way to the command; closing it is the end of its input, while output may still come.</summary>
    private sealed class HalfConnection(Stream connection, Socket socket) : Stream
    {
        private int _closed;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => connection.Flush();
        public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => connection.Write(buffer, offset, count);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => connection.WriteAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing && Interlocked.Exchange(ref _closed, 1) == 0)
            {
                try
                {
                    connection.Flush();
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
                {
                    // The connection ended before.
                }
            }
            base.Dispose(disposing);
        }
    }
}
