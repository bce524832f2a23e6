using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.ExternalVolumes;

/// <summary>
/// External volumes that tasks of this node use: mounted for the first one, taken away after the last. A volume that is not shared has one
/// user at a time. What may be mounted is noted in <c>external/</c>, so that the next agent takes away what nobody uses any more.
/// </summary>
internal sealed partial class ExternalVolumeStore(
    string directory, IReadOnlyDictionary<string, IVolumeDriver> drivers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, Use> _uses = new(StringComparer.Ordinal);

    /// <summary>Names of the drivers, for the node's registration.</summary>
    public IEnumerable<string> Drivers => drivers.Keys;

    /// <summary>Where a mounted volume is; only for tasks that have attached it.</summary>
    public string PathOf(Mount mount) => UseOf(mount).Path ?? throw new FetchException($"The volume {mount.Source} is not mounted");

    /// <summary>
    /// Mounts what the order asks for, but for the volumes of a Docker daemon. Waits for the end of an earlier user. Throws
    /// <see cref="FetchException"/> with the volume's name and the driver's message.
    /// </summary>
    public async Task AttachAsync(TaskSpec spec, NodeUser user, CancellationToken cancellationToken)
    {
        foreach (var mount in Mounts(spec))
        {
            if (!drivers.TryGetValue(mount.External.Driver, out var driver))
            {
                throw new FetchException($"The volume {mount.Source}: this node has no volume driver '{mount.External.Driver}'");
            }
            var use = UseOf(mount);
            var since = time.GetTimestamp();
            while (!use.TryAdd(spec.TaskId, mount.External.Shared))
            {
                if (time.GetElapsedTime(since) > Patience)
                {
                    throw new FetchException($"The volume {mount.Source} is still used by another task, and is not shared");
                }
                await Task.Delay(LookInterval, time, cancellationToken).ConfigureAwait(false);
            }
            await use.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                use.Path ??= await MountAsync(driver, mount, cancellationToken).ConfigureAwait(false);
                if (!mount.External.Shared)
                {
                    user.Own(use.Path);
                }
            }
            catch (VolumeException e)
            {
                throw new FetchException($"The volume {mount.Source} can't be mounted: {e.Message}");
            }
            finally
            {
                use.Turn.Release();
            }
        }
    }

    /// <summary>Notes what a task of an earlier agent uses.</summary>
    public void Resume(TaskSpec spec)
    {
        foreach (var mount in Mounts(spec))
        {
            UseOf(mount).TryAdd(spec.TaskId, mount.External.Shared);
        }
    }

    /// <summary>A task is over and nothing of its container is left: takes away what nobody else uses. What fails is tried again later.</summary>
    public async Task ReleaseAsync(string taskId, CancellationToken cancellationToken)
    {
        foreach (var (file, use) in _uses)
        {
            if (use.Remove(taskId))
            {
                await UnmountAsync(file, use, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Takes away what nobody uses: what failed before, and what an earlier agent left.</summary>
    public async Task UnmountUnusedAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }
        foreach (var path in Directory.EnumerateFiles(directory, "*.json"))
        {
            var file = Path.GetFileName(path);
            await UnmountAsync(file, _uses.GetOrAdd(file, static _ => new Use()), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string> MountAsync(IVolumeDriver driver, Mount mount, CancellationToken cancellationToken)
    {
        var external = mount.External;
        var request = new VolumeRequest(mount.Source, external.SizeGib > 0 ? external.SizeGib : null, external.Options) { Shared = external.Shared };
        if (driver.Program is { } program)
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            AtomicFile.Write(
                Path.Combine(directory, FileOf(mount)),
                JsonSerializer.SerializeToUtf8Bytes(new MountRecord(1, external.Driver, program, request), ExternalVolumeJson.Default.MountRecord),
                durable: true);
        }
        return await driver.MountAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task UnmountAsync(string file, Use use, CancellationToken cancellationToken)
    {
        await use.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!use.IsFree)
            {
                return;
            }
            use.Path = null;
            var path = Path.Combine(directory, file);
            if (!File.Exists(path))
            {
                return;
            }
            var record = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), ExternalVolumeJson.Default.MountRecord)!;
            try
            {
                // The program of then: this agent may have been started without it.
                await new ProgramDriver(record.Program, ProgramDriver.DefaultPatience).UnmountAsync(record.Volume, cancellationToken).ConfigureAwait(false);
                File.Delete(path);
            }
            catch (VolumeException e)
            {
                LogNotUnmounted(record.Volume.Name, e.Message);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            LogNotUnmounted(file, e.Message);
        }
        finally
        {
            use.Turn.Release();
        }
    }

    private static IEnumerable<Mount> Mounts(TaskSpec spec) => spec.Docker is null ? spec.Mounts.Where(mount => mount.External is not null) : [];

    private Use UseOf(Mount mount) => _uses.GetOrAdd(FileOf(mount), static _ => new Use());

    private static string FileOf(Mount mount) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{mount.External.Driver}\n{mount.Source}")).AsSpan(0, 16)) + ".json";

    [LoggerMessage(2511, LogLevel.Warning, "The volume {Name} can't be unmounted now, and is tried again later: {Cause}")]
    private partial void LogNotUnmounted(string name, string cause);

    private sealed class Use
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _tasks = new(StringComparer.Ordinal);
        private bool _shared;

        /// <summary>Whoever speaks with the driver about this volume holds it.</summary>
        public SemaphoreSlim Turn { get; } = new(1);

        public string? Path { get; set; }

        public bool IsFree
        {
            get
            {
                lock (_gate)
                {
                    return _tasks.Count == 0;
                }
            }
        }

        public bool TryAdd(string task, bool shared)
        {
            lock (_gate)
            {
                if (_tasks.Count > 0 && !_tasks.Contains(task) && !(shared && _shared))
                {
                    return false;
                }
                _shared = shared;
                _tasks.Add(task);
                return true;
            }
        }

        public bool Remove(string task)
        {
            lock (_gate)
            {
                return _tasks.Remove(task);
            }
        }
    }
}
