using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Pacer.Agent.Disks;

/// <summary>
/// Limits of directories by project quotas, which XFS and ext4 have when they are mounted with <c>prjquota</c>. Every file below belongs
/// to the directory's project; writes beyond the project's limit fail with EDQUOT. Whether a file system really limits is tried out
/// once on each, so that nobody relies on quotas that are switched off.
/// </summary>
internal sealed partial class ProjectQuota(ILogger logger)
{
    private const long Try = 1 << 20;
    private const uint FirstProject = 0x40000000;
    private const uint LastProject = 0x7fffffff;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, bool> _works = new(StringComparer.Ordinal);

    /// <summary>Limits an empty directory. False when its file system can't.</summary>
    /// <param name="root">Directory on the same file system that always is there: the answer is kept by it.</param>
    public bool TryLimit(string root, string directory, long bytes)
    {
        lock (_gate)
        {
            if (!_works.TryGetValue(root, out var works))
            {
                _works[root] = works = TryOut(root);
                if (works)
                {
                    LogQuotas(root);
                }
            }
            return works && Limit(directory, bytes);
        }
    }

    /// <summary>Gives the directory's project back, before it is removed.</summary>
    public void Release(string directory)
    {
        lock (_gate)
        {
            using var handle = OpenDirectory(directory);
            var attributes = new FileAttributes();
            if (!handle.IsInvalid && Native.ioctl(handle, Native.GetAttributes, ref attributes) == 0 && attributes.Project is >= FirstProject and <= LastProject)
            {
                SetLimit(handle, attributes.Project, 0);
            }
        }
    }

    private bool TryOut(string root)
    {
        var directory = Path.Combine(root, ".quota-" + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(directory);
            if (!Limit(directory, Try))
            {
                return false;
            }
            using var file = File.Create(Path.Combine(directory, "full"), 1);
            file.Write(new byte[2 * Try]);
            file.Flush(flushToDisk: true);
            return false;
        }
        catch (IOException)
        {
            // The write was refused, as it should be.
            return File.Exists(Path.Combine(directory, "full"));
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            if (Directory.Exists(directory))
            {
                Release(directory);
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    private static bool Limit(string directory, long bytes)
    {
        using var handle = OpenDirectory(directory);
        var attributes = new FileAttributes();
        if (handle.IsInvalid || Native.ioctl(handle, Native.GetAttributes, ref attributes) != 0 || FreeProject(handle, directory) is not { } project)
        {
            return false;
        }
        attributes.Flags |= Native.InheritProject;
        attributes.Project = project;
        return SetLimit(handle, project, bytes) && Native.ioctl(handle, Native.SetAttributes, ref attributes) == 0;
    }

    // From a number that follows from the path, so that agents on one file system seldom look at the same ones.
    private static uint? FreeProject(SafeFileHandle handle, string directory)
    {
        var start = (uint)StringHash(directory) & (LastProject - FirstProject);
        for (var i = 0u; i < 1000; i++)
        {
            var project = FirstProject + ((start + i) & (LastProject - FirstProject));
            var quota = new DiskQuota();
            var found = Native.quotactl_fd(Native.SysQuotactlFd, handle, Native.GetQuota, project, ref quota);
            if (found != 0 && Marshal.GetLastPInvokeError() is not (Native.ENOENT or Native.ESRCH))
            {
                return null;
            }
            if (found != 0 || quota is { HardLimit: 0, Blocks: 0, Files: 0 })
            {
                return project;
            }
        }
        return null;
    }

    private static bool SetLimit(SafeFileHandle handle, uint project, long bytes)
    {
        var quota = new DiskQuota
        {
            Version = 1, Kind = Native.ProjectKind, Fields = Native.BlockLimits, Id = project, HardLimit = (ulong)(bytes + 511) / 512, SoftLimit = (ulong)(bytes + 511) / 512,
        };
        return Native.quotactl_fd(Native.SysQuotactlFd, handle, Native.SetQuota, project, ref quota) == 0;
    }

    private static int StringHash(string text)
    {
        var hash = unchecked((int)2166136261);
        foreach (var c in text)
        {
            hash = unchecked((hash ^ c) * 16777619);
        }
        return hash;
    }

    private static SafeFileHandle OpenDirectory(string path) =>
        new(Node.Native.open(path, Node.Native.O_RDONLY | Node.Native.O_CLOEXEC | Node.Native.O_NOFOLLOW), ownsHandle: true);

    [LoggerMessage(2510, LogLevel.Information, "The file system of {Root} limits what volumes and sandboxes take")]
    private partial void LogQuotas(string root);

    /// <summary>struct fsxattr of linux/fs.h.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 28)]
    private struct FileAttributes
    {
        [FieldOffset(0)] public uint Flags;
        [FieldOffset(12)] public uint Project;
    }

    /// <summary>struct fs_disk_quota of linux/dqblk_xfs.h; blocks of 512 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 112)]
    private struct DiskQuota
    {
        [FieldOffset(0)] public sbyte Version;
        [FieldOffset(1)] public sbyte Kind;
        [FieldOffset(2)] public ushort Fields;
        [FieldOffset(4)] public uint Id;
        [FieldOffset(8)] public ulong HardLimit;
        [FieldOffset(16)] public ulong SoftLimit;
        [FieldOffset(40)] public ulong Blocks;
        [FieldOffset(48)] public ulong Files;
    }

    private static partial class Native
    {
        public const ulong GetAttributes = 0x801c581f; // FS_IOC_FSGETXATTR
        public const ulong SetAttributes = 0x401c5820; // FS_IOC_FSSETXATTR
        public const uint InheritProject = 0x200;      // FS_XFLAG_PROJINHERIT
        public const long SysQuotactlFd = 443;         // the same on all architectures
        public const uint GetQuota = (('X' << 8) + 3) << 8 | 2; // Q_XGETQUOTA of PRJQUOTA
        public const uint SetQuota = (('X' << 8) + 4) << 8 | 2; // Q_XSETQLIM of PRJQUOTA
        public const sbyte ProjectKind = 2;            // FS_PROJ_QUOTA
        public const ushort BlockLimits = 4 | 8;       // FS_DQ_BSOFT, FS_DQ_BHARD
        public const int ENOENT = 2;
        public const int ESRCH = 3;

        [LibraryImport("libc", SetLastError = true)]
        public static partial int ioctl(SafeFileHandle file, ulong request, ref FileAttributes attributes);

        [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
        public static partial int quotactl_fd(long number, SafeFileHandle file, uint command, uint id, ref DiskQuota quota);
    }
}
