using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Terminals;

/// <summary>A terminal whose screen and keyboard are streams. The program gets <see cref="ProgramSide"/> as its three descriptors.</summary>
internal sealed class PseudoTerminal : IDisposable
{
    private const short ReadReady = 1;
    private readonly int _master;
    private readonly int _wakeReader;
    private readonly int _wakeWriter;
    private readonly Pipe _screen = new();
    private readonly Lock _gate = new();
    private Thread? _pump;
    private bool _closed;

    private unsafe PseudoTerminal(int master, string programSide)
    {
        _master = master;
        ProgramSide = programSide;
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.OpenCloseOnExec) != 0)
        {
            throw new IOException("no pipe for a terminal");
        }

        (_wakeReader, _wakeWriter) = (ends[0], ends[1]);
        Keyboard = new KeyboardStream(this);
        Screen = _screen.Reader.AsStream();
    }

    /// <summary>Path of the device; opened first by a session leader it becomes the controlling terminal.</summary>
    public string ProgramSide { get; }

    /// <summary>Write only; disposing it types end-of-file.</summary>
    public Stream Keyboard { get; }

    /// <summary>Read only; ends when no program has the terminal open any more.</summary>
    public Stream Screen { get; }

    public static unsafe PseudoTerminal Open(int rows, int columns)
    {
        var master = Libc.Open("/dev/ptmx", Libc.OpenReadWrite | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec, 0);
        var name = stackalloc byte[128];
        if (master < 0 || Libc.GrantPt(master) != 0 || Libc.UnlockPt(master) != 0 || Libc.PtsName(master, name, 128) != 0)
        {
            throw new IOException($"no terminal can be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var terminal = new PseudoTerminal(master, Marshal.PtrToStringUTF8((nint)name)!);
        terminal.Resize(rows, columns);
        return terminal;
    }

    /// <summary>Takes over the screen side of a terminal that someone else opened, and begins to read.</summary>
    public static PseudoTerminal Adopt(int master)
    {
        var terminal = new PseudoTerminal(master, "");
        terminal.Start();
        return terminal;
    }

    /// <summary>Begins to read the screen; call when the program has been started.</summary>
    public void Start()
    {
        _pump = new Thread(Pump) { IsBackground = true, Name = "terminal" };
        _pump.Start();
    }

    public unsafe void Resize(int rows, int columns)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                var size = stackalloc ushort[4];
                size[0] = (ushort)Math.Clamp(rows, 1, ushort.MaxValue);
                size[1] = (ushort)Math.Clamp(columns, 1, ushort.MaxValue);
                size[2] = size[3] = 0;
                _ = Libc.IoControl(_master, Libc.SetWindowSize, size);
            }
        }
    }

    public unsafe void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            byte wake = 0;
            _ = Libc.Write(_wakeWriter, &wake, 1);
        }

        // A full screen buffer must not hold the pump.
        _screen.Reader.Complete();
        _pump?.Join();
        _ = Libc.Close(_master);
        _ = Libc.Close(_wakeReader);
        _ = Libc.Close(_wakeWriter);
    }

    private unsafe void Pump()
    {
        var waits = stackalloc Libc.PollEntry[2];
        while (true)
        {
            waits[0] = new() { Descriptor = _master, Wanted = ReadReady };
            waits[1] = new() { Descriptor = _wakeReader, Wanted = ReadReady };
            if (Libc.Poll(waits, 2, -1) < 0 && Marshal.GetLastPInvokeError() == Libc.Interrupted)
            {
                continue;
            }

            if (waits[1].Got != 0)
            {
                break;
            }

            var memory = _screen.Writer.GetSpan(4096);
            nint read;
            fixed (byte* start = memory)
            {
                // An error says that the last program has closed its side.
                read = Libc.Read(_master, start, (nuint)memory.Length);
            }

            if (read <= 0)
            {
                break;
            }

            _screen.Writer.Advance((int)read);
            if (_screen.Writer.FlushAsync().AsTask().GetAwaiter().GetResult().IsCompleted)
            {
                break;
            }
        }

        _screen.Writer.Complete();
    }

    private unsafe void Type(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = _closed ? -1 : Libc.Write(_master, start + done, (nuint)(bytes.Length - done));
                if (written <= 0)
                {
                    throw new IOException("the terminal is closed");
                }

                done += written;
            }
        }
    }

    private sealed class KeyboardStream(PseudoTerminal terminal) : Stream
    {
        private bool _ended;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => terminal.Type(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => terminal.Type(buffer);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(Task.Run(() => terminal.Type(buffer.Span), cancellationToken));

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_ended)
            {
                _ended = true;
                try
                {
                    terminal.Type([4]);
                }
                catch (IOException)
                {
                    // The program is gone already.
                }
            }

            base.Dispose(disposing);
        }
    }
}
