using Microsoft.Extensions.Logging;
using Pacer.Agent.Checkpoints;
using Pacer.Agent.Disks;
using Pacer.Agent.Node;

namespace Pacer.Agent.Tasks;

/// <summary>
/// Working directories of tasks, <c>sandboxes/TASK_ID</c>. They stay when a task is over, so that its files can be read, and go
/// after two days, or oldest first when there are too many or the disk is nearly full.
/// </summary>
internal sealed partial class Sandboxes(string root, ProjectQuota quota, TimeProvider time, ILogger logger)
{
    private const int MostEnded = 1_000;
    private const double LowestFreeShare = 0.05;
    private static readonly TimeSpan LongestKept = TimeSpan.FromDays(2);

    /// <summary>Even on a full disk: who looks at once why a task failed must find it.</summary>
    private static readonly TimeSpan ShortestKept = TimeSpan.FromMinutes(10);

    public string PathOf(string taskId) => Path.Combine(root, TaskCheckpoints.FileName(taskId));

    /// <summary>The directory that the containers of one launch of a pod's instance share.</summary>
    public string GroupPathOf(string group) => Path.Combine(root, TaskCheckpoints.FileName(group));

    /// <summary>Makes the directory with empty log files, all owned by the task's user. Repeatable.</summary>
    /// <param name="limit">Bytes it may take, where its file system can see to that; null: as much as there is.</param>
    public string Prepare(string taskId, NodeUser user, long? limit)
    {
        var path = PathOf(taskId);
        var isNew = !Directory.Exists(path);
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        user.Own(path);
        if (isNew && limit is { } bytes)
        {
            quota.TryLimit(root, path, bytes);
        }
        foreach (var log in (ReadOnlySpan<string>)["stdout", "stderr"])
        {
            var file = Path.Combine(path, log);
            if (!File.Exists(file))
            {
                File.OpenHandle(file, FileMode.Create, FileAccess.Write).Dispose();
                user.Own(file);
            }
        }
        return path;
    }

    /// <summary>Starts the clock for a sandbox whose task is forgotten.</summary>
    public void MarkEnded(string taskId, string? group)
    {
        Touch(PathOf(taskId));
        if (group is not null)
        {
            Touch(GroupPathOf(group));
        }
    }

    private void Touch(string path)
    {
        try
        {
            Directory.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
        }
        catch (IOException)
        {
            // Removed by hand, or by the task itself: nothing to keep.
        }
    }

    /// <summary>Removes what is due. <paramref name="isKnown"/> tells file names of tasks that are not forgotten yet.</summary>
    public void Collect(Func<string, bool> isKnown)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var ended = new DirectoryInfo(root).EnumerateDirectories()
            .Where(directory => !isKnown(directory.Name))
            .OrderBy(directory => directory.LastWriteTimeUtc)
            .ToList();
        var drive = new DriveInfo(root);
        for (var i = 0; i < ended.Count; i++)
        {
            var age = now - ended[i].LastWriteTimeUtc;
            var due = age > LongestKept
                || (age > ShortestKept && (ended.Count - i > MostEnded || drive.AvailableFreeSpace < drive.TotalSize * LowestFreeShare));
            if (!due)
            {
                return;
            }
            try
            {
                quota.Release(ended[i].FullName);
                ended[i].Delete(recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotRemoved(ended[i].FullName, e.Message);
            }
        }
    }

    [LoggerMessage(2201, LogLevel.Warning, "Can't remove the old sandbox {Path}: {Cause}")]
    private partial void LogNotRemoved(string path, string cause);
}
