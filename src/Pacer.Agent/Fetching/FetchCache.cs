using System.Security.Cryptography;
using System.Text;

namespace Pacer.Agent.Fetching;

/// <summary>
/// Files fetched before, by user and URI, never looked at again for changes (as in Mesos: fresh content needs a fresh URI).
/// Bounded in size; what is in use stays, what was used longest ago goes first. The folder's files are the whole state: name =
/// key, modification time = last use.
/// </summary>
internal sealed class FetchCache
{
    private readonly string _directory;
    private readonly long _limitBytes;
    private readonly ArtifactSource _source;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stopping;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public FetchCache(string directory, long limitBytes, ArtifactSource source, TimeProvider time, CancellationToken stopping)
    {
        _directory = directory;
        _limitBytes = limitBytes;
        _source = source;
        _time = time;
        _stopping = stopping;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles())
        {
            if (file.Extension == ".part")
            {
                file.Delete();
            }
            else
            {
                _entries[file.Name] = new Entry(Task.FromResult(file.Length)) { Size = file.Length, LastUse = file.LastWriteTimeUtc };
            }
        }
    }

    /// <summary>Bytes of the files that are kept.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _entries.Values.Sum(entry => entry.Size);
            }
        }
    }

    /// <summary>
    /// A file with the content of the URI; pinned until the lease is disposed. Who asks while it is being fetched waits for the
    /// same transfer. Throws <see cref="FetchException"/>.
    /// </summary>
    public async Task<Lease> GetAsync(string user, string uri, CancellationToken cancellationToken)
    {
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{user}\n{uri}")));
        Entry entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out entry!))
            {
                // The transfer belongs to all who wait for it: it is not cancelled with the task that asked first.
                entry = new Entry(Task.Run(() => FillAsync(key, uri), _stopping));
                _entries[key] = entry;
            }
            entry.Pins++;
        }
        try
        {
            var size = await entry.Filled.WaitAsync(cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                entry.Size = size;
                entry.LastUse = _time.GetUtcNow().UtcDateTime;
                File.SetLastWriteTimeUtc(Path.Combine(_directory, key), entry.LastUse);
            }
            return new Lease(this, key, entry);
        }
        catch
        {
            Release(key, entry);
            throw;
        }
    }

    private async Task<long> FillAsync(string key, string uri)
    {
        var file = Path.Combine(_directory, key);
        try
        {
            await _source.CopyToAsync(uri, file + ".part", _stopping).ConfigureAwait(false);
            File.Move(file + ".part", file, overwrite: true);
            return new FileInfo(file).Length;
        }
        catch
        {
            File.Delete(file + ".part");
            throw;
        }
    }

    private void Release(string key, Entry entry)
    {
        lock (_gate)
        {
            entry.Pins--;
            if (entry.Filled is { IsCompleted: true, IsCompletedSuccessfully: false } && _entries.TryGetValue(key, out var current) && current == entry)
            {
                _entries.Remove(key);
            }
            Evict();
        }
    }

    private void Evict()
    {
        var total = _entries.Values.Sum(entry => entry.Size);
        foreach (var (key, entry) in _entries.OrderBy(pair => pair.Value.LastUse).ToList())
        {
            if (total <= _limitBytes)
            {
                return;
            }
            if (entry.Pins == 0 && entry.Filled.IsCompletedSuccessfully)
            {
                File.Delete(Path.Combine(_directory, key));
                _entries.Remove(key);
                total -= entry.Size;
            }
        }
    }

    internal sealed class Entry(Task<long> filled)
    {
        public Task<long> Filled { get; } = filled;

        public int Pins { get; set; }

        public long Size { get; set; }

        public DateTime LastUse { get; set; }
    }

    /// <summary>Right to read a cached file; it stays where it is until disposed.</summary>
    internal sealed class Lease(FetchCache cache, string key, Entry entry) : IDisposable
    {
        private bool _disposed;

        public string File => Path.Combine(cache._directory, key);

        public void Dispose()
        {
            if (!_disposed)
            {
                _disposed = true;
                cache.Release(key, entry);
            }
        }
    }
}
