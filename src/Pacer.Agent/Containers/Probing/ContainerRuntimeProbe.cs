using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Processes;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Probing;

/// <summary>The runtime of this node, and why it is this one, in one line.</summary>
public sealed record RuntimeSelection(IContainerRuntime Runtime, string Reason);

/// <summary>The isolation that was asked for can't be had on this machine; the message names what is missing and the fix.</summary>
public sealed class IsolationUnavailableException(string message) : Exception(message);

/// <summary>Finds out what this machine can do, by trying it.</summary>
public static class ContainerRuntimeProbe
{
    private const int SysAdmin = 21;
    private const string Install = "apt-get install crun conmon catatonit";

    /// <exception cref="IsolationUnavailableException">Isolation "oci" was asked for and does not work, or the name is unknown.</exception>
    public static async Task<RuntimeSelection> SelectAsync(AgentOptions options, CancellationToken cancellationToken)
    {
        if (options.Isolation is not ("auto" or "oci" or "process"))
        {
            throw new IsolationUnavailableException($"isolation '{options.Isolation}' is unknown; use auto, oci or process");
        }

        if (options.Isolation == "process")
        {
            return new(new ProcessRuntime(options.WorkDir, $"isolation 'process' was asked for; use 'auto', as root with `{Install}`"), "isolation 'process' was asked for");
        }

        var paths = new OciPaths(options.WorkDir, options.RunDir) { LocalVolumes = options.LocalVolumes };
        var (runtime, problem) = await TryOciAsync(paths, options.SeccompProfiles, cancellationToken).ConfigureAwait(false);
        if (runtime is not null)
        {
            return new(runtime, runtime.MissingIsolation ?? "crun and conmon work here: namespaces and cgroup limits for every container");
        }

        return options.Isolation == "oci"
            ? throw new IsolationUnavailableException($"isolation 'oci' does not work on this machine: {problem}")
            : new(new ProcessRuntime(options.WorkDir, problem!), $"plain processes without isolation: {problem}");
    }

    private static async Task<(OciRuntime? Runtime, string? Problem)> TryOciAsync(OciPaths paths, string? profiles, CancellationToken cancellationToken)
    {
        if (Libc.GetUid() != 0)
        {
            return (null, $"the agent does not run as root; run it as root, with `{Install}`");
        }

        if (!Capabilities.Has(Capabilities.Parse(await File.ReadAllTextAsync("/proc/self/status", cancellationToken).ConfigureAwait(false), "CapEff"), SysAdmin))
        {
            return (null, "root lacks the capability CAP_SYS_ADMIN; start the agent outside of a container, or in a privileged one");
        }

        var runtime = OciTools.Find("crun") ?? OciTools.Find("runc");
        var monitor = OciTools.Find("conmon");
        if (runtime is null || monitor is null)
        {
            var missing = string.Join(" and ", new[] { runtime is null ? "crun" : null, monitor is null ? "conmon" : null }.OfType<string>());
            return (null, $"{missing} not found; `{Install}`");
        }

        var (code, output) = await ChildProcess.RunAsync(
            "/bin/sh", ["-c", "exec unshare --mount --pid --ipc --uts --fork --propagation private true"]).ConfigureAwait(false);
        if (code != 0)
        {
            return (null, $"namespaces are refused ({output}); start the agent outside of a container, or in a privileged one");
        }

        if (RunDirectory.Prepare(paths.RunDir) is { } runProblem)
        {
            return (null, runProblem);
        }

        var layout = CgroupLayout.Detect();
        var free = await HybridControllers.MoveToV1Async(layout, cancellationToken).ConfigureAwait(false);
        layout = CgroupLayout.Detect();
        if (ProbeCgroups(layout, paths.CgroupRoot) is { } cgroupProblem)
        {
            return (null, cgroupProblem);
        }

        var tools = new OciTools(runtime, monitor, OciTools.Find("catatonit"), HideUnified: !free);
        return (new OciRuntime(tools, paths, tools.HideUnified ? layout with { Version = CgroupVersion.V1 } : layout, Missing(tools),
            new SeccompProfiles(profiles, await KnowsFiltersAsync(runtime).ConfigureAwait(false))), null);
    }

    /// <summary>crun says "+SECCOMP", runc "libseccomp: 2.5.4".</summary>
    private static async Task<bool> KnowsFiltersAsync(string runtime) =>
        (await File.ReadAllTextAsync("/proc/self/status").ConfigureAwait(false)).Contains("\nSeccomp:", StringComparison.Ordinal)
        && (await ChildProcess.RunAsync(runtime, ["--version"]).ConfigureAwait(false)).Output.Contains("seccomp", StringComparison.OrdinalIgnoreCase);

    private static string? Missing(OciTools tools) => tools.Init is null
        ? "no init process in containers, so that most programs ignore SIGTERM and take their whole grace period to stop; `apt-get install catatonit`"
        : null;

    /// <summary>Creates and removes the agent's own cgroup in each hierarchy that a container needs.</summary>
    private static string? ProbeCgroups(CgroupLayout layout, string root)
    {
        if (layout.Version == CgroupVersion.None)
        {
            return "no cgroups are mounted; mount them (`mount -t cgroup2 none /sys/fs/cgroup`) or start the agent outside of a container";
        }

        foreach (var hierarchy in layout.Hierarchies)
        {
            try
            {
                Directory.CreateDirectory($"{hierarchy}{root}/.probe");
                Directory.Delete($"{hierarchy}{root}/.probe");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return $"the cgroups under {hierarchy} cannot be written; start the agent outside of a container, or in a privileged one";
            }
        }

        return null;
    }
}
