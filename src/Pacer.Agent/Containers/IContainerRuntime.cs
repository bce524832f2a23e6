namespace Pacer.Agent.Containers;

/// <summary>Everything a runtime needs to start one container. Paths are absolute host paths.</summary>
/// <param name="ContainerId">Unique per start attempt, safe as a file name; made from the task id.</param>
/// <param name="Arguments">The executable and its arguments; a shell command has been turned into <c>/bin/sh -c VALUE</c>.</param>
/// <param name="User">Name or uid; null: the agent's own.</param>
/// <param name="Sandbox">Exists, is owned by the user; the working directory; <c>stdout</c> and <c>stderr</c> are appended there.</param>
/// <param name="CpuMillis">Relative weight (1000 = 1024 shares).</param>
/// <param name="CpuLimitMillis">Hard cap (CFS quota); null: none.</param>
/// <param name="MemoryLimitBytes">Hard cap, swap included; null: none. At least 32 MiB are always given.</param>
/// <param name="PidsLimit">Most processes and threads; null: none.</param>
public sealed record ContainerPlan(
    string ContainerId,
    string TaskId,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string? User,
    string Sandbox,
    string Hostname,
    long CpuMillis,
    long? CpuLimitMillis,
    long? MemoryLimitBytes,
    long? PidsLimit)
{
    /// <summary>Null: the container sees the node's file system.</summary>
    public ImageRoot? Image { get; init; }

    /// <summary>Volumes, mounted after all else. What lies below the sandbox exists there already as a mount point.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>Name of a seccomp profile; null: the default.</summary>
    public string? SeccompProfile { get; init; }

    /// <summary>No seccomp filter.</summary>
    public bool SeccompUnconfined { get; init; }

    /// <summary>The node's IPC namespace and /dev/shm instead of own ones.</summary>
    public bool ShareNodeIpc { get; init; }

    /// <summary>Name of a group of containers whose IPC namespace and /dev/shm this one shares; null: none.</summary>
    public string? SharedIpc { get; init; }

    /// <summary>Size of an own /dev/shm, or of the group's, bytes.</summary>
    public long ShmBytes { get; init; } = 64L << 20;

    /// <summary>Null: the container shares the node's network.</summary>
    internal Networks.NetworkPlace? Network { get; init; }

    /// <summary>For a container without an own network of the agent: whom it asks for names; null: whom the node asks.</summary>
    internal Networks.ResolverPlace? Resolver { get; init; }

    /// <summary>Devices of the node that it may use besides those that every container has.</summary>
    internal IReadOnlyList<Gpus.DeviceNode> Devices { get; init; } = [];

    /// <summary>GPUs for a container of a Docker daemon, which makes their devices itself.</summary>
    internal IReadOnlyList<string> GpuNames { get; init; } = [];

    /// <summary>For a container of a Docker daemon, which then takes the place of <see cref="Image"/> and <see cref="Network"/>; else null.</summary>
    public Docker.DockerSettings? Docker { get; init; }
}

/// <summary>The file system of a container with an image.</summary>
/// <param name="Layers">Directories, top first.</param>
/// <param name="User">The image's own, when the plan names none: <c>NAME|UID[:GROUP|GID]</c>, looked up in the image.</param>
/// <param name="WorkingDirectory">Absolute; null: the sandbox.</param>
/// <param name="Directories">That must be there: the image's volumes.</param>
public sealed record ImageRoot(IReadOnlyList<string> Layers, string? User, string? WorkingDirectory, IReadOnlyList<string> Directories);

/// <summary>A directory or file of the node, seen at another place by a container. Both paths are absolute (but see <see cref="DockerDriver"/>).</summary>
public sealed record ContainerMount(string Source, string Destination, bool ReadOnly)
{
    /// <summary>A single file, which is mounted over a file.</summary>
    public bool IsFile { get; init; }

    /// <summary>Belongs to the container's user. Done already, but for users that only an image knows.</summary>
    public bool IsUsers { get; init; }

    /// <summary>The source is the name of a volume of the Docker daemon, made by this driver of it; null: it is a path.</summary>
    public string? DockerDriver { get; init; }
}

/// <summary>A container whose first process has been started.</summary>
/// <param name="Pid">Host pid of the container's first process; 0 when unknown.</param>
public sealed record StartedContainer(string ContainerId, int Pid);

/// <summary>How a container ended.</summary>
/// <param name="ExitCode">Null when a signal ended it or nobody knows.</param>
/// <param name="Signal">Null unless a signal ended it (exit codes 129..192 of a shell or init count as one).</param>
/// <param name="OutOfMemory">The kernel killed it for exceeding its memory limit.</param>
/// <param name="Lost">It is gone and how it ended can't be told (machine rebooted, monitor killed).</param>
public sealed record ContainerExit(int? ExitCode, int? Signal, bool OutOfMemory, bool Lost)
{
    public static ContainerExit FromCode(int code, bool outOfMemory) =>
        code is > 128 and <= 192 ? new(null, code - 128, outOfMemory, false) : new(code, null, outOfMemory, false);

    public static readonly ContainerExit Unknown = new(null, null, false, true);
}

/// <summary>What a runtime found of a container after the agent came back.</summary>
public enum RecoveredState
{
    /// <summary>No trace: it never started, or was cleaned up completely.</summary>
    Absent,

    /// <summary>Created but its command never ran; safe to start again under a new id.</summary>
    NeverStarted,

    /// <summary>Its first process lives; <see cref="IContainerRuntime.WaitAsync"/> works again.</summary>
    Running,

    /// <summary>It ended meanwhile; <see cref="IContainerRuntime.WaitAsync"/> completes at once with what is known.</summary>
    Exited,
}

/// <summary>Live use of a container; null where the machine does not tell.</summary>
public sealed record ContainerUsage(TimeSpan? CpuTime, long? MemoryBytes, int? Processes)
{
    public TimeSpan? UserTime { get; init; }

    public TimeSpan? SystemTime { get; init; }

    /// <summary>Hard cap in cores; null: none, or not known.</summary>
    public double? CpuLimit { get; init; }

    public long? MemoryLimitBytes { get; init; }

    /// <summary>Scheduling periods under a CPU cap, how many of them were cut short, and for how long in all.</summary>
    public (long Periods, long Throttled, TimeSpan ThrottledTime)? Throttling { get; init; }
}

/// <summary>A command to run inside a running container.</summary>
public sealed record ExecPlan(IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string>? Environment, string? User, bool Tty, int Rows, int Columns);

/// <summary>A running exec: three pipes and an exit code. Disposing it ends the command.</summary>
public interface IExecProcess : IAsyncDisposable
{
    Stream Input { get; }
    Stream Output { get; }

    /// <summary>Empty with a terminal, which merges both.</summary>
    Stream ErrorOutput { get; }

    void Resize(int rows, int columns);

    Task<int> WaitAsync(CancellationToken cancellationToken);
}

/// <summary>The container could not be started; nothing of it is left. The message is fit for a task's status.</summary>
public sealed class ContainerStartException(string message) : Exception(message);

/// <summary>
/// Starts, watches and ends containers so that they outlive the agent. Implementations hold no state that can't be found
/// again after <c>kill -9</c>.
/// </summary>
public interface IContainerRuntime
{
    /// <summary>Name that the node advertises: "mesos", "process" or "docker".</summary>
    string Name { get; }

    /// <summary>Whether it starts containers with an image's file system (<see cref="ContainerPlan.Image"/>).</summary>
    bool RunsImages => false;

    /// <summary>What isolation is missing and how to get it, in one line; null when all is there.</summary>
    string? MissingIsolation { get; }

    /// <summary>Creates and starts; returns when the command runs. Throws <see cref="ContainerStartException"/>.</summary>
    Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken);

    /// <summary>Completes when the container has ended. Cancelling stops only the waiting.</summary>
    Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Sends a signal to the container's init (15) or to everything in it (9). No error when it has ended.</summary>
    Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken);

    /// <summary>Removes what is left of an ended container (cgroups, bundle, mounts, exit file); kills it first if it runs. Repeatable.</summary>
    Task DeleteAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Looks for a container of an earlier agent process.</summary>
    Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken);

    /// <summary>Ends and removes everything of this work directory that is not in <paramref name="known"/>; returns how many.</summary>
    Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken);

    /// <summary>Runs a command inside a running container.</summary>
    Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken);

    Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Stops all processes of a container for as long as the returned value lives (log rotation); null where it can't.</summary>
    IDisposable? Freeze(string containerId);
}
