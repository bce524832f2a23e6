using Pacer.Agent.Node;

namespace Pacer.Agent.Fetching;

/// <summary>
/// Puts entries of an archive into a directory and never outside of it: the agent may be root, and archives come from anywhere.
/// Permissions are kept but for set-uid, set-gid and sticky.
/// </summary>
internal static class Extraction
{
    private const UnixFileMode Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>A new file for an entry; what was there under that name, also a link, is replaced.</summary>
    public static FileStream CreateFile(string directory, string entry)
    {
        var path = Place(directory, entry);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true);
    }

    public static void SetFileMode(FileStream file, UnixFileMode mode)
    {
        if (mode != UnixFileMode.None)
        {
            File.SetUnixFileMode(file.SafeFileHandle, (mode & Permissions) | UnixFileMode.UserRead);
        }
    }

    public static void CreateDirectory(string directory, string entry, UnixFileMode mode)
    {
        var path = Place(directory, entry, allowRoot: true);
        if (path == Path.GetFullPath(directory))
        {
            return;
        }
        Directory.CreateDirectory(path);
        if (mode != UnixFileMode.None)
        {
            File.SetUnixFileMode(path, (mode & Permissions) | OwnerAll);
        }
    }

    public static void CreateSymbolicLink(string directory, string entry, string target)
    {
        var path = Place(directory, entry);
        var parent = Path.GetDirectoryName(path)!;
        var below = parent.Length > Path.GetFullPath(directory).Length ? parent[(Path.GetFullPath(directory).Length + 1)..] + "/" : "";
        if (target.StartsWith('/') || ConfinedPath.Resolve(directory, below + target) is null)
        {
            throw new IOException($"the archive's link '{entry}' points to '{target}', outside of the sandbox");
        }
        Directory.CreateDirectory(parent);
        File.Delete(path);
        File.CreateSymbolicLink(path, target);
    }

    public static void CreateHardLink(string directory, string entry, string target)
    {
        var path = Place(directory, entry);
        var source = Place(directory, target);
        if (new FileInfo(source) is not { Exists: true, LinkTarget: null })
        {
            throw new IOException($"the archive's link '{entry}' points to '{target}', which is not a file in it");
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        // A copy has all that a task can expect of it, and no inode is then shared by surprise.
        File.Copy(source, path);
    }

    /// <summary>
    /// Looks once more where links lead: a later entry may have put a link in the way of an earlier one, and so have changed its end. Throws
    /// <see cref="IOException"/> for one that leads out of the directory.
    /// </summary>
    public static void CheckLinks(string directory)
    {
        var everywhere = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };
        foreach (var folder in Directory.EnumerateDirectories(directory, "*", everywhere).Prepend(directory))
        {
            foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            {
                // Archives bring none that begin with "/".
                if (entry.LinkTarget is { } target && !target.StartsWith('/')
                    && Path.GetRelativePath(directory, entry.FullName) is var name && ConfinedPath.Resolve(directory, "./" + name) is null)
                {
                    throw new IOException($"the archive's link '{name}' leads out of the sandbox");
                }
            }
        }
    }

    private static string Place(string directory, string entry, bool allowRoot = false)
    {
        // Resolved as a path below the directory, never as the directory's own absolute path.
        var place = ConfinedPath.Resolve(directory, "./" + entry, followLast: false);
        return place is null || (!allowRoot && place == Path.GetFullPath(directory))
            ? throw new IOException($"the archive's entry '{entry}' leads out of the sandbox")
            : place;
    }
}
