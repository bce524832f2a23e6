using System.Globalization;
using System.Runtime.InteropServices;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// IPC namespaces that the containers of one pod share, each with a /dev/shm of its own. A namespace lives as long as the file it is
/// bound to, so it needs no process to hold it; it goes with the last container that was given it.
/// </summary>
internal sealed class SharedIpc(OciPaths paths)
{
    private const int StackBytes = 256 * 1024;
    private const string SelfNamespace = "/proc/thread-self/ns/ipc";

    // Containers of a pod are made and removed side by side.
    private readonly Lock _lock = new();

    /// <summary>Where a container finds what its group shares; made by the first. Repeatable. Throws <see cref="ContainerStartException"/>.</summary>
    /// <param name="shmBytes">Size of the /dev/shm; the first container's counts.</param>
    public IpcPlace Join(string group, string containerId, long shmBytes)
    {
        var place = PlaceOf(group);
        lock (_lock)
        {
            try
            {
                Directory.CreateDirectory(Members(group));
                File.WriteAllBytes($"{Members(group)}/{containerId}", []);
                if (!File.Exists(place.NamespacePath))
                {
                    File.WriteAllBytes(place.NamespacePath, []);
                    Directory.CreateDirectory(place.SharedMemory);
                    MakeNamespace(place.NamespacePath);
                    var options = string.Create(CultureInfo.InvariantCulture, $"mode=1777,size={shmBytes}");
                    if (Libc.Mount("shm", place.SharedMemory, "tmpfs", Libc.MountNoDev | Libc.MountNoSuid | Libc.MountNoExec, options) != 0)
                    {
                        throw new ContainerStartException($"the pod's /dev/shm can't be mounted: {Marshal.GetLastPInvokeErrorMessage()}");
                    }
                }
                return place;
            }
            catch (Exception e) when (e is ContainerStartException or IOException or UnauthorizedAccessException)
            {
                Leave(containerId);
                throw e as ContainerStartException ?? new ContainerStartException($"the pod's IPC namespace can't be made: {e.Message}");
            }
        }
    }

    /// <summary>The container is gone; with the last of its group go the namespace and its memory. Repeatable.</summary>
    public void Leave(string containerId)
    {
        lock (_lock)
        {
            foreach (var group in Groups().Where(group => File.Exists($"{Members(group)}/{containerId}")))
            {
                File.Delete($"{Members(group)}/{containerId}");
                RemoveIfUnused(group);
            }
        }
    }

    /// <summary>Containers that share what is still there.</summary>
    public IEnumerable<string> Containers() => Groups().SelectMany(group => Entries(Members(group)));

    private void RemoveIfUnused(string group)
    {
        if (Entries(Members(group)).Any())
        {
            return;
        }
        var place = PlaceOf(group);
        foreach (var path in (string[])[place.NamespacePath, place.SharedMemory])
        {
            while (Path.Exists(path) && Libc.Unmount(path, Libc.UnmountDetach) == 0)
            {
                // A start that was repeated after a crash may have mounted twice.
            }
        }
        File.Delete(place.NamespacePath);
        if (Directory.Exists(place.SharedMemory))
        {
            Directory.Delete(place.SharedMemory); // not recursive: empty once it is unmounted
        }
        Directory.Delete(Members(group));
        Directory.Delete($"{paths.SharedIpc}/{group}");
    }

    // By a thread that ends in the new namespace, so that no thread of the pool ever is in one that is not ours.
    private static void MakeNamespace(string path)
    {
        string? problem = null;
        var thread = new Thread(
            () =>
            {
                if (Libc.Unshare(Libc.IpcNamespace) != 0 || Libc.Mount(SelfNamespace, path, "", Libc.MountBind, null) != 0)
                {
                    problem = Marshal.GetLastPInvokeErrorMessage();
                }
            },
            StackBytes);
        thread.Start();
        thread.Join();
        if (problem is not null)
        {
            throw new ContainerStartException($"the pod's IPC namespace can't be made: {problem}");
        }
    }

    private IpcPlace PlaceOf(string group) => new($"{paths.SharedIpc}/{group}/ns", $"{paths.SharedIpc}/{group}/shm");

    private string Members(string group) => $"{paths.SharedIpc}/{group}/members";

    private IEnumerable<string> Groups() => Entries(paths.SharedIpc);

    private static List<string> Entries(string directory) => Directory.Exists(directory)
        ? [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)!)]
        : [];
}

/// <summary>What containers of a group share.</summary>
/// <param name="SharedMemory">A tmpfs of the node, for their /dev/shm.</param>
internal sealed record IpcPlace(string NamespacePath, string SharedMemory);
