using System.Runtime.InteropServices;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// Root file systems of containers with an image: overlayfs over the image's layers with a writable directory of the container's own,
/// which goes when the container goes.
/// </summary>
internal sealed class ImageRoots(OciPaths paths)
{
    private const int PageBytes = 4096;

    /// <summary>Null when this machine can do it; else why not.</summary>
    public string? Problem()
    {
        var lower = $"{paths.Writable}/.probe-lower";
        try
        {
            Directory.CreateDirectory(lower);
            Mount(".probe", [lower]);
            return null;
        }
        catch (Exception e) when (e is ContainerStartException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        finally
        {
            Remove(".probe");
            Directory.Delete(lower);
        }
    }

    /// <summary>Mounts a container's root; returns where. Throws <see cref="ContainerStartException"/>.</summary>
    /// <param name="layers">Top first.</param>
    public string Mount(string containerId, IReadOnlyList<string> layers)
    {
        var (root, writable) = (paths.ImageRoot(containerId), $"{paths.Writable}/{containerId}");
        Directory.CreateDirectory(root);
        Directory.CreateDirectory($"{writable}/upper");
        Directory.CreateDirectory($"{writable}/work");
        var parent = -1;
        try
        {
            var options = Options(layers, writable);
            if (options.Length >= PageBytes - 1 && Path.GetDirectoryName(layers[0]) is { } common && layers.All(layer => Path.GetDirectoryName(layer) == common))
            {
                // The kernel takes a page of options: with very many layers a short way to their directory makes room.
                parent = Libc.Open(common, Libc.OpenPathOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0);
                options = Options([.. layers.Select(layer => $"/proc/self/fd/{parent}/{Path.GetFileName(layer)}")], writable);
            }
            if (options.Length >= PageBytes - 1)
            {
                throw new ContainerStartException($"the image has {layers.Count} layers, more than can be stacked here");
            }
            // Device nodes of an image open nothing. "volatile": nobody needs these files after a power cut, so nothing has to wait for
            // the disk; unmounting is then fast, too. Kernels before 5.10 do not know it.
            if (Libc.Mount("overlay", root, "overlay", Libc.MountNoDev, options + ",volatile") != 0
                && (Marshal.GetLastPInvokeError() != Libc.InvalidArgument || Libc.Mount("overlay", root, "overlay", Libc.MountNoDev, options) != 0))
            {
                throw new ContainerStartException($"the image's layers can't be stacked with overlayfs: {Marshal.GetLastPInvokeErrorMessage()}");
            }
            return root;
        }
        finally
        {
            if (parent >= 0)
            {
                _ = Libc.Close(parent);
            }
        }
    }

    /// <summary>Unmounts and removes what a container has written. Repeatable; nothing happens for containers without an image.</summary>
    public void Remove(string containerId)
    {
        var root = paths.ImageRoot(containerId);
        if (Directory.Exists(root))
        {
            while (Libc.Unmount(root, Libc.UnmountDetach) == 0)
            {
                // A start that was repeated after a crash may have mounted twice.
            }
            // Not recursive: what is mounted there must never be removed file by file.
            Directory.Delete(root);
        }
        if (Directory.Exists($"{paths.Writable}/{containerId}"))
        {
            Directory.Delete($"{paths.Writable}/{containerId}", recursive: true);
        }
    }

    /// <summary>Containers of which a root or written files are left.</summary>
    public IEnumerable<string> Containers() =>
        new[] { paths.ImageRootsDirectory, paths.Writable }.Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateDirectories(directory).Select(entry => Path.GetFileName(entry)!)).Where(name => name[0] != '.');

    /// <summary>Users by name, as the image knows them.</summary>
    public static UserDatabase UsersOf(RootedDirectory root) => new(root.ReadText("/etc/passwd") ?? "", root.ReadText("/etc/group") ?? "");

    private static string Options(IReadOnlyList<string> layers, string writable) =>
        $"lowerdir={string.Join(':', layers.Select(Escape))},upperdir={Escape(writable)}/upper,workdir={Escape(writable)}/work";

    private static string Escape(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
}
