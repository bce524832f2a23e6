namespace Pacer.Agent.Containers.Oci;

/// <summary>One mount of a container.</summary>
internal sealed record BundleMount(string Destination, string Type, string Source, IReadOnlyList<string> Options);

/// <summary>
/// What a container without an image sees: the host's file system read-only, one bind per top-level directory (the OCI runtime
/// cannot use <c>/</c> itself as root), with the sandbox and a private /tmp writable, and /run and other containers' sandboxes hidden.
/// </summary>
internal static class HostRootView
{
    private static readonly string[] Own = ["/proc", "/sys", "/dev", "/run", "/tmp", "/lost+found"];
    private static readonly string[] ReadOnlyBind = ["rbind", "rslave", "rro"];
    private static readonly string[] WritableBind = ["rbind", "rw"];

    /// <summary>Real directories at the top of the host.</summary>
    public static IReadOnlyList<string> TopLevelDirectories() =>
        [.. new DirectoryInfo("/").EnumerateDirectories().Where(d => d.LinkTarget is null && !Own.Contains(d.FullName))
            .Select(d => d.FullName).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Gives the shared root the host's top-level symbolic links (<c>/bin -> usr/bin</c>) and all its mount points: two containers
    /// that start at once would otherwise both make them, and one would fail.
    /// </summary>
    public static void PrepareRoot(string rootFileSystem)
    {
        foreach (var directory in TopLevelDirectories().Concat(Own.Where(own => own != "/lost+found")))
        {
            Directory.CreateDirectory(rootFileSystem + directory);
        }
        foreach (var entry in new DirectoryInfo("/").EnumerateFileSystemInfos())
        {
            var link = rootFileSystem + entry.FullName;
            if (entry.LinkTarget is { } target && !Path.Exists(link) && new FileInfo(link).LinkTarget is null)
            {
                File.CreateSymbolicLink(link, target);
            }
        }
    }

    /// <summary>All mounts, in the order in which they must be made. Pure but for a look whether the local volumes are there.</summary>
    /// <param name="resolverFile">Where /etc/resolv.conf really lies, when that is hidden with /run; else null.</param>
    public static IReadOnlyList<BundleMount> Mounts(
        IReadOnlyList<string> topLevel, OciPaths paths, string sandbox, string? resolverFile, IReadOnlyList<ContainerMount> volumes)
    {
        List<BundleMount> mounts =
        [
            .. topLevel.Select(d => new BundleMount(d, "bind", d, ReadOnlyBind)),
            new("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            new("/sys", "bind", "/sys", ReadOnlyBind),
            new("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            new("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            new("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]),
            new("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
            new("/run", "tmpfs", "run", ["nosuid", "nodev", "mode=755", "size=65536k"]),
            new("/tmp", "bind", PrivateTmp(sandbox), WritableBind),
        ];
        if (resolverFile is not null)
        {
            mounts.Add(new(resolverFile, "bind", resolverFile, ["bind", "ro"]));
        }

        if (!IsBelow(paths.RunDir, "/run") && !IsBelow(paths.RunDir, "/tmp") && !IsBelow(paths.RunDir, paths.WorkDir))
        {
            mounts.Add(new(paths.RunDir, "tmpfs", "hide", ["nosuid", "nodev", "mode=755", "size=64k"]));
        }

        if (paths.LocalVolumes is { } local && !IsBelow(local, "/run") && !IsBelow(local, "/tmp") && !IsBelow(local, paths.WorkDir) && Directory.Exists(local))
        {
            mounts.Add(new(local, "tmpfs", "hide", ["nosuid", "nodev", "mode=755", "size=64k"]));
        }

        mounts.Add(new(paths.WorkDir, "tmpfs", "hide", ["nosuid", "nodev", "mode=755", "size=64k"]));
        mounts.Add(new(sandbox, "bind", sandbox, WritableBind));
        // The outer one first, where one volume lies in another.
        mounts.AddRange(volumes.OrderBy(volume => volume.Destination.Length).Select(Volume));
        return mounts;
    }

    /// <summary>A volume as a mount; what is recursive takes no file.</summary>
    public static BundleMount Volume(ContainerMount volume) => new(volume.Destination, "bind", volume.Source, volume switch
    {
        { IsFile: true } => ["bind", volume.ReadOnly ? "ro" : "rw"],
        { ReadOnly: true } => ReadOnlyBind,
        _ => WritableBind,
    });

    /// <summary>
    /// Makes sure that a volume's mount point is there: the host's file system is read-only, so nobody can make one in it later. Throws
    /// <see cref="ContainerStartException"/> where that can't be.
    /// </summary>
    public static void PrepareMountPoint(ContainerMount volume, string rootFileSystem, string sandbox)
    {
        var destination = volume.Destination;
        if (IsBelow(destination, sandbox))
        {
            return;
        }
        var topLevel = "/" + destination.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        var onHost = HostPathOf(destination, sandbox);
        if (onHost is null || topLevel is "/" or "/sys")
        {
            throw new ContainerStartException($"a volume can't be mounted at '{destination}'");
        }
        if (Path.Exists(onHost))
        {
            return;
        }
        var place = IsBelow(destination, "/tmp") ? onHost : Path.Exists(topLevel) ? null : rootFileSystem + destination;
        if (place is null)
        {
            throw new ContainerStartException($"the mount path '{destination}' does not exist on this node, and {topLevel} is read-only there. "
                + "Mount the volume at a relative path (in the sandbox), below /tmp, or below a top-level directory that the node does not have");
        }
        if (volume.IsFile)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.OpenHandle(place, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        }
        else
        {
            Directory.CreateDirectory(place);
        }
    }

    public static string PrivateTmp(string sandbox) => sandbox + "/.tmp";

    /// <summary>The file behind /etc/resolv.conf when it lies below /run; null otherwise.</summary>
    public static string? HiddenResolverFile()
    {
        var target = new FileInfo("/etc/resolv.conf").ResolveLinkTarget(returnFinalTarget: true);
        return target is { Exists: true } && IsBelow(target.FullName, "/run") ? target.FullName : null;
    }

    /// <summary>The host path of a path that a container names; null where the container has something of its own.</summary>
    public static string? HostPathOf(string path, string sandbox) =>
        IsBelow(path, sandbox) ? path
        : IsBelow(path, "/tmp") ? PrivateTmp(sandbox) + path["/tmp".Length..]
        : IsBelow(path, "/proc") || IsBelow(path, "/dev") || IsBelow(path, "/run") ? null
        : path;

    private static bool IsBelow(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
