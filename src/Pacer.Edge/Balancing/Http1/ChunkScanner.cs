namespace Pacer.Edge.Balancing.Http1;

/// <summary>Finds the end of a chunked body that passes by in pieces.</summary>
internal struct ChunkScanner
{
    private const int LongestLine = 16 * 1024;

    private enum At
    {
        Size,
        SizeRest,
        Data,
        DataEnd,
        TrailerStart,
        Trailer,
        End,
    }

    private At _at;
    private long _left;
    private int _digits;
    private int _line;
    private bool _return;

    public readonly bool IsOver => _at == At.End;

    /// <summary>The number of bytes that belong to the body; -1 when they are no chunks. Once it is over, none do.</summary>
    public int Scan(ReadOnlySpan<byte> bytes)
    {
        var i = 0;
        while (i < bytes.Length && _at != At.End)
        {
            if (_at == At.Data)
            {
                var take = (int)Math.Min(_left, bytes.Length - i);
                i += take;
                _left -= take;
                if (_left == 0)
                {
                    _at = At.DataEnd;
                }
                continue;
            }
            if (!Take(bytes[i++]))
            {
                return -1;
            }
        }
        return i;
    }

    private bool Take(byte b)
    {
        if (++_line > LongestLine || (_return && b != '\n'))
        {
            return false;
        }
        _return = b == '\r' && _at != At.Trailer;
        switch (_at)
        {
            case At.Size when HexValue(b) is var value and >= 0:
                if (++_digits > 15)
                {
                    return false;
                }
                _left = (_left << 4) | (uint)value;
                return true;
            case At.Size when _digits > 0 && b is (byte)';' or (byte)' ' or (byte)'\t':
                _at = At.SizeRest;
                return true;
            case At.Size or At.SizeRest when b == '\r':
                return _digits > 0;
            case At.Size or At.SizeRest when b == '\n':
                if (_digits == 0)
                {
                    return false;
                }
                _at = _left == 0 ? At.TrailerStart : At.Data;
                (_digits, _line) = (0, 0);
                return true;
            case At.SizeRest:
                return true;
            case At.DataEnd when b == '\r':
                return true;
            case At.DataEnd when b == '\n':
                (_at, _line) = (At.Size, 0);
                return true;
            case At.TrailerStart when b == '\r':
                return true;
            case At.TrailerStart when b == '\n':
                _at = At.End;
                return true;
            case At.TrailerStart:
                _at = At.Trailer;
                return true;
            case At.Trailer:
                if (b == '\n')
                {
                    _at = At.TrailerStart;
                }
                return true;
            default:
                return false;
        }
    }

    private static int HexValue(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
