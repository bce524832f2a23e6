namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// What a container with an image sees: the image, writable; the node's resolver, hosts and host name files, as with the host's network; its
/// sandbox at a fixed place.
/// </summary>
internal static class ImageRootView
{
    /// <summary>Where Mesos mounts the sandbox, and programs expect it.</summary>
    public const string Sandbox = "/mnt/mesos/sandbox";

    /// <summary>Where PID 1's program is bound: in a file system that is not the image's, so nothing of it stays there.</summary>
    public static string InitIn(string program) => "/dev/" + Path.GetFileName(program);

    private static readonly string[] NetworkFiles = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"];

    /// <summary>All mounts, in the order in which they must be made. Pure but for a look which of the node's files exist.</summary>
    public static IReadOnlyList<BundleMount> Mounts(string sandbox, string? init, IReadOnlyList<ContainerMount> volumes)
    {
        List<BundleMount> mounts =
        [
            new("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            new("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
            new("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            new("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            new("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]),
            new("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        ];
        foreach (var file in NetworkFiles)
        {
            if (File.Exists(file))
            {
                mounts.Add(new(file, "bind", new FileInfo(file).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file, ["bind", "ro"]));
            }
        }
        if (init is not null)
        {
            mounts.Add(new(InitIn(init), "bind", init, ["bind", "ro", "nosuid"]));
        }
        mounts.Add(new(Sandbox, "bind", sandbox, ["rbind", "rw"]));
        // The outer one first, where one volume lies in another.
        mounts.AddRange(volumes.OrderBy(volume => volume.Destination.Length).Select(volume =>
            HostRootView.Volume(volume)));
        return mounts;
    }

    /// <summary>The volume with its place as such a container has it: the sandbox lies elsewhere there.</summary>
    public static ContainerMount InImage(ContainerMount volume, string sandbox) =>
        volume.Destination == sandbox || volume.Destination.StartsWith(sandbox + "/", StringComparison.Ordinal)
            ? volume with { Destination = Sandbox + volume.Destination[sandbox.Length..] }
            : volume;

    /// <summary>Whether something of the node lies over this path of the image, so that looking there tells nothing.</summary>
    public static bool IsCovered(string path) =>
        new[] { "/proc", "/sys", "/dev", Sandbox }.Any(covered => path == covered || path.StartsWith(covered + "/", StringComparison.Ordinal));
}
