using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pacer.Edge.Dns.Server;

/// <summary>
/// Many datagrams for one call of the kernel, which costs more than answering them: those that wait are read together, and their answers
/// sent together. For one thread.
/// </summary>
internal sealed unsafe partial class DatagramBatch : IDisposable
{
    public const int Size = 32;

    private const int AddressBytes = 28; // of IPv6, the longest
    private const int DontWait = 0x40;
    private const int Truncated = 0x20;
    private const short PollIn = 1;

    private readonly SafeSocketHandle _socket;
    private readonly int _descriptor;
    private readonly int _most;
    private readonly byte* _memory;
    private readonly Message* _received;
    private readonly Message* _answers;
    private int _pending;

    /// <param name="most">Bytes of the longest datagram, both ways.</param>
    public DatagramBatch(Socket socket, int most)
    {
        _socket = socket.SafeHandle;
        var added = false;
        _socket.DangerousAddRef(ref added);
        _descriptor = (int)_socket.DangerousGetHandle();
        _most = most;
        var each = (2 * (sizeof(Message) + sizeof(Part) + most)) + AddressBytes;
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)(Size * each));
        _received = (Message*)_memory;
        _answers = _received + Size;
        var parts = (Part*)(_answers + Size);
        var buffers = (byte*)(parts + (2 * Size));
        var addresses = buffers + (2 * Size * most);
        for (var i = 0; i < 2 * Size; i++)
        {
            parts[i].Start = buffers + (i * most);
            _received[i].Parts = parts + i;
            _received[i].PartCount = 1;
            _received[i].Address = addresses + (i % Size * AddressBytes);
        }
    }

    /// <summary>Reads what waits; when nothing does, waits for the first for a while. Returns how many there are, 0 for none.</summary>
    public int Receive(int patienceMs)
    {
        var count = TryReceive();
        if (count > 0)
        {
            return count;
        }
        var poll = new Poll { Descriptor = _descriptor, Events = PollIn };
        return poll_(&poll, 1, patienceMs) > 0 ? Math.Max(0, TryReceive()) : 0;
    }

    /// <summary>Empty when it was longer than can be.</summary>
    public ReadOnlySpan<byte> this[int index] =>
        new(_received[index].Parts->Start, (_received[index].Flags & Truncated) != 0 ? 0 : (int)_received[index].Length);

    /// <summary>Where the answer to the datagram is written.</summary>
    public Span<byte> AnswerTo(int index) => new(_answers[index].Parts->Start, _most);

    /// <summary>Who sent it.</summary>
    public SocketAddress SenderOf(int index)
    {
        var bytes = new ReadOnlySpan<byte>(_received[index].Address, (int)_received[index].AddressLength);
        var sender = new SocketAddress(bytes.Length == AddressBytes ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, bytes.Length);
        bytes.CopyTo(sender.Buffer.Span);
        return sender;
    }

    /// <summary>The answer is written, and goes out with the next <see cref="Send"/>.</summary>
    public void Answered(int index, int length)
    {
        // Answers move up, so that those to send are in a row.
        if (_pending != index)
        {
            var written = _answers[index].Parts;
            _answers[index].Parts = _answers[_pending].Parts;
            _answers[_pending].Parts = written;
        }
        _answers[_pending].Address = _received[index].Address;
        _answers[_pending].AddressLength = _received[index].AddressLength;
        _answers[_pending].Parts->Length = (nuint)length;
        _pending++;
    }

    /// <summary>Sends all answers. One whose client is gone is left out.</summary>
    public void Send()
    {
        for (var sent = 0; sent < _pending;)
        {
            var count = sendmmsg(_descriptor, _answers + sent, (uint)(_pending - sent), 0);
            sent += Math.Max(1, count);
        }
        _pending = 0;
    }

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _socket.DangerousRelease();
    }

    private int TryReceive()
    {
        for (var i = 0; i < Size; i++)
        {
            _received[i].Parts->Length = (nuint)_most;
            _received[i].AddressLength = AddressBytes;
        }
        return recvmmsg(_descriptor, _received, Size, DontWait, null);
    }

    [LibraryImport("libc")]
    private static partial int recvmmsg(int socket, Message* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc")]
    private static partial int sendmmsg(int socket, Message* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int poll_(Poll* polls, nuint count, int timeoutMs);

    /// <summary>struct mmsghdr of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Message
    {
        [FieldOffset(0)] public byte* Address;
        [FieldOffset(8)] public uint AddressLength;
        [FieldOffset(16)] public Part* Parts;
        [FieldOffset(24)] public nuint PartCount;
        [FieldOffset(48)] public int Flags;
        [FieldOffset(56)] public uint Length;
    }

    /// <summary>struct iovec.</summary>
    private struct Part
    {
        public byte* Start;
        public nuint Length;
    }

    /// <summary>struct pollfd.</summary>
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
