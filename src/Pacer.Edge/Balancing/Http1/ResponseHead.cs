using System.Buffers.Text;

namespace Pacer.Edge.Balancing.Http1;

/// <summary>How the end of an answer is found.</summary>
internal enum Framing
{
    /// <summary>There is no body.</summary>
    None,
    Length,
    Chunked,

    /// <summary>The server ends the connection.</summary>
    Close,
}

internal enum HeadOutcome
{
    Read,
    NeedsMore,

    /// <summary>Says that the answer comes later; skip <see cref="ResponseHead.Length"/> bytes.</summary>
    Interim,
    Malformed,
}

/// <summary>Reads the head of a server's answer and writes what the client gets of it. Used again for each answer.</summary>
internal sealed class ResponseHead
{
    public const int Longest = 64 * 1024;

    private byte[] _written = new byte[2048];
    private int _length;

    /// <summary>Bytes of the head as it was read.</summary>
    public int Length { get; private set; }

    public int Status { get; private set; }

    public Framing Framing { get; private set; }

    /// <summary>With <see cref="Framing.Length"/>.</summary>
    public long BodyLength { get; private set; }

    /// <summary>The server takes further requests on the connection.</summary>
    public bool KeepsAlive { get; private set; }

    /// <summary>What the client gets, but for the line that ends it.</summary>
    public ReadOnlySpan<byte> Written => _written.AsSpan(0, _length);

    public bool HasDate { get; private set; }

    /// <summary>Something is wrong with the connection: it takes no further requests.</summary>
    public void Spoil() => KeepsAlive = false;

    /// <summary>The balancer answers itself.</summary>
    public void Refuse(int status)
    {
        Status = status;
        BodyLength = -1;
    }

    /// <param name="toHead">The request was HEAD: there is no body, whatever the fields say.</param>
    public HeadOutcome Read(ReadOnlySpan<byte> data, bool toHead)
    {
        _length = 0;
        HasDate = false;
        Framing = Framing.Close;
        BodyLength = -1;
        var chunked = false;
        var at = NextLine(data, 0, out var line);
        if (at < 0)
        {
            return TooLong(data);
        }
        if (!ReadFirst(line))
        {
            return HeadOutcome.Malformed;
        }
        Write("HTTP/1.1"u8);
        Write(line[8..]);
        Write("\r\n"u8);
        while (true)
        {
            at = NextLine(data, at, out line);
            if (at < 0)
            {
                return TooLong(data);
            }
            if (line.IsEmpty)
            {
                break;
            }
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].IndexOfAny((byte)' ', (byte)'\t') >= 0 || line.IndexOfAny((byte)'\r', (byte)0) >= 0)
            {
                return HeadOutcome.Malformed;
            }
            var value = Trim(line[(colon + 1)..]);
            switch (FieldNames.KindOf(line[..colon]))
            {
                case FieldKind.Connection:
                    KeepsAlive &= value.IndexOf("close"u8) < 0 && value.IndexOf("Close"u8) < 0 && value.IndexOf("CLOSE"u8) < 0;
                    break;
                case FieldKind.Hop:
                    break;
                case FieldKind.TransferEncoding when FieldNames.Same(value, "chunked"u8) && !chunked:
                    chunked = true;
                    break;
                case FieldKind.TransferEncoding:
                    return HeadOutcome.Malformed;
                case FieldKind.ContentLength:
                    if (value.Length is 0 or > 18 || value.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0 || !Utf8Parser.TryParse(value, out long length, out _)
                        || (BodyLength >= 0 && BodyLength != length))
                    {
                        return HeadOutcome.Malformed;
                    }
                    BodyLength = length;
                    break;
                case FieldKind.Date:
                    HasDate = true;
                    goto default;
                default:
                    Write(line);
                    Write("\r\n"u8);
                    break;
            }
        }
        Length = at;
        if (Status is >= 100 and < 200)
        {
            return Status == 101 ? HeadOutcome.Malformed : HeadOutcome.Interim;
        }
        EndFields(chunked, toHead);
        return HeadOutcome.Read;
    }

    private void EndFields(bool chunked, bool toHead)
    {
        // With both, the length means nothing.
        if (chunked)
        {
            Write("Transfer-Encoding: chunked\r\n"u8);
            Framing = Framing.Chunked;
        }
        else if (BodyLength >= 0)
        {
            Framing = Framing.Length;
            Write("Content-Length: "u8);
            Span<byte> digits = stackalloc byte[20];
            Utf8Formatter.TryFormat(BodyLength, digits, out var count);
            Write(digits[..count]);
            Write("\r\n"u8);
        }
        if (toHead || Status is 204 or 304)
        {
            Framing = Framing.None;
        }
        KeepsAlive &= Framing != Framing.Close;
    }

    private bool ReadFirst(ReadOnlySpan<byte> line)
    {
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' '
            || (line.Length > 12 && line[12] != ' ') || !Utf8Parser.TryParse(line.Slice(9, 3), out int status, out var digits) || digits != 3 || status < 100
            || line.IndexOfAny((byte)'\r', (byte)0) >= 0)
        {
            return false;
        }
        Status = status;
        KeepsAlive = line[7] == '1';
        return true;
    }

    private static HeadOutcome TooLong(ReadOnlySpan<byte> data) => data.Length > Longest ? HeadOutcome.Malformed : HeadOutcome.NeedsMore;

    // Servers that end lines with LF alone are understood, as most recipients do.
    private static int NextLine(ReadOnlySpan<byte> data, int at, out ReadOnlySpan<byte> line)
    {
        var length = data[at..].IndexOf((byte)'\n');
        if (length < 0)
        {
            line = default;
            return -1;
        }
        line = data.Slice(at, length);
        if (length > 0 && line[^1] == '\r')
        {
            line = line[..^1];
        }
        return at + length + 1;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value) => value.Trim(" \t"u8);

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (_written.Length - _length < bytes.Length)
        {
            Array.Resize(ref _written, Math.Max(_written.Length * 2, _length + bytes.Length));
        }
        bytes.CopyTo(_written.AsSpan(_length));
        _length += bytes.Length;
    }
}
