using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Json;

/// <summary>Reads request bodies by hand, so that every kind of bad body gets the API's own error.</summary>
internal static class RequestBody
{
    public const int MaxBytes = 8 * 1024 * 1024;
    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Strict = new()
    {
        MaxDepth = MaxDepth,
        AllowDuplicateProperties = false,
        AllowTrailingCommas = false,
        CommentHandling = JsonCommentHandling.Disallow,
    };

    /// <summary>The body as a document, whatever charset the request declares. Throws <see cref="ApiException"/>: 400 or 413.</summary>
    public static async Task<JsonDocument> ReadJsonAsync(HttpContext http) => Parse(await ReadBytesAsync(http));

    /// <summary>Throws <see cref="ApiException"/> (400) for anything that is not one JSON value in UTF-8.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }
        if (bytes.Span.IndexOfAnyExcept(" \t\r\n"u8) < 0)
        {
            throw new ApiException(ApiErrors.NoBody("the request has no body"));
        }
        if (!Utf8.IsValid(bytes.Span))
        {
            throw new ApiException(ApiErrors.InvalidSyntax("the body is not valid UTF-8"));
        }
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, Strict);
        }
        catch (JsonException error)
        {
            throw new ApiException(ApiErrors.InvalidSyntax(Describe(error)));
        }
        catch (InvalidOperationException)
        {
            throw LoneSurrogate();
        }
        if (HasSurrogateEscapes(bytes.Span) && !IsReadable(document.RootElement))
        {
            document.Dispose();
            throw LoneSurrogate();
        }
        return document;
    }

    /// <summary>The body as it came. Throws <see cref="ApiException"/>: 413.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpContext http)
    {
        if (http.Request.ContentLength > MaxBytes)
        {
            throw new ApiException(ApiErrors.BodyTooLarge(MaxBytes));
        }
        var body = new ArrayBufferWriter<byte>((int)Math.Max(http.Request.ContentLength ?? 0, 1024));
        while (true)
        {
            var read = await http.Request.Body.ReadAsync(body.GetMemory(4096), http.RequestAborted);
            if (read == 0)
            {
                return body.WrittenMemory;
            }
            body.Advance(read);
            if (body.WrittenCount > MaxBytes)
            {
                throw new ApiException(ApiErrors.BodyTooLarge(MaxBytes));
            }
        }
    }

    // The parser's own message ends with a path and advice for programmers.
    private static string Describe(JsonException error)
    {
        var message = error.Message;
        foreach (var tail in (ReadOnlySpan<string>)[" LineNumber:", " Change the reader options", " Path:"])
        {
            var at = message.IndexOf(tail, StringComparison.Ordinal);
            if (at > 0)
            {
                message = message[..at];
            }
        }
        return error.LineNumber is { } line
            ? $"{message} (line {line + 1}, byte {(error.BytePositionInLine ?? 0) + 1})"
            : message;
    }

    private static ApiException LoneSurrogate() => new(ApiErrors.InvalidSyntax("a \\u escape is half of a surrogate pair"));

    private static bool HasSurrogateEscapes(ReadOnlySpan<byte> json) =>
        json.IndexOf("\\ud"u8) >= 0 || json.IndexOf("\\uD"u8) >= 0;

    // A lone surrogate is found only when its text is asked for (member names: already by the parser's search for doubles), and then
    // as an exception.
    private static bool IsReadable(JsonElement element)
    {
        try
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    _ = element.GetString();
                    return true;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        if (!IsReadable(item))
                        {
                            return false;
                        }
                    }
                    return true;
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject())
                    {
                        _ = property.Name;
                        if (!IsReadable(property.Value))
                        {
                            return false;
                        }
                    }
                    return true;
                default:
                    return true;
            }
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
