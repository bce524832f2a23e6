using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Node;

namespace Pacer.Agent.Images.Layers;

/// <summary>
/// Unpacked layers, each once, named by the digest of what is in them. A layer is there when its record is: that is written when
/// the directory is complete and in its place. What a crash leaves behind has no record and is removed at the next start.
/// <para>
/// A power cut may lose files that the kernel had not written yet. So a record holds the boot id until everything has reached the
/// disk; one with another boot id than the machine's is not trusted.
/// </para>
/// </summary>
internal sealed partial class LayerStore
{
    private const int NameDigits = 12;

    private readonly string _layers;
    private readonly string _temporary;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;
    private readonly ConcurrentDictionary<string, LayerRecord> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task>> _filling = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _syncing = new(1);

    public LayerStore(string root, ILogger logger, CancellationToken stopping)
    {
        (_layers, _temporary, _logger, _stopping) = (Path.Combine(root, "layers"), Path.Combine(root, "tmp"), logger, stopping);
        Directory.CreateDirectory(_layers);
        Directory.CreateDirectory(_temporary);
        Load();
    }

    public IEnumerable<LayerRecord> All => _known.Select(entry => entry.Value);

    public bool Has(string diffId) => _known.ContainsKey(diffId);

    public long BytesOf(string diffId) => _known.TryGetValue(diffId, out var layer) ? layer.Bytes : 0;

    /// <summary>The directory of a layer, there or not. Short: overlayfs takes all of an image's in one page of text.</summary>
    public string PathOf(string diffId) => Path.Combine(_layers, diffId.Substring("sha256:".Length, NameDigits));

    /// <summary>
    /// Sees to it that a layer is there. Who asks while it is being fetched waits for the same transfer, which goes on when one of them
    /// gives up. Throws <see cref="ImageException"/>.
    /// </summary>
    /// <param name="identity">Whose rights the transfer has: one with other rights does not wait for it.</param>
    /// <param name="open">The layer's archive; called only if it is needed.</param>
    public async Task EnsureAsync(string diffId, string identity, Func<CancellationToken, Stream> open, CancellationToken cancellationToken)
    {
        if (Has(diffId))
        {
            return;
        }
        var key = $"{diffId} {identity}";
        var filling = _filling.GetOrAdd(key, _ => new(() => Task.Run(() => FillAsync(diffId, open), CancellationToken.None)));
        try
        {
            await filling.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (filling.Value.IsCompleted)
            {
                _filling.TryRemove(new(key, filling));
            }
        }
    }

    /// <summary>Takes a layer out of the store at once; its files are removed by what is returned, which may take a while.</summary>
    public Action Remove(string diffId)
    {
        if (!_known.TryRemove(diffId, out _))
        {
            return static () => { };
        }
        File.Delete(PathOf(diffId) + ".json");
        var grave = NewTemporary();
        Directory.Move(PathOf(diffId), grave);
        return () => RemoveTree(grave);
    }

    private async Task FillAsync(string diffId, Func<CancellationToken, Stream> open)
    {
        var directory = NewTemporary();
        Directory.CreateDirectory(directory);
        try
        {
            var archive = open(_stopping);
            long bytes;
            await using (archive.ConfigureAwait(false))
            {
                bytes = await LayerArchive.UnpackAsync(archive, diffId, directory, _stopping).ConfigureAwait(false);
            }
            if (TryPlace(diffId, directory))
            {
                var record = new LayerRecord(1, diffId, bytes, ContainerRecord.CurrentBootId);
                Write(record, durable: false);
                _known[diffId] = record;
                _ = MakeDurableAsync(record);
            }
        }
        catch (IOException e)
        {
            throw new ImageException($"its layer {diffId} can't be unpacked: {e.Message}", e);
        }
        finally
        {
            RemoveTree(directory);
        }
    }

    /// <summary>False: somebody with other rights has just done the same.</summary>
    private bool TryPlace(string diffId, string directory)
    {
        lock (_filling)
        {
            var place = PathOf(diffId);
            if (Has(diffId))
            {
                return false;
            }
            if (_known.Values.FirstOrDefault(layer => PathOf(layer.DiffId) == place) is { } other)
            {
                throw new ImageException($"its layer {diffId} has the same short name as {other.DiffId}; remove one of the two images");
            }
            if (Directory.Exists(place))
            {
                RemoveTree(place);
            }
            Directory.Move(directory, place);
            return true;
        }
    }

    private async Task MakeDurableAsync(LayerRecord record)
    {
        try
        {
            await _syncing.WaitAsync(_stopping).ConfigureAwait(false);
            try
            {
                await Task.Run(Sync, _stopping).ConfigureAwait(false);
                if (_known.TryUpdate(record.DiffId, record with { BootId = null }, record))
                {
                    Write(record with { BootId = null }, durable: true);
                }
            }
            finally
            {
                _syncing.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The next agent does it, or fetches the layer again after a power cut.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotDurable(record.DiffId, e.Message);
        }
    }

    private void Sync()
    {
        var descriptor = Libc.Open(_layers, Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0);
        if (descriptor >= 0)
        {
            _ = Libc.SyncFileSystem(descriptor);
            _ = Libc.Close(descriptor);
        }
    }

    private void Load()
    {
        foreach (var leftover in Directory.EnumerateFileSystemEntries(_temporary))
        {
            RemoveTree(leftover);
        }
        foreach (var file in Directory.EnumerateFiles(_layers))
        {
            if (Path.GetExtension(file) == ".json" && Read(file) is { } layer && PathOf(layer.DiffId) + ".json" == file && Directory.Exists(PathOf(layer.DiffId))
                && (layer.BootId is null || layer.BootId == ContainerRecord.CurrentBootId))
            {
                _known[layer.DiffId] = layer;
                if (layer.BootId is not null)
                {
                    _ = MakeDurableAsync(layer);
                }
            }
            else
            {
                File.Delete(file);
            }
        }
        var complete = _known.Keys.Select(PathOf).ToHashSet(StringComparer.Ordinal);
        foreach (var directory in Directory.EnumerateDirectories(_layers).Where(directory => !complete.Contains(directory)))
        {
            RemoveTree(directory);
        }
    }

    private static LayerRecord? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), ImageJson.Default.LayerRecord) is { Version: 1, DiffId.Length: 71 } layer ? layer : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private void Write(LayerRecord layer, bool durable) =>
        AtomicFile.Write(PathOf(layer.DiffId) + ".json", JsonSerializer.SerializeToUtf8Bytes(layer, ImageJson.Default.LayerRecord), durable);

    private string NewTemporary() => Path.Combine(_temporary, Guid.NewGuid().ToString("N"));

    private void RemoveTree(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotRemoved(directory, e.Message);
        }
    }

    [LoggerMessage(2501, LogLevel.Warning, "Can't remove {Path}, a leftover of an image: {Cause}")]
    private partial void LogNotRemoved(string path, string cause);

    [LoggerMessage(2502, LogLevel.Warning, "Can't note that layer {Layer} is on the disk: {Cause}")]
    private partial void LogNotDurable(string layer, string cause);
}

/// <param name="Version">Of the format.</param>
/// <param name="Bytes">On disk, about.</param>
/// <param name="BootId">The machine's, as long as not all of it has reached the disk; then null.</param>
internal sealed record LayerRecord(int Version, string DiffId, long Bytes, string? BootId);
