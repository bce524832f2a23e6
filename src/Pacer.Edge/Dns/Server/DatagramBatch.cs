using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Pacer.Edge.Dns.Server;

/// <summary>
/// Many datagrams for one call of the kernel, which costs more than answering them: those that wait are read together, and their answers
/// sent together. Answers to one client go down to the device as one, and are cut apart there (UDP_SEGMENT). For one thread.
/// </summary>
internal sealed unsafe partial class DatagramBatch : IDisposable
{
    public const int Size = 32;

    private const int AddressBytes = 28; // of IPv6, the longest
    private const int LongestSegment = 1232; // what fits any device: others would have to be fragments
    private const int ControlBytes = 24; // struct cmsghdr, two bytes and padding
    private const int OfUdp = 17; // SOL_UDP
    private const int Segment = 103; // UDP_SEGMENT
    private const int InputOutput = 5; // EIO, and so on
    private const int Invalid = 22;
    private const int NoSuchOption = 92;
    private const int NotSupported = 95;
    private const int DontWait = 0x40;
    private const int Truncated = 0x20;
    private const short PollIn = 1;

    private readonly SafeSocketHandle _socket;
    private readonly int _descriptor;
    private readonly int _most;
    private readonly byte* _memory;
    private readonly Message* _received;
    private readonly Message* _answers;
    private readonly Message* _sends;
    private readonly Part* _sendParts;
    private readonly Control* _controls;
    private readonly int[] _order = new int[Size];
    private bool _segments = true;
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
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)(Size * (each + sizeof(Message) + sizeof(Part) + sizeof(Control))));
        _received = (Message*)_memory;
        _answers = _received + Size;
        var parts = (Part*)(_answers + Size);
        var buffers = (byte*)(parts + (2 * Size));
        var addresses = buffers + (2 * Size * most);
        _sends = (Message*)(addresses + (Size * AddressBytes));
        _sendParts = (Part*)(_sends + Size);
        _controls = (Control*)(_sendParts + Size);
        for (var i = 0; i < Size; i++)
        {
            _controls[i] = new Control { Length = ControlBytes - 6, Level = OfUdp, Type = Segment };
        }
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
        if (_pending > 1 && _segments)
        {
            SendTogether();
        }
        else
        {
            for (var sent = 0; sent < _pending;)
            {
                var count = sendmmsg(_descriptor, _answers + sent, (uint)(_pending - sent), 0);
                sent += Math.Max(1, count);
            }
        }
        _pending = 0;
    }

    /// <summary>One message for all answers to a client that the kernel can cut apart: they have the same length but for the last, which may be shorter.</summary>
    private void SendTogether()
    {
        Sort();
        var (messages, parts) = (0, 0);
        while (parts < _pending)
        {
            var first = _answers + _order[parts];
            var length = first->Parts->Length;
            ref var message = ref _sends[messages];
            message.Address = first->Address;
            message.AddressLength = first->AddressLength;
            message.Parts = _sendParts + parts;
            message.PartCount = 0;
            nuint last;
            do
            {
                last = _answers[_order[parts]].Parts->Length;
                _sendParts[parts] = *_answers[_order[parts]].Parts;
                message.PartCount++;
                parts++;
            }
            while (parts < _pending && last == length && length <= LongestSegment && Compare(first, _answers + _order[parts]) == 0);
            message.Control = message.PartCount > 1 ? _controls + messages : null;
            message.ControlLength = message.PartCount > 1 ? (nuint)ControlBytes : 0;
            _controls[messages].Size = (ushort)length;
            messages++;
        }
        for (var sent = 0; sent < messages;)
        {
            var count = sendmmsg(_descriptor, _sends + sent, (uint)(messages - sent), 0);
            if (count <= 0 && _sends[sent].PartCount > 1)
            {
                SendApart(_sends[sent]);
            }
            sent += Math.Max(1, count);
        }
    }

    private void SendApart(Message together)
    {
        // An old kernel, or a device that can't: it is of no use to try again. Other errors are the client's alone.
        _segments &= Marshal.GetLastPInvokeError() is not (InputOutput or Invalid or NotSupported or NoSuchOption);
        for (nuint i = 0; i < together.PartCount; i++)
        {
            var one = new Message { Address = together.Address, AddressLength = together.AddressLength, Parts = together.Parts + i, PartCount = 1 };
            _ = sendmmsg(_descriptor, &one, 1, 0);
        }
    }

    /// <summary>By client, the longest answers first. They are few, and often in order.</summary>
    private void Sort()
    {
        for (var i = 0; i < _pending; i++)
        {
            var at = i;
            for (; at > 0 && IsBefore(_answers + i, _answers + _order[at - 1]); at--)
            {
                _order[at] = _order[at - 1];
            }
            _order[at] = i;
        }
    }

    private static bool IsBefore(Message* one, Message* other) =>
        Compare(one, other) is var order && (order < 0 || (order == 0 && one->Parts->Length > other->Parts->Length));

    // Family, port and an address of IPv4 are the first eight bytes.
    private static int Compare(Message* one, Message* other)
    {
        var order = (*(ulong*)one->Address).CompareTo(*(ulong*)other->Address);
        return order != 0 || one->AddressLength < AddressBytes ? order
            : new ReadOnlySpan<byte>(one->Address, AddressBytes).SequenceCompareTo(new ReadOnlySpan<byte>(other->Address, AddressBytes));
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

    [LibraryImport("libc", SetLastError = true)]
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
        [FieldOffset(32)] public Control* Control;
        [FieldOffset(40)] public nuint ControlLength;
        [FieldOffset(48)] public int Flags;
        [FieldOffset(56)] public uint Length;
    }

    /// <summary>struct cmsghdr with the length of a segment.</summary>
    [StructLayout(LayoutKind.Explicit, Size = ControlBytes)]
    private struct Control
    {
        [FieldOffset(0)] public nuint Length;
        [FieldOffset(8)] public int Level;
        [FieldOffset(12)] public int Type;
        [FieldOffset(16)] public ushort Size;
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
