using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Pacer.Agent.Disks;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>What the agent knows of a persistent volume; kept beside its data.</summary>
/// <param name="InstanceId">The only instance that may use it.</param>
/// <param name="Doomed">To be wiped once no task uses it.</param>
internal sealed record VolumeRecord(int Version, string Id, string InstanceId, long SizeBytes, bool Doomed)
{
    /// <summary>Path of the disk that the data lies on; null: the agent's own.</summary>
    public string? Disk { get; init; }
}

/// <summary>
/// Persistent volumes of the node: <c>volumes/UUID/data</c> with <c>volume.json</c> beside it; on a disk that is not the agent's own the data
/// is in <c>pacer-volumes/UUID</c> there. Nothing but a wipe, which the server orders,
/// removes data. A volume is used by one launch of one instance at a time.
/// </summary>
internal sealed partial class VolumeStore(string root, IReadOnlyList<Disk> disks, ProjectQuota quota, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();

    // By volume: the launch that uses it (an app's task, a pod's group), and which of its tasks do.
    private readonly Dictionary<string, (string Launch, HashSet<string> Tasks)> _used = new(StringComparer.Ordinal);

    private readonly SemaphoreSlim _wiping = new(1);

    /// <summary>Called when data has been destroyed.</summary>
    public Action? Wiped { get; set; }

    public string DataOf(PersistentVolume volume) => DataOf(volume.Id, volume.Disk);

    private string DataOf(string id, string? disk) =>
        disk is { Length: > 0 } ? Path.Combine(RootOn(disk), UuidOf(id)) : Path.Combine(DirectoryOf(id), "data");

    private static string RootOn(string disk) => Path.Combine(disk, "pacer-volumes");

    /// <summary>Ids of all volumes whose data is there.</summary>
    public IReadOnlyList<string> Ids => [.. All().Select(record => record.Id).Order(StringComparer.Ordinal)];

    /// <summary>Why an order's volume can't be one of the node's; null when it can.</summary>
    public static string? Refuse(PersistentVolume volume) =>
        Guid.TryParseExact(UuidOf(volume.Id), "D", out _) && volume.InstanceId.Length > 0
            ? null
            : $"The volume id '{volume.Id}' does not end with '#' and a UUID, or its instance is missing";

    /// <summary>
    /// Gives the volumes of an order to its task, and makes those that are not there. Waits for the end of an earlier launch of the same
    /// instance. Throws <see cref="FetchException"/> when a volume is another's.
    /// </summary>
    public async Task AttachAsync(TaskSpec spec, NodeUser user, CancellationToken cancellationToken)
    {
        foreach (var volume in spec.Mounts.Select(mount => mount.Volume).OfType<PersistentVolume>())
        {
            var since = time.GetTimestamp();
            while (!TryAttach(spec, volume, user))
            {
                if (time.GetElapsedTime(since) > Patience)
                {
                    throw new FetchException($"The volume {volume.Id} is still used by an earlier launch");
                }
                await Task.Delay(LookInterval, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Notes what a task of an earlier agent uses.</summary>
    public void Resume(TaskSpec spec)
    {
        lock (_gate)
        {
            foreach (var volume in spec.Mounts.Select(mount => mount.Volume).OfType<PersistentVolume>())
            {
                Use(volume.Id, spec);
            }
        }
    }

    /// <summary>A task is over and nothing of its container is left.</summary>
    public void Release(string taskId)
    {
        var free = new List<string>();
        lock (_gate)
        {
            foreach (var (id, use) in _used)
            {
                if (use.Tasks.Remove(taskId) && use.Tasks.Count == 0)
                {
                    free.Add(id);
                }
            }
            foreach (var id in free)
            {
                _used.Remove(id);
            }
        }
        if (free.Count > 0)
        {
            WipeDoomed();
        }
    }

    /// <summary>Destroys the data of volumes, now or as soon as no task uses them. Unknown ones are left out.</summary>
    public void Wipe(IEnumerable<string> ids)
    {
        lock (_gate)
        {
            foreach (var id in ids)
            {
                if (Read(DirectoryOf(id)) is { Doomed: false } record && record.Id == id)
                {
                    Save(record with { Doomed = true });
                }
            }
        }
        WipeDoomed();
    }

    /// <summary>Goes on with wipes that an earlier agent did not end.</summary>
    public void WipeDoomed() => _ = Task.Run(async () =>
    {
        await _wiping.WaitAsync().ConfigureAwait(false);
        var wiped = false;
        try
        {
            foreach (var record in All().Where(record => record.Doomed))
            {
                lock (_gate)
                {
                    if (_used.ContainsKey(record.Id))
                    {
                        continue;
                    }
                }
                // Nobody is given a doomed volume, so it stays unused. The record goes last: a crash finds it, and goes on.
                var data = DataOf(record.Id, record.Disk);
                if (record.Disk is { } disk && disks.All(known => known.Path != disk))
                {
                    LogDiskMissing(record.Id, disk);
                    continue;
                }
                if (Directory.Exists(data))
                {
                    quota.Release(data);
                    Directory.Delete(data, recursive: true);
                }
                Directory.Delete(DirectoryOf(record.Id), recursive: true);
                LogWiped(record.Id);
                wiped = true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotWiped(e.Message);
        }
        finally
        {
            _wiping.Release();
        }
        if (wiped)
        {
            Wiped?.Invoke();
        }
    });

    private bool TryAttach(TaskSpec spec, PersistentVolume volume, NodeUser user)
    {
        lock (_gate)
        {
            var directory = DirectoryOf(volume.Id);
            var record = Read(directory);
            if (record is not null && record.InstanceId != volume.InstanceId)
            {
                throw new FetchException($"The volume {volume.Id} belongs to the instance {record.InstanceId}");
            }
            if (record is { Doomed: true })
            {
                throw new FetchException($"The volume {volume.Id} is being wiped");
            }
            if (_used.TryGetValue(volume.Id, out var use) && use.Launch != LaunchOf(spec))
            {
                return false;
            }
            var disk = volume.Disk.Length > 0 ? disks.FirstOrDefault(known => known.Path == volume.Disk) : null;
            if (volume.Disk.Length > 0 && disk is null)
            {
                throw new FetchException($"The disk {volume.Disk} of the volume {volume.Id} is not there: the agent was started without --volume-disk for it");
            }
            if (record is not null && !Directory.Exists(DataOf(volume)))
            {
                // An empty one in its place would look as if the data had never been.
                throw new FetchException($"The data of the volume {volume.Id} is not at {DataOf(volume)}. Is its disk mounted?");
            }
            if (record is null)
            {
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
                var data = DataOf(volume);
                Directory.CreateDirectory(data);
                if (disk is not { Type: DiskType.DiskMount }) // that one is the volume's alone
                {
                    quota.TryLimit(disk is null ? root : RootOn(disk.Path), data, volume.SizeBytes);
                }
                // Containers of one pod may run as different users.
                File.SetUnixFileMode(data, (UnixFileMode)0b111_111_111);
                user.Own(data);
                Save(new VolumeRecord(1, volume.Id, volume.InstanceId, volume.SizeBytes, Doomed: false) { Disk = disk?.Path });
            }
            Use(volume.Id, spec);
            return true;
        }
    }

    private void Use(string id, TaskSpec spec)
    {
        if (!_used.TryGetValue(id, out var use))
        {
            _used[id] = use = (LaunchOf(spec), new HashSet<string>(StringComparer.Ordinal));
        }
        use.Tasks.Add(spec.TaskId);
    }

    private static string LaunchOf(TaskSpec spec) => spec.Group.Length > 0 ? spec.Group : spec.TaskId;

    private IEnumerable<VolumeRecord> All() =>
        Directory.Exists(root) ? Directory.EnumerateDirectories(root).Select(Read).OfType<VolumeRecord>() : [];

    private static VolumeRecord? Read(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, "volume.json")), VolumeJson.Default.VolumeRecord);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private void Save(VolumeRecord record) => AtomicFile.Write(
        Path.Combine(DirectoryOf(record.Id), "volume.json"), JsonSerializer.SerializeToUtf8Bytes(record, VolumeJson.Default.VolumeRecord), durable: true);

    private string DirectoryOf(string id) => Path.Combine(root, UuidOf(id));

    private static string UuidOf(string id) => id[(id.LastIndexOf('#') + 1)..];

    [LoggerMessage(2501, LogLevel.Information, "Wiped the volume {Id}")]
    private partial void LogWiped(string id);

    [LoggerMessage(2503, LogLevel.Warning, "The volume {Id} can't be wiped before its disk {Disk} is back (--volume-disk)")]
    private partial void LogDiskMissing(string id, string disk);

    [LoggerMessage(2502, LogLevel.Error, "A volume can't be wiped now, and is tried again later: {Cause}")]
    private partial void LogNotWiped(string cause);
}

[JsonSerializable(typeof(VolumeRecord))]
internal sealed partial class VolumeJson : JsonSerializerContext;
