using System.Security.Cryptography;
using System.Text;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// Where the runtime keeps what. Under the run directory (gone at reboot, like the containers): bundles, the OCI runtime's state,
/// the shared empty root. Under the work directory (kept): exit codes and records, so that an end is known even after a reboot.
/// </summary>
internal sealed class OciPaths
{
    public OciPaths(string workDir, string runDir)
    {
        WorkDir = Path.GetFullPath(workDir).TrimEnd('/');
        RunDir = Path.GetFullPath(runDir).TrimEnd('/');
        CgroupRoot = CgroupRootOf(WorkDir);
    }

    public string WorkDir { get; }

    public string RunDir { get; }

    /// <summary>Derived from the work directory: agents of one machine never meet in a cgroup.</summary>
    public string CgroupRoot { get; }

    /// <summary>A directory with data of tasks that others must not see; null: none.</summary>
    public string? LocalVolumes { get; init; }

    public string RuntimeRoot => $"{RunDir}/oci";

    public string Bundles => $"{RunDir}/c";

    /// <summary>The mount points of every container's root, otherwise empty and read-only, so one serves all.</summary>
    public string RootFileSystem => $"{RunDir}/rootfs";

    public string Exits => $"{WorkDir}/runtime/exits";

    public string Records => $"{WorkDir}/runtime/records";

    /// <summary>Where the roots of containers with an image are mounted.</summary>
    public string ImageRootsDirectory => $"{RunDir}/m";

    public string ImageRoot(string containerId) => $"{ImageRootsDirectory}/{containerId}";

    /// <summary>What containers with an image write outside of their sandbox.</summary>
    public string Writable => $"{WorkDir}/runtime/writable";

    /// <summary>IPC namespaces of pods.</summary>
    public string SharedIpc => $"{RunDir}/ipc";

    public string Bundle(string containerId) => $"{Bundles}/{containerId}";

    public string ExitFile(string containerId) => $"{Exits}/{containerId}";

    public string Record(string containerId) => $"{Records}/{containerId}";

    public string RuntimeState(string containerId) => $"{RuntimeRoot}/{containerId}";

    public string MonitorState(string containerId) => $"{Bundle(containerId)}/state";

    /// <summary>The create step of crun and runc leaves this fifo; starting removes it.</summary>
    public string StartFifo(string containerId) => $"{RuntimeState(containerId)}/exec.fifo";

    public static string CgroupRootOf(string workDir) =>
        "/pacer-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(workDir)))[..8];

    public void Create()
    {
        foreach (var directory in (string[])[RootFileSystem, Exits, Records])
        {
            Directory.CreateDirectory(directory);
        }
        // The environment of every task, which may hold passwords, and files of images, which may run as their owner: not for
        // other users of this machine.
        foreach (var directory in (string[])[RuntimeRoot, Bundles, ImageRootsDirectory, Writable, SharedIpc])
        {
            Directory.CreateDirectory(directory);
            File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
