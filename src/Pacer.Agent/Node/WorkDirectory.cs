using System.Globalization;

namespace Pacer.Agent.Node;

/// <summary>
/// Everything the agent keeps on disk, and the lock that makes it the only agent there. Layout: <c>agent-id</c>, <c>boot-id</c>, <c>cluster-id</c>, <c>runtime-name</c>,
/// <c>tasks/</c> (checkpoints), <c>sandboxes/</c>, <c>volumes/</c> (persistent ones), <c>external/</c> (what drivers mounted), <c>fetch-cache/</c>, <c>images/</c>, <c>gpus/</c>, <c>docker/</c> and <c>docker-socket</c>; runtimes add folders of their own.
/// </summary>
internal sealed class WorkDirectory : IDisposable
{
    private readonly FileStream _lock;

    private WorkDirectory(string root, FileStream @lock)
    {
        Root = root;
        _lock = @lock;
    }

    public string Root { get; }

    public string Tasks => Path.Combine(Root, "tasks");

    public string Sandboxes => Path.Combine(Root, "sandboxes");

    public string FetchCache => Path.Combine(Root, "fetch-cache");

    public string Images => Path.Combine(Root, "images");

    public string Volumes => Path.Combine(Root, "volumes");

    public string Gpus => Path.Combine(Root, "gpus");

    public string ExternalVolumes => Path.Combine(Root, "external");

    public string Docker => Path.Combine(Root, "docker");

    /// <summary>Takes the directory for this process. Throws <see cref="AgentException"/> when another agent has it or it can't be made.</summary>
    public static WorkDirectory Acquire(string path)
    {
        var root = Path.GetFullPath(path).TrimEnd('/');
        try
        {
            // Not world-readable: checkpoints hold the tasks' environment, which may hold passwords. Others may pass through
            // (tasks of other users must reach their sandbox) but not list.
            Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"Can't create the work directory {root}: {e.Message}. Choose another with --data-dir.", e);
        }
        FileStream held;
        try
        {
            // FileShare.None is flock(LOCK_EX): gone with the process, however it ends, and not inherited by containers.
            held = new FileStream(Path.Combine(root, "agent.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new AgentException($"The work directory {root} belongs to another user. Run as that user or choose another directory.", e);
        }
        catch (IOException e)
        {
            var pid = ReadText(Path.Combine(root, "agent.pid"));
            throw new AgentException($"Another agent{(pid is null ? "" : $" (process {pid})")} uses the work directory {root}. "
                + "Stop it first, or choose another directory.", e);
        }
        var directory = new WorkDirectory(root, held);
        try
        {
            File.WriteAllText(Path.Combine(root, "agent.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            foreach (var folder in (ReadOnlySpan<string>)[directory.Tasks, directory.FetchCache, directory.Images])
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
            foreach (var folder in (ReadOnlySpan<string>)[directory.Sandboxes, directory.Volumes])
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw new AgentException($"Can't write to the work directory {root}: {e.Message}", e);
        }
        return directory;
    }

    /// <summary>The id of this node; made once, then for ever the same.</summary>
    public string ReadOrMakeAgentId(Func<Guid> newId)
    {
        var path = Path.Combine(Root, "agent-id");
        if (ReadText(path) is { Length: > 0 } known)
        {
            return known;
        }
        var made = newId().ToString();
        AtomicFile.Write(path, System.Text.Encoding.ASCII.GetBytes(made + "\n"), durable: true);
        return made;
    }

    /// <summary>Boot id at the time the checkpoints were last true; null at the first start.</summary>
    public string? ReadBootId() => ReadText(Path.Combine(Root, "boot-id"));

    public void WriteBootId(string bootId) =>
        AtomicFile.Write(Path.Combine(Root, "boot-id"), System.Text.Encoding.ASCII.GetBytes(bootId + "\n"), durable: true);

    /// <summary>Id of the cluster that the node joined last; null before the first time.</summary>
    public string? ReadClusterId() => ReadText(Path.Combine(Root, "cluster-id"));

    public void WriteClusterId(string clusterId) =>
        AtomicFile.Write(Path.Combine(Root, "cluster-id"), System.Text.Encoding.UTF8.GetBytes(clusterId + "\n"), durable: false);

    /// <summary>Name of the runtime that containers of this directory were started with; null before the first start.</summary>
    public string? ReadRuntime() => ReadText(Path.Combine(Root, "runtime-name"));

    public void WriteRuntime(string name) =>
        AtomicFile.Write(Path.Combine(Root, "runtime-name"), System.Text.Encoding.ASCII.GetBytes(name + "\n"), durable: false);

    /// <summary>Where the Docker daemon of this directory's containers was last looked for; null before the first start.</summary>
    public string? ReadDockerSocket() => ReadText(Path.Combine(Root, "docker-socket"));

    public void WriteDockerSocket(string setting) =>
        AtomicFile.Write(Path.Combine(Root, "docker-socket"), System.Text.Encoding.UTF8.GetBytes(setting + "\n"), durable: false);

    public static string CurrentBootId() => ReadText("/proc/sys/kernel/random/boot_id") ?? "unknown";

    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _lock.Dispose();
}
