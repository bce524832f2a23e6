using Pacer.Agent.Checkpoints;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>
/// Files with the contents of secrets, one directory a task, on a file system that is kept in memory. Each is there from before the task
/// begins until nothing of its container is left.
/// </summary>
internal sealed class SecretFiles(string runDirectory, string agentId)
{
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly Lock _gate = new();

    private readonly Lazy<string?> _root = new(() => Find(runDirectory, agentId));

    /// <summary>Where a task's secret lies.</summary>
    public string PathOf(string taskId, int mount) =>
        Path.Combine(_root.Value ?? throw new FetchException(NoMemory), TaskCheckpoints.FileName(taskId), $"{mount}");

    /// <summary>Writes the files that the order asks for. Repeatable. Throws <see cref="FetchException"/>.</summary>
    /// <param name="user">The only one who may read them, besides root.</param>
    /// <param name="forAnyUser">Nobody here knows which user the container has; only the container sees the file.</param>
    public void Write(TaskSpec spec, NodeUser user, bool forAnyUser)
    {
        for (var i = 0; i < spec.Mounts.Count; i++)
        {
            if (!spec.Mounts[i].IsSecret)
            {
                continue;
            }
            var path = PathOf(spec.TaskId, i);
            var directory = Path.GetDirectoryName(path)!;
            // The agent's user lets others pass through but not look: files have names of no use to them.
            lock (_gate)
            {
                Directory.CreateDirectory(_root.Value!, Passable);
                Directory.CreateDirectory(directory, Passable);
            }
            File.Delete(path);
            using (var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                file.Write(spec.Mounts[i].Secret.Span);
            }
            File.SetUnixFileMode(path, forAnyUser
                ? UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead
                : UnixFileMode.UserRead);
            user.Own(path);
        }
    }

    /// <summary>Removes what a task had. Repeatable.</summary>
    public void Remove(string taskId)
    {
        if (_root.Value is not { } root || !Directory.Exists(root))
        {
            return;
        }
        lock (_gate)
        {
            if (Path.Combine(root, TaskCheckpoints.FileName(taskId)) is var path && Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
                RemoveIfEmpty(root);
            }
        }
    }

    /// <summary>Removes what tasks left that an earlier agent had and nobody knows any more.</summary>
    public void RemoveAllBut(IReadOnlySet<string> tasks)
    {
        if (_root.Value is not { } root || !Directory.Exists(root))
        {
            return;
        }
        lock (_gate)
        {
            var known = tasks.Select(TaskCheckpoints.FileName).ToHashSet(StringComparer.Ordinal);
            foreach (var directory in Directory.EnumerateDirectories(root).Where(path => !known.Contains(Path.GetFileName(path))))
            {
                Directory.Delete(directory, recursive: true);
            }
            RemoveIfEmpty(root);
        }
    }

    private static void RemoveIfEmpty(string root)
    {
        if (!Directory.EnumerateFileSystemEntries(root).Any())
        {
            Directory.Delete(root);
        }
    }

    private const string NoMemory = "The node has no file system in memory for the files of secrets, which have no place on a disk";

    private static string? Find(string runDirectory, string agentId)
    {
        foreach (var (parent, name) in ((string, string)[])[(runDirectory, "secrets"), ("/dev/shm", $"pacer-secrets-{agentId}")])
        {
            try
            {
                if (Directory.Exists(parent) && new DriveInfo(parent).DriveFormat is "tmpfs" or "ramfs")
                {
                    return Path.Combine(parent, name);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Not ours to use: the next may be.
            }
        }
        return null;
    }
}
