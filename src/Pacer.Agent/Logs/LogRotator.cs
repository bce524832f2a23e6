using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Pacer.Agent.Containers;
using Pacer.Agent.Node;
using Pacer.Agent.Tasks;

namespace Pacer.Agent.Logs;

/// <summary>
/// Keeps a task's <c>stdout</c> and <c>stderr</c> below a size: the content moves to <c>stdout.1</c>, that to <c>stdout.2</c>, and so
/// on. The task holds its file open in append mode, so the file can't be renamed away: it is copied while the task runs, the task is
/// stopped for the few milliseconds that the rest takes, and the file is cut to nothing.
/// </summary>
internal sealed partial class LogRotator(IContainerRuntime runtime, Sandboxes sandboxes, long maxBytes, int keep, ILogger logger)
{
    private const int BufferBytes = 1 << 20;

    /// <summary>One look at all running tasks: two stat calls each.</summary>
    public void RotateAll(IEnumerable<TaskSupervisor> tasks, CancellationToken cancellationToken)
    {
        foreach (var task in tasks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var snapshot = task.Snapshot;
            if (snapshot.Phase != TaskPhase.Running)
            {
                continue;
            }
            var sandbox = sandboxes.PathOf(snapshot.TaskId);
            Look(task, snapshot.ContainerId, sandbox, "stdout");
            Look(task, snapshot.ContainerId, sandbox, "stderr");
        }
    }

    private void Look(TaskSupervisor task, string containerId, string sandbox, string name)
    {
        try
        {
            var file = new FileInfo(Path.Combine(sandbox, name));
            // A task may have put a link in place of its log: what it points to is not ours to cut.
            if (file.Exists && file.LinkTarget is null && file.Length > maxBytes)
            {
                Rotate(task.Logs, containerId, sandbox, name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotRotated(logger, Path.Combine(sandbox, name), e.Message);
        }
    }

    public void Rotate(LogGenerations generations, string containerId, string sandbox, string name)
    {
        var path = Path.Combine(sandbox, name);
        var copyPath = path + ".rotating";
        var buffer = new byte[BufferBytes];
        try
        {
            // The task may write to this directory and the agent may be root: neither file may be reached through a link of the task's.
            File.Delete(copyPath);
            using (var source = OpenLog(path))
            {
                using var copy = new FileStream(copyPath, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
                File.SetUnixFileMode(copy.SafeFileHandle, File.GetUnixFileMode(source.SafeFileHandle));
                var owner = FileStat.OfLink(path);
                new NodeUser(owner.Uid, owner.Gid).Own(copyPath);
                // What is there now, while the task writes on. Not more: a fast writer would keep us here for ever.
                Copy(source, copy, buffer, source.Length);
                // Readers wait from here on, so that none sees the file cut but not counted.
                lock (generations.Gate)
                {
                    using var frozen = runtime.Freeze(containerId);
                    Copy(source, copy, buffer, long.MaxValue);
                    copy.Flush();
                    Shift(sandbox, name);
                    File.Move(copyPath, path + ".1", overwrite: true);
                    source.SetLength(0);
                    if (name == "stdout")
                    {
                        generations.Stdout++;
                    }
                    else
                    {
                        generations.Stderr++;
                    }
                }
            }
        }
        finally
        {
            File.Delete(copyPath);
        }
    }

    private static FileStream OpenLog(string path)
    {
        var descriptor = Native.open(path, Native.O_RDWR | Native.O_CLOEXEC | Native.O_NOFOLLOW);
        return descriptor >= 0
            ? new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0)
            : throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    private void Shift(string sandbox, string name)
    {
        for (var i = Math.Max(1, keep); i >= 1; i--)
        {
            var old = Numbered(sandbox, name, i);
            if (!File.Exists(old))
            {
                continue;
            }
            if (i >= keep)
            {
                File.Delete(old);
            }
            else
            {
                File.Move(old, Numbered(sandbox, name, i + 1), overwrite: true);
            }
        }
    }

    public static string Numbered(string sandbox, string name, int generation) =>
        Path.Combine(sandbox, generation == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}.{generation}"));

    private static void Copy(FileStream source, FileStream target, byte[] buffer, long most)
    {
        while (most > 0)
        {
            var read = source.Read(buffer, 0, (int)Math.Min(buffer.Length, most));
            if (read == 0)
            {
                return;
            }
            target.Write(buffer, 0, read);
            most -= read;
        }
    }

    [LoggerMessage(2701, LogLevel.Warning, "Can't rotate {Path}: {Cause}")]
    private static partial void LogNotRotated(ILogger logger, string path, string cause);
}
