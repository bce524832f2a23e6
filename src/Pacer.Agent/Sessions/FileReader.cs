using Pacer.Agent.Logs;
using Pacer.Agent.Node;
using Pacer.Agent.Tasks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Sessions;

/// <summary>
/// Sends a part of a sandbox's file, or follows it: then it ends when the task is over and all was sent, or the reader leaves.
/// Following a log goes on through rotations without losing or repeating a byte.
/// </summary>
internal sealed class FileReader(string sandbox, TaskSupervisor? task, SessionStream stream)
{
    private const int ChunkBytes = 64 * 1024;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    public async Task ReadAsync(ReadFile request)
    {
        var path = ConfinedPath.Resolve(sandbox, request.Path)
            ?? throw new SessionException(SessionException.NotFound, $"'{request.Path}' is not inside the sandbox");
        if (Directory.Exists(path))
        {
            throw new SessionException(SessionException.Refused, $"'{request.Path}' is a directory");
        }
        if (!File.Exists(path))
        {
            throw new SessionException(SessionException.NotFound, $"There is no '{request.Path}' in the sandbox");
        }
        if ((FileStat.OfLink(path).Mode & 0xF000) != 0x8000)
        {
            // Opening a fifo that nobody writes to would wait for ever.
            throw new SessionException(SessionException.Refused, $"'{request.Path}' is not a regular file");
        }
        // Only the logs at the top are rotated.
        var log = task is not null && Path.GetDirectoryName(path) == Path.GetFullPath(sandbox) ? Path.GetFileName(path) : null;
        var position = Begin(path, log, request, out var size, out var generation);
        await stream.WriteAsync(new SessionMessage { Size = size }).ConfigureAwait(false);

        var buffer = new byte[ChunkBytes];
        var left = request.Length < 0 ? long.MaxValue : request.Length;
        while (left > 0)
        {
            // Asked before reading: what was written before the end is then read for sure.
            var over = task is null || task.Snapshot.Phase == TaskPhase.Ended;
            var read = Next(path, log, ref position, ref generation, buffer.AsSpan(0, (int)Math.Min(buffer.Length, left)));
            if (read > 0)
            {
                left -= read;
                await stream.WriteDataAsync(buffer.AsMemory(0, read)).ConfigureAwait(false);
            }
            else if (!request.Follow || over)
            {
                return;
            }
            else
            {
                await Task.Delay(PollInterval, stream.Ended).ConfigureAwait(false);
            }
        }
    }

    private long Begin(string path, string? log, ReadFile request, out long size, out int generation)
    {
        lock (task?.Logs.Gate ?? new Lock())
        {
            generation = log is null ? 0 : task!.Logs.Of(log);
            using var file = ConfinedFile.OpenToRead(sandbox, path);
            size = file is null ? 0 : RandomAccess.GetLength(file);
            return request.Offset >= 0 ? Math.Min(request.Offset, size) : Math.Max(0, size + request.Offset);
        }
    }

    /// <summary>Reads on from a position; 0 when there is nothing more for now.</summary>
    private int Next(string path, string? log, ref long position, ref int generation, Span<byte> buffer)
    {
        if (log is null)
        {
            return ReadAt(sandbox, path, ref position, buffer);
        }
        lock (task!.Logs.Gate)
        {
            while (true)
            {
                // What we were reading has been moved aside this often since.
                var behind = task.Logs.Of(log) - generation;
                var read = ReadAt(sandbox, LogRotator.Numbered(sandbox, log, behind), ref position, buffer);
                if (read > 0 || behind == 0)
                {
                    return read;
                }
                generation++;
                position = 0;
            }
        }
    }

    private static int ReadAt(string sandbox, string path, ref long position, Span<byte> buffer)
    {
        // The task may have put a link to the node's files there since.
        using var file = ConfinedFile.OpenToRead(sandbox, path);
        if (file is null)
        {
            // Rotated out of existence while we were slow, or removed.
            return 0;
        }
        if (RandomAccess.GetLength(file) < position)
        {
            // Cut by its writer: begin anew, as tail -f does.
            position = 0;
        }
        var read = RandomAccess.Read(file, buffer, position);
        position += read;
        return read;
    }
}
