using Microsoft.AspNetCore.Http;

namespace Pacer.Server.Metrics;

/// <summary>Bytes that an answer without a length put on the wire; a feature of the request.</summary>
internal sealed class AnswerSize
{
    public long Bytes { get; set; }

    public static void Add(HttpContext http, long bytes)
    {
        if (http.Features.Get<AnswerSize>() is { } size)
        {
            size.Bytes += bytes;
        }
    }

    /// <summary>The answer's body, with what goes through it counted.</summary>
    public static Stream Counting(HttpContext http) => new CountedBody(http);

    private sealed class CountedBody(HttpContext http) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Add(http, buffer.Length);
            return http.Response.Body.WriteAsync(buffer, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => http.Response.Body.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
