using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Images;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Turns the server's order into what a runtime starts.</summary>
internal static class TaskPlan
{
    /// <summary>What Mesos gives, and the server does not say (mesos-containers.md §12).</summary>
    public const long DefaultKillGraceMs = 3_000;

    private const long DefaultShmBytes = 64L << 20;

    private const long MinimumMemoryBytes = 32L << 20;

    /// <summary>Stops a fork bomb before it takes the node's process ids; far above what a program with many threads uses.</summary>
    public const long MostProcesses = 8192;

    /// <summary>Why this node can't ever run the task, in words for its status; null when it can.</summary>
    public static string? Refuse(TaskSpec spec, bool runsImages, bool runsDocker)
    {
        if (!IsSafeName(spec.TaskId))
        {
            return "The task id can't be the name of a directory: only letters, digits, '.', '_' and '-' are allowed, and no '.' at the start";
        }
        if (Volumes.Refuse(spec) is { } problem)
        {
            return problem;
        }
        if (spec.Runtime == Runtime.Docker)
        {
            return !runsDocker ? "This node does not run Docker containers: start its agent with --docker-socket"
                : spec.Docker is null || spec.Image is null ? "The task has no image: set \"container.docker.image\""
                : null;
        }
        if (spec.Image is not null)
        {
            return runsImages ? null : "This node does not run images: that takes crun, conmon and overlayfs";
        }
        return spec.Command?.KindCase switch
        {
            Command.KindOneofCase.Shell when spec.Command.Shell.Length > 0 => null,
            Command.KindOneofCase.Arguments when spec.Command.Arguments.Values.Count > 0 => null,
            _ when spec.Group.Length > 0 => $"The container '{spec.Name}' has no command: set \"exec\"",
            _ => "The task has no command: set \"cmd\" or \"args\"",
        };
    }

    public static bool IsSafeName(string taskId) => taskId.Length is > 0 and <= 4096 && taskId[0] != '.'
        && !taskId.AsSpan().ContainsAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>A name for one start attempt: says which task it is, and no two attempts share one.</summary>
    public static string NewContainerId(string taskId, Func<Guid> newId, bool isDocker = false)
    {
        const int mostOfTask = 64;
        var tail = (taskId.Length <= mostOfTask ? taskId : taskId[^mostOfTask..]).TrimStart('.', '-', '_');
        var id = $"{tail}-{newId().ToString("N")[..10]}";
        return isDocker ? ContainerKind.Docker(id) : id;
    }

    public static long? MemoryLimitBytes(TaskSpec spec) => Limit(spec.MemoryLimitBytes, spec.Resources?.MemoryBytes ?? 0) is { } limit
        ? Math.Max(limit, MinimumMemoryBytes)
        : null;

    /// <param name="image">Of the task, with its layers' directories, top first; null: none. Throws <see cref="ImageException"/> when it has no command.</param>
    public static ContainerPlan Make(
        TaskSpec spec, string containerId, string sandbox, NodeFacts node, string clusterId, (ImageConfig Config, IReadOnlyList<string> Layers)? image) => new(
        containerId,
        spec.TaskId,
        Arguments(spec, image?.Config),
        Environment(spec, sandbox, image is null ? sandbox : ImageRootView.Sandbox, node, clusterId, image?.Config.Environment ?? []),
        spec.User.Length == 0 ? null : spec.User,
        sandbox,
        node.Hostname,
        spec.Resources?.CpuMillis ?? 0,
        Limit(spec.CpuLimitMillis, spec.Resources?.CpuMillis ?? 0),
        MemoryLimitBytes(spec),
        MostProcesses)
    {
        Image = image is { } found
            ? new ImageRoot(
                found.Layers,
                found.Config.User.Length == 0 ? null : found.Config.User,
                found.Config.WorkingDirectory.StartsWith('/') ? found.Config.WorkingDirectory : null,
                [.. found.Config.Volumes.Where(path => path.StartsWith('/'))])
            : null,
        SeccompProfile = spec.Linux is { SeccompProfile.Length: > 0 } linux ? linux.SeccompProfile : null,
        SeccompUnconfined = spec.Linux is { SeccompUnconfined: true },
        ShareNodeIpc = spec.Linux is { ShareNodeIpc: true },
        SharedIpc = spec is { Group.Length: > 0, Linux.ShareGroupIpc: true } ? spec.Group : null,
        ShmBytes = spec.Linux is { ShmBytes: > 0 } sized ? sized.ShmBytes : DefaultShmBytes,
    };

    // Never the node's own file system instead of an image that got lost.
    private static IReadOnlyList<string> Arguments(TaskSpec spec, ImageConfig? image) => (spec.Image is null) != (image is null)
        ? throw new ImageException($"the image {spec.Image?.Name} is not on the node any more")
        : spec.Command?.KindCase switch
    {
        Command.KindOneofCase.Shell => ImageCommand.Shell(spec.Command.Shell),
        Command.KindOneofCase.Arguments when spec.Image?.OverrideEntrypoint == true => [.. spec.Command.Arguments.Values],
        var kind when image is not null => ImageCommand.Of(image, kind == Command.KindOneofCase.Arguments ? spec.Command!.Arguments.Values : []),
        _ => [.. spec.Command!.Arguments.Values],
    };

    /// <summary>
    /// The task's own environment and what only the agent and the image know (mesos-containers.md §5). The image's wins over the
    /// agent's, the task's own over both, as in Mesos.
    /// </summary>
    public static Dictionary<string, string> Environment(
        TaskSpec spec, string hostSandbox, string sandbox, NodeFacts node, string clusterId, IReadOnlyList<string> ofImage)
    {
        var environment = new Dictionary<string, string>(spec.Environment.Count + 14, StringComparer.Ordinal)
        {
            ["MESOS_SANDBOX"] = sandbox,
            ["MESOS_DIRECTORY"] = hostSandbox,
            // Nothing listens there: programs read it to learn their node's address, and split it at the colon.
            ["MESOS_AGENT_ENDPOINT"] = node.Address + ":5051",
            ["MESOS_SLAVE_ID"] = node.AgentId,
            ["MESOS_FRAMEWORK_ID"] = clusterId,
            // Tasks of a pod share their instance's executor; the task of an app is its own.
            ["MESOS_EXECUTOR_ID"] = spec.TaskId,
            ["MESOS_CHECKPOINT"] = "1",
            ["MESOS_CONTAINER_IP"] = node.Address,
            ["LIBPROCESS_IP"] = node.Address,
            ["LIBPROCESS_PORT"] = "0",
            ["PACER_SANDBOX"] = sandbox,
            ["PACER_AGENT_ID"] = node.AgentId,
        };
        if (spec.Role.Length > 0)
        {
            environment["MESOS_ALLOCATION_ROLE"] = spec.Role;
        }
        foreach (var entry in ofImage)
        {
            if (entry.IndexOf('=') is var equals and > 0)
            {
                environment[entry[..equals]] = entry[(equals + 1)..];
            }
        }
        foreach (var (name, value) in spec.Environment)
        {
            environment[name] = value;
        }
        foreach (var (name, value) in spec.SecretEnvironment)
        {
            environment[name] = value;
        }
        return environment;
    }

    public static long? Limit(long limit, long requested) => limit switch
    {
        > 0 => limit,
        0 when requested > 0 => requested,
        _ => null,
    };
}
