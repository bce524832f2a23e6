using System.Buffers;
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Metrics;

namespace Pacer.Server.Api.Responses;

/// <summary>
/// A JSON answer of any size, sent while it is made: memory stays at a few chunks however many objects there are. What fits into one chunk
/// goes out whole, with its length.
/// </summary>
internal sealed class JsonStream : IBufferWriter<byte>, IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    // Answers of many megabytes are made by all cores but one, in turns of a chunk: what is written meanwhile finds a core free. While a
    // chunk waits for its client, nobody's turn is held.
    private static readonly SemaphoreSlim Turns = new(Math.Max(1, Environment.ProcessorCount - 1));

    private readonly HttpContext _http;
    private byte[] _chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes + 16 * 1024);
    private int _written;
    private GZipStream? _gzip;
    private bool _started;
    private bool _hasTurn;

    public JsonStream(HttpContext http)
    {
        _http = http;
        Json = new Utf8JsonWriter(this, Plain);
    }

    /// <summary>For single values: <see cref="Utf8JsonWriter.Reset()"/> it after each, and flush it before writing bytes.</summary>
    public Utf8JsonWriter Json { get; }

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _chunk.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _chunk.AsSpan(_written);
    }

    /// <summary>Call it after each object.</summary>
    public ValueTask SendIfFullAsync()
    {
        if (_written + Json.BytesPending < ChunkBytes)
        {
            return ValueTask.CompletedTask;
        }
        Json.Flush();
        return SendAndWaitForTurnAsync();
    }

    /// <summary>Sends what is left.</summary>
    public async ValueTask EndAsync()
    {
        if (!_started)
        {
            await ApiResponse.WriteBytesAsync(_http, StatusCodes.Status200OK, _chunk.AsMemory(0, _written));
            return;
        }
        await SendAsync();
        if (_gzip is not null)
        {
            await _gzip.DisposeAsync();
            _gzip = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        EndTurn();
        await Json.DisposeAsync();
        // Left over only after a failure, when nobody reads the rest any more.
        _gzip = null;
        ArrayPool<byte>.Shared.Return(_chunk);
        _chunk = [];
    }

    private async ValueTask SendAndWaitForTurnAsync()
    {
        await SendAsync();
        await Turns.WaitAsync(_http.RequestAborted);
        _hasTurn = true;
    }

    private void EndTurn()
    {
        if (_hasTurn)
        {
            _hasTurn = false;
            Turns.Release();
        }
    }

    private async ValueTask SendAsync()
    {
        EndTurn();
        if (!_started)
        {
            _started = true;
            ApiResponse.Prepare(_http, StatusCodes.Status200OK);
            _gzip = Compression.IsAccepted(_http) ? Compression.Begin(_http) : null;
        }
        if (!HttpMethods.IsHead(_http.Request.Method))
        {
            await (_gzip ?? AnswerSize.Counting(_http)).WriteAsync(_chunk.AsMemory(0, _written), _http.RequestAborted);
        }
        _written = 0;
    }

    private void Reserve(int sizeHint)
    {
        var needed = _written + Math.Max(sizeHint, 256);
        if (needed <= _chunk.Length)
        {
            return;
        }
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _chunk.Length * 2));
        _chunk.AsSpan(0, _written).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_chunk);
        _chunk = larger;
    }
}
