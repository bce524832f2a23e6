using Pacer.Cli.Output;

namespace Pacer.Cli.Client;

/// <summary>A file in a task's sandbox, read through the server from whichever node has it.</summary>
internal sealed class TaskFile(ApiClient api, string taskId, string path)
{
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Where the last <paramref name="lines"/> lines begin.</summary>
    public async Task<long> TailOffsetAsync(long lines, CancellationToken cancellationToken)
    {
        if (lines == long.MaxValue)
        {
            return 0;
        }
        var end = (long)(await api.GetAsync(Address("read", "&offset=-1"), cancellationToken)).Number("offset");
        var found = 0L;
        for (var chunkEnd = end; chunkEnd > 0;)
        {
            var start = Math.Max(0, chunkEnd - ChunkBytes);
            var chunk = await BytesAsync(start, (int)(chunkEnd - start), cancellationToken);
            for (var index = chunk.Length - 1; index >= 0; index--)
            {
                // The line end that closes the file begins no line.
                if (chunk[index] == (byte)'\n' && start + index != end - 1 && ++found == lines)
                {
                    return start + index + 1;
                }
            }
            chunkEnd = start;
        }
        return lines == 0 ? end : 0;
    }

    public async Task CopyAsync(long offset, bool follow, Stream output, CancellationToken cancellationToken)
    {
        using var response = await api.OpenAsync(Address(follow ? "follow" : "download", $"&offset={offset}"), "*/*", cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[ChunkBytes];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }

    private async Task<byte[]> BytesAsync(long offset, int length, CancellationToken cancellationToken)
    {
        using var response = await api.OpenAsync(Address("download", $"&offset={offset}&length={length}"), "*/*", cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private string Address(string action, string more) =>
        $"v2/tasks/{Uri.EscapeDataString(taskId)}/files/{action}?path={Uri.EscapeDataString(path)}{more}";
}
