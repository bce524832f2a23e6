using System.Buffers;
using System.Buffers.Text;

namespace Pacer.Edge.Balancing.Http1;

/// <summary>
/// Reads the head of a request and writes what a server gets instead of it. Takes only what every recipient reads alike; of everything else it
/// says that it is unusual, and the HTTP server with all its rules has the connection then. Used again for each request of a connection.
/// </summary>
/// <param name="client">Address of the client, for <c>X-Forwarded-For</c>.</param>
/// <param name="port">Port that it came in by, for <c>X-Forwarded-Port</c>.</param>
internal sealed class RequestHead(string client, int port)
{
    /// <summary>Longer heads and bodies are for the HTTP server.</summary>
    public const int Longest = 32 * 1024;

    private const int Added = 512;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);
    private static readonly SearchValues<byte> HostBytes =
        SearchValues.Create(":.-_[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private readonly byte[] _forwarded = System.Text.Encoding.ASCII.GetBytes(
        FormattableString.Invariant($"{client}\r\nX-Forwarded-Port: {port}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: "));
    private byte[] _written = [];
    private int _length;

    /// <summary>Bytes of the head as it was read.</summary>
    public int Length { get; private set; }

    public int BodyLength { get; private set; }

    /// <summary>The client wants the connection to end after the answer.</summary>
    public bool Close { get; private set; }

    public bool IsHead { get; private set; }

    /// <summary>Doing it twice is as good as once.</summary>
    public bool IsRepeatable { get; private set; }

    /// <summary>What the server gets.</summary>
    public ReadOnlyMemory<byte> Written => _written.AsMemory(0, _length);

    /// <summary>Places in what was read.</summary>
    public Range Host { get; private set; }

    public Range Target { get; private set; }

    public Range Path { get; private set; }

    public Range Method { get; private set; }

    /// <summary>False when it is not whole, or unusual.</summary>
    public bool TryRead(ReadOnlySpan<byte> data)
    {
        var end = data.IndexOf("\r\n\r\n"u8);
        if (end < 0 || end > Longest)
        {
            return false;
        }
        Length = end + 4;
        var head = data[..(end + 2)];
        if (_written.Length < Length + Added + client.Length)
        {
            _written = new byte[Math.Max(2048, Length + Added + client.Length)];
        }
        _length = 0;
        BodyLength = 0;
        Close = false;
        var line = head[..head.IndexOf("\r\n"u8)];
        if (!ReadFirst(line))
        {
            return false;
        }
        Write(line);
        Write("\r\n"u8);
        return ReadFields(head, line.Length + 2);
    }

    private bool ReadFirst(ReadOnlySpan<byte> line)
    {
        var blank = line.IndexOf((byte)' ');
        if (blank < 0 || !line.EndsWith(" HTTP/1.1"u8))
        {
            return false;
        }
        var method = line[..blank];
        IsHead = method.SequenceEqual("HEAD"u8);
        IsRepeatable = IsHead || method.SequenceEqual("GET"u8);
        if (!IsRepeatable && !method.SequenceEqual("POST"u8) && !method.SequenceEqual("PUT"u8) && !method.SequenceEqual("DELETE"u8) && !method.SequenceEqual("PATCH"u8))
        {
            return false;
        }
        var last = line.Length - " HTTP/1.1".Length;
        if (last <= blank + 1)
        {
            return false;
        }
        var target = line[(blank + 1)..last];
        // What has to be decoded or brought into shape first, before a path is looked up, is none of ours.
        var query = target.IndexOf((byte)'?');
        var path = query < 0 ? target : target[..query];
        if (target[0] != '/' || target.IndexOfAnyExceptInRange((byte)0x21, (byte)0x7e) >= 0 || target.Contains((byte)'#')
            || path.IndexOfAny((byte)'%', (byte)'\\') >= 0 || path.IndexOf("/."u8) >= 0 || path.Length > 1024)
        {
            return false;
        }
        Method = ..blank;
        Target = (blank + 1)..last;
        Path = (blank + 1)..(blank + 1 + path.Length);
        return true;
    }

    private bool ReadFields(ReadOnlySpan<byte> head, int at)
    {
        var hasHost = false;
        var hasLength = false;
        Range? earlier = null;
        while (at < head.Length)
        {
            var length = head[at..].IndexOf("\r\n"u8);
            var line = head.Slice(at, length);
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].IndexOfAnyExcept(TokenBytes) >= 0)
            {
                return false;
            }
            var (start, stop) = Trim(line, colon + 1);
            var value = line[start..stop];
            foreach (var b in value)
            {
                if (b is < 0x20 and not (byte)'\t' or > 0x7e)
                {
                    return false;
                }
            }
            var place = (at + start)..(at + stop);
            switch (FieldNames.KindOf(line[..colon]))
            {
                case FieldKind.Host when hasHost || value.IsEmpty || value.Length > 255 || value.IndexOfAnyExcept(HostBytes) >= 0:
                    return false;
                case FieldKind.Host:
                    hasHost = true;
                    Host = place;
                    goto default;
                case FieldKind.ContentLength:
                    if (hasLength || value.Length is 0 or > 9 || value.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0
                        || !Utf8Parser.TryParse(value, out int body, out _) || body > Longest)
                    {
                        return false;
                    }
                    (hasLength, BodyLength) = (true, body);
                    goto default;
                case FieldKind.Connection when FieldNames.Same(value, "close"u8):
                    Close = true;
                    break;
                case FieldKind.Connection when FieldNames.Same(value, "keep-alive"u8):
                    break;
                case FieldKind.Accept when value.IndexOf("event-stream"u8) >= 0:
                    return false;
                case FieldKind.ForwardedFor when earlier is null:
                    earlier = place;
                    break;
                case FieldKind.Forwarded:
                    break; // ours take their place
                case FieldKind.Connection or FieldKind.Hop or FieldKind.TransferEncoding or FieldKind.Unusual or FieldKind.ForwardedFor:
                    return false;
                default:
                    Write(line);
                    Write("\r\n"u8);
                    break;
            }
            at += length + 2;
        }
        if (!hasHost || (BodyLength > 0 && IsRepeatable))
        {
            return false;
        }
        Write("X-Forwarded-For: "u8);
        if (earlier is { } known)
        {
            Write(head[known]);
            Write(", "u8);
        }
        Write(_forwarded);
        Write(head[Host]);
        Write("\r\n\r\n"u8);
        return true;
    }

    private static (int Start, int Stop) Trim(ReadOnlySpan<byte> line, int start)
    {
        var stop = line.Length;
        while (start < stop && line[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }
        while (stop > start && line[stop - 1] is (byte)' ' or (byte)'\t')
        {
            stop--;
        }
        return (start, stop);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_written.AsSpan(_length));
        _length += bytes.Length;
    }
}
