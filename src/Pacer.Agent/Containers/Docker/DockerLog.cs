using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pacer.Agent.Node;

namespace Pacer.Agent.Containers.Docker;

/// <summary>
/// Brings what the daemon collects of a container's output to <c>stdout</c> and <c>stderr</c> in its sandbox, where every task has them. How
/// far it came is noted after each write, so that the next agent goes on there.
/// </summary>
internal sealed class DockerLog
{
    private const int StampBytes = 30; // 2006-01-02T15:04:05.000000000Z
    private const int FlushBytes = 64 * 1024;

    /// <summary>Entries of the two streams are stamped apart from each other and so may be stored a little out of order.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly EngineClient _engine;
    private readonly string _container;
    private readonly string _positionFile;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _stopping;
    private readonly LogStream[] _streams;
    private readonly bool _tty;

    private DockerLog(EngineClient engine, string container, bool tty, string sandbox, string positionFile, CancellationToken stopping)
    {
        (_engine, _container, _tty, _positionFile) = (engine, container, tty, positionFile);
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var positions = ReadPositions();
        _streams = [new LogStream($"{sandbox}/stdout", positions[0]), new LogStream($"{sandbox}/stderr", positions[1])];
        Completed = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>When the container has ended and all that it wrote is in the sandbox, or it is gone.</summary>
    public Task Completed { get; }

    public static DockerLog Follow(EngineClient engine, string container, bool tty, string sandbox, string positionFile, CancellationToken stopping) =>
        new(engine, container, tty, sandbox, positionFile, stopping);

    /// <summary>Nothing is written while the returned value lives.</summary>
    public IDisposable Freeze()
    {
        _gate.Wait();
        return new Release(_gate);
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Completed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                try
                {
                    await FollowAsync(_stopping.Token).ConfigureAwait(false);
                    if (await _engine.FindAsync($"/containers/{_container}/json", EngineJson.Default.InspectedContainer, _stopping.Token).ConfigureAwait(false)
                        is not { State.Running: true })
                    {
                        return;
                    }
                }
                catch (EngineException e) when (e.Status is 404 or 409)
                {
                    return;
                }
                catch (EngineException e)
                {
                    // A log driver that can't be read, for one.
                    _streams[1].Take(Encoding.UTF8.GetBytes($"pacer: the container's output can't be read: {e.Message}\n"));
                    await WriteAsync(_stopping.Token).ConfigureAwait(false);
                    return;
                }
                catch (IOException)
                {
                    // The daemon went away, perhaps with the container: it tells when it is back.
                }
                await Task.Delay(Pause, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops: the next one goes on.
        }
        finally
        {
            foreach (var stream in _streams)
            {
                stream.Dispose();
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        var newest = _streams.Max(stream => stream.Newest);
        var since = newest is null ? "" : Since(newest);
        foreach (var stream in _streams)
        {
            stream.Resume();
        }
        using var answer = await _engine.OpenAsync(
            HttpMethod.Get, $"/containers/{_container}/logs?follow=1&stdout=1&stderr=1&timestamps={(_tty ? 0 : 1)}{since}", null, cancellationToken).ConfigureAwait(false);
        await EngineClient.GuardAsync(async () =>
        {
            await using var content = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await (_tty ? CopyAsync(content, cancellationToken) : SortAsync(content, cancellationToken)).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    private async Task SortAsync(Stream content, CancellationToken cancellationToken)
    {
        var frames = new FrameReader(content);
        while (true)
        {
            var next = frames.ReadAsync(cancellationToken);
            // What has come so far is not held back for what may come.
            if (!next.IsCompleted || _streams.Sum(stream => stream.Waiting) > FlushBytes)
            {
                await WriteAsync(cancellationToken).ConfigureAwait(false);
            }
            if (await next.ConfigureAwait(false) is not { } frame)
            {
                await WriteAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            _streams[frame.Stream == FrameReader.Stderr ? 1 : 0].TakeStamped(frame.Content.Span);
        }
    }

    // A terminal's output has neither streams nor frames, so its entries can't be told apart: what came up to now is counted by time alone.
    private async Task CopyAsync(Stream content, CancellationToken cancellationToken)
    {
        var buffer = new byte[FlushBytes];
        while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            _streams[0].Take(buffer.AsSpan(0, read));
            _streams[0].Newest = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffff00Z", CultureInfo.InvariantCulture);
            await WriteAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        if (_streams.All(stream => stream.Waiting == 0))
        {
            return;
        }
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var stream in _streams)
            {
                stream.Write();
            }
            AtomicFile.Write(_positionFile, Encoding.ASCII.GetBytes(string.Join('\n', _streams.Select(stream => stream.Position))), durable: false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private string Since(string newest)
    {
        var at = DateTime.Parse(newest, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        var from = (_tty ? at : at - Overlap) - DateTime.UnixEpoch;
        return string.Create(CultureInfo.InvariantCulture, $"&since={from.Ticks / TimeSpan.TicksPerSecond}.{from.Ticks % TimeSpan.TicksPerSecond:0000000}00");
    }

    private string[] ReadPositions()
    {
        try
        {
            return File.ReadAllText(_positionFile).Split('\n') is [var stdout, var stderr] ? [stdout, stderr] : ["", ""];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ["", ""];
        }
    }

    private sealed class Release(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }

    /// <summary>One of the two files. Its position is the time of the newest entry in it, and how many entries of that time there are.</summary>
    private sealed class LogStream : IDisposable
    {
        private readonly ArrayBufferWriter<byte> _waiting = new();
        private readonly SafeFileHandle? _file;
        private int _count;
        private string? _skipUpTo;
        private int _skipEqual;

        public LogStream(string path, string position)
        {
            if (position.Split(' ') is [{ Length: StampBytes } newest, var count])
            {
                (Newest, _count) = (newest, int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var known) ? known : 1);
            }
            _file = Open(path);
        }

        public string? Newest { get; set; }

        public int Waiting => _waiting.WrittenCount;

        public string Position => string.Create(CultureInfo.InvariantCulture, $"{Newest} {_count}");

        /// <summary>What is asked for once more is left out.</summary>
        public void Resume() => (_skipUpTo, _skipEqual) = (Newest, _count);

        public void TakeStamped(ReadOnlySpan<byte> entry)
        {
            if (entry.Length <= StampBytes || entry[StampBytes] != ' ')
            {
                Take(entry);
                return;
            }
            var stamp = Encoding.ASCII.GetString(entry[..StampBytes]);
            if (_skipUpTo is { } upTo)
            {
                var order = string.CompareOrdinal(stamp, upTo);
                if (order < 0 || (order == 0 && _skipEqual-- > 0))
                {
                    return;
                }
                _skipUpTo = null;
            }
            (_count, Newest) = (stamp == Newest ? _count + 1 : 1, stamp);
            Take(entry[(StampBytes + 1)..]);
        }

        public void Take(ReadOnlySpan<byte> content) => _waiting.Write(content);

        public void Write()
        {
            if (_file is not null && _waiting.WrittenCount > 0)
            {
                // In append mode the offset does not count.
                RandomAccess.Write(_file, _waiting.WrittenSpan, RandomAccess.GetLength(_file));
            }
            _waiting.ResetWrittenCount();
        }

        // The task can write to this directory and the agent may be root: the file may be no link, and no pipe that nobody reads.
        private static SafeFileHandle? Open(string path)
        {
            var descriptor = Node.Native.open(path, Node.Native.O_RDWR | Node.Native.O_CLOEXEC | Node.Native.O_NOFOLLOW | Node.Native.O_APPEND);
            if (descriptor < 0)
            {
                return null;
            }
            var file = new SafeFileHandle(descriptor, ownsHandle: true);
            if (FileStat.OfOpen(descriptor).IsRegular)
            {
                return file;
            }
            file.Dispose();
            return null;
        }

        public void Dispose() => _file?.Dispose();
    }
}
