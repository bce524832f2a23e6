using System.Buffers.Binary;

namespace Pacer.Agent.Containers.Docker;

/// <summary>
/// Output of a container without a terminal, as the Engine sends it: frames of a stream's number (1 stdout, 2 stderr), three zero bytes, a
/// length and the content.
/// </summary>
internal sealed class FrameReader(Stream stream)
{
    public const int Stdout = 1;
    public const int Stderr = 2;

    private const int HeaderBytes = 8;
    private const int LongestFrame = 1 << 24;

    private readonly byte[] _header = new byte[HeaderBytes];
    private byte[] _content = new byte[32 * 1024];

    /// <summary>The next frame, valid until the next call; null at the end.</summary>
    public async Task<(int Stream, ReadOnlyMemory<byte> Content)?> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await stream.ReadAtLeastAsync(_header, HeaderBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read < HeaderBytes)
        {
            return null;
        }
        var length = BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(4));
        if (length is < 0 or > LongestFrame || _header[0] > Stderr)
        {
            throw new EngineException(502, "the Docker daemon's output is not in the form that its API describes");
        }
        if (_content.Length < length)
        {
            _content = new byte[length];
        }
        await stream.ReadExactlyAsync(_content.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        return (_header[0], _content.AsMemory(0, length));
    }
}
