using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// The run directory has to lie on a tmpfs: a bundle on the root file system would make the container pin the host's mounts, and
/// state there would outlive a reboot that the containers do not.
/// </summary>
internal static class RunDirectory
{
    private const long TmpfsMagic = 0x01021994;

    /// <summary>Creates it and mounts a tmpfs on it when it is not on one. Null, or what went wrong.</summary>
    public static string? Prepare(string path)
    {
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
                UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"the run directory {path} cannot be created";
        }

        if (IsOnTmpfs(path) || (Libc.Mount("pacer", path, "tmpfs", Libc.MountNoSuid | Libc.MountNoDev, "mode=0755,size=512m") == 0 && IsOnTmpfs(path)))
        {
            return null;
        }

        return $"the run directory {path} is not on a tmpfs and none could be mounted there";
    }

    public static unsafe bool IsOnTmpfs(string path)
    {
        var result = stackalloc byte[256];
        return Libc.StatFs(path, result) == 0 && *(long*)result == TmpfsMagic;
    }
}
