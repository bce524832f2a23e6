using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Images.Layers;
using Pacer.Agent.Images.Registry;
using Pacer.Agent.Node;

namespace Pacer.Agent.Images;

/// <summary>
/// The images of a node: pulled once, shared by all containers, kept while one uses them and for a while after. State is files only:
/// <c>images/NAME.json</c> an image (modification time = last use), <c>uses/CONTAINER</c> the digest of the image that a container has,
/// <c>layers/</c> as <see cref="LayerStore"/> says.
/// </summary>
internal sealed partial class ImageStore : IDisposable
{
    private readonly string _records;
    private readonly string _usesDirectory;
    private readonly ImageLimits _limits;
    private readonly RegistryClient _registry;
    private readonly LayerStore _layers;
    private readonly ImagePuller _puller;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ImageRecord> _images = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _uses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task<string>> _pulls = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _pinned = new(StringComparer.Ordinal);

    public ImageStore(string root, RegistrySettings settings, ImageLimits limits, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        (_records, _usesDirectory) = (Path.Combine(root, "images"), Path.Combine(root, "uses"));
        (_limits, _time, _logger, _stopping) = (limits, time, logger, stopping);
        Directory.CreateDirectory(_records);
        Directory.CreateDirectory(_usesDirectory);
        _registry = new RegistryClient(settings, time);
        _layers = new LayerStore(root, logger, stopping);
        _puller = new ImagePuller(_registry, _layers);
        Load();
    }

    /// <summary>Bytes on disk of all images together, about.</summary>
    public long Bytes => _layers.All.Sum(layer => layer.Bytes);

    public IReadOnlyList<string> Digests
    {
        get
        {
            lock (_gate)
            {
                return [.. _images.Keys];
            }
        }
    }

    /// <summary>
    /// The image for a container, pulled if it is not there or if <paramref name="force"/> says to look again what the name means now.
    /// It is the container's until <see cref="Release"/>, also after a restart of the agent.
    /// Throws <see cref="ImageException"/>, which names the image and the cause.
    /// </summary>
    public async Task<ImageRecord> ObtainAsync(string containerId, string image, bool force, DockerConfig logins, CancellationToken cancellationToken)
    {
        var name = ImageName.Parse(image);
        for (var look = !force; ; look = false)
        {
            if (look && TryUse(containerId, record => record.Names.ContainsKey(name.ToString()) || record.Digest == name.Digest) is { } present)
            {
                return present;
            }
            var digest = await PullAsync(name, logins, cancellationToken).ConfigureAwait(false);
            // Between the end of the pull and now it may have been removed, if the disk is that full: then again.
            if (TryUse(containerId, record => record.Digest == digest) is { } pulled)
            {
                return pulled;
            }
        }
    }

    /// <summary>The image that a container has; null: none.</summary>
    public ImageRecord? Of(string containerId)
    {
        lock (_gate)
        {
            return _uses.TryGetValue(containerId, out var digest) ? _images.GetValueOrDefault(digest) : null;
        }
    }

    /// <summary>Directories for overlayfs, top first.</summary>
    public IReadOnlyList<string> LayerPaths(ImageRecord image) => [.. image.Layers.Reverse().Distinct().Select(_layers.PathOf)];

    /// <summary>The container is gone. Repeatable.</summary>
    public void Release(string containerId)
    {
        lock (_gate)
        {
            if (_uses.Remove(containerId, out var digest))
            {
                Touch(digest);
            }
            File.Delete(Path.Combine(_usesDirectory, containerId));
        }
    }

    /// <summary>Forgets the uses of containers that no task has any more.</summary>
    public void ReleaseAllBut(IReadOnlySet<string> containers)
    {
        foreach (var id in _uses.Keys.Where(id => !containers.Contains(id)).ToList())
        {
            Release(id);
        }
    }

    /// <summary>Removes images that are due (<see cref="ImageLimits"/>), and layers that belong to none.</summary>
    public void Collect()
    {
        var now = _time.GetUtcNow().UtcDateTime;
        List<Action> removals = [];
        lock (_gate)
        {
            var used = _uses.Values.ToHashSet(StringComparer.Ordinal);
            foreach (var (digest, lastUse) in _images.Keys.Where(digest => !used.Contains(digest))
                .Select(digest => (Digest: digest, LastUse: File.GetLastWriteTimeUtc(RecordPath(digest)))).OrderBy(entry => entry.LastUse).ToList())
            {
                if (_limits.IsDue(now - lastUse, Bytes, new DriveInfo(_records)))
                {
                    LogRemoved(_logger, string.Join(", ", _images[digest].Names.Keys));
                    File.Delete(RecordPath(digest));
                    _images.Remove(digest);
                    removals.AddRange(RemoveStrayLayers());
                }
            }
            removals.AddRange(RemoveStrayLayers());
        }
        foreach (var remove in removals)
        {
            remove();
        }
    }

    private List<Action> RemoveStrayLayers()
    {
        var wanted = _images.Values.SelectMany(image => image.Layers).Concat(_pinned.Keys).ToHashSet(StringComparer.Ordinal);
        return [.. _layers.All.Where(layer => !wanted.Contains(layer.DiffId)).Select(layer => layer.DiffId).ToList().Select(_layers.Remove)];
    }

    private async Task<string> PullAsync(ImageName name, DockerConfig logins, CancellationToken cancellationToken)
    {
        var key = $"{name} {logins.Identity}";
        Task<string> pull;
        lock (_gate)
        {
            if (!_pulls.TryGetValue(key, out pull!))
            {
                // It belongs to all who wait for it: it goes on when the task that asked first is killed.
                pull = Task.Run(() => PullCoreAsync(name, logins, key), CancellationToken.None);
                _pulls[key] = pull;
            }
        }
        try
        {
            return await pull.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ImageException e)
        {
            throw new ImageException($"Failed to pull the image '{name}': {e.Message}", e);
        }
    }

    private async Task<string> PullCoreAsync(ImageName name, DockerConfig logins, string key)
    {
        IReadOnlyList<string> pins = [];
        try
        {
            var (digest, config) = await _puller.PullAsync(name, logins, FindConfig, layers => Pin(pins = layers), _stopping).ConfigureAwait(false);
            lock (_gate)
            {
                Record(name, digest, config);
            }
            return digest;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(e.Message, e);
        }
        finally
        {
            lock (_gate)
            {
                _pulls.Remove(key);
                foreach (var layer in pins)
                {
                    if (--_pinned[layer] == 0)
                    {
                        _pinned.Remove(layer);
                    }
                }
            }
        }
    }

    private void Pin(IReadOnlyList<string> layers)
    {
        lock (_gate)
        {
            foreach (var layer in layers)
            {
                _pinned[layer] = _pinned.GetValueOrDefault(layer) + 1;
            }
        }
    }

    private ImageConfig? FindConfig(string digest)
    {
        lock (_gate)
        {
            return _images.GetValueOrDefault(digest)?.Config;
        }
    }

    private void Record(ImageName name, string digest, ImageConfig config)
    {
        var text = name.ToString();
        var former = _images.Values.Where(image => image.Digest != digest && image.Names.ContainsKey(text)).ToList();
        var names = new Dictionary<string, long>(_images.GetValueOrDefault(digest)?.Names ?? new Dictionary<string, long>())
        {
            [text] = _time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        // The new one first: after a crash in between the later of two with the same name counts.
        Save(new ImageRecord(1, digest, names, config));
        foreach (var image in former)
        {
            var lastUse = File.GetLastWriteTimeUtc(RecordPath(image.Digest));
            Save(image with { Names = image.Names.Where(entry => entry.Key != text).ToDictionary() });
            File.SetLastWriteTimeUtc(RecordPath(image.Digest), lastUse);
        }
    }

    private ImageRecord? TryUse(string containerId, Func<ImageRecord, bool> isIt)
    {
        lock (_gate)
        {
            var image = _images.Values.FirstOrDefault(isIt);
            if (image is null)
            {
                return null;
            }
            File.WriteAllText(Path.Combine(_usesDirectory, containerId), image.Digest);
            _uses[containerId] = image.Digest;
            Touch(image.Digest);
            return image;
        }
    }

    private void Save(ImageRecord image)
    {
        AtomicFile.Write(RecordPath(image.Digest), JsonSerializer.SerializeToUtf8Bytes(image, ImageJson.Default.ImageRecord), durable: false);
        _images[image.Digest] = image;
    }

    private void Touch(string digest)
    {
        if (_images.ContainsKey(digest))
        {
            File.SetLastWriteTimeUtc(RecordPath(digest), _time.GetUtcNow().UtcDateTime);
        }
    }

    private string RecordPath(string digest) => Path.Combine(_records, digest["sha256:".Length..] + ".json");

    private void Load()
    {
        var latest = new Dictionary<string, (string Digest, long At)>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(_records))
        {
            if (Path.GetExtension(file) == ".json" && Read(file) is { } image && RecordPath(image.Digest) == file && image.Layers.All(_layers.Has))
            {
                _images[image.Digest] = image;
                foreach (var (name, at) in image.Names)
                {
                    latest[name] = !latest.TryGetValue(name, out var other) || other.At < at ? (image.Digest, at) : other;
                }
            }
            else
            {
                File.Delete(file);
            }
        }
        foreach (var image in _images.Values.ToList())
        {
            _images[image.Digest] = image with { Names = image.Names.Where(entry => latest[entry.Key].Digest == image.Digest).ToDictionary() };
        }
        foreach (var file in Directory.EnumerateFiles(_usesDirectory))
        {
            _uses[Path.GetFileName(file)] = File.ReadAllText(file).Trim();
        }
    }

    private static ImageRecord? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), ImageJson.Default.ImageRecord) is { Version: 1, Digest.Length: 71, Names: not null, Config.DiffIds: not null } image
                ? image
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(2503, LogLevel.Information, "Removing an image that no task has used for a while: {Names}")]
    private static partial void LogRemoved(ILogger logger, string names);

    public void Dispose() => _registry.Dispose();
}

/// <summary>How long images are kept that nothing uses.</summary>
/// <param name="Keep">Since the last use.</param>
/// <param name="MostBytes">All images together, those in use included.</param>
internal sealed record ImageLimits(TimeSpan Keep, long MostBytes)
{
    private const double LowestFreeShare = 0.10;

    public bool IsDue(TimeSpan unusedFor, long bytes, DriveInfo drive) =>
        unusedFor > Keep || bytes > MostBytes || drive.AvailableFreeSpace < drive.TotalSize * LowestFreeShare;
}
