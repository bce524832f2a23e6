using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Probing;
using Pacer.Agent.Node;

namespace Pacer.Agent;

/// <summary>The agent with the container runtime that this machine allows.</summary>
public sealed partial class AgentHost
{
    /// <summary>
    /// Starts the agent of a work directory; returns when the tasks of an earlier one are found again, in contact with the server or not.
    /// Throws <see cref="AgentException"/> with a message for the person who starts it: settings that make no sense, a work directory in
    /// use, isolation that was asked for and can't be had.
    /// </summary>
    public static Task<AgentHost> StartAsync(AgentOptions options, CancellationToken cancellationToken) =>
        StartAsync(options, new AgentParts(MakeRuntimeAsync), cancellationToken);

    /// <summary>
    /// Ends every task of a work directory that no agent uses, with its own grace period or ten seconds if that is longer, and removes
    /// all that is left of containers. The next agent reports the tasks as killed. Needs of the options only the directories.
    /// Throws <see cref="AgentException"/>, also when an agent still runs there.
    /// </summary>
    public static Task<TeardownResult> TeardownAsync(AgentOptions options, CancellationToken cancellationToken) =>
        TeardownAsync(options, new AgentParts(MakeRuntimeAsync), cancellationToken);

    private static async Task<IContainerRuntime> MakeRuntimeAsync(AgentOptions options, ILoggerFactory logging, CancellationToken cancellationToken)
    {
        try
        {
            return (await ContainerRuntimeProbe.SelectAsync(options, cancellationToken).ConfigureAwait(false)).Runtime;
        }
        catch (IsolationUnavailableException e)
        {
            throw new AgentException(e.Message, e);
        }
    }

    /// <summary>
    /// The runtime for a work directory. Containers of one runtime are invisible to another, so the one that was used there is
    /// remembered: a teardown takes that one, and an agent that now uses another ends what the old one left.
    /// </summary>
    private static async Task<IContainerRuntime> ChooseRuntimeAsync(
        AgentOptions options, WorkDirectory directory, AgentParts parts, ILoggerFactory logging, bool forTeardown, CancellationToken cancellationToken)
    {
        var earlier = directory.ReadRuntime() switch
        {
            "mesos" => "oci",
            "process" => "process",
            _ => null,
        };
        if (forTeardown)
        {
            return await parts.MakeRuntime(options with { Isolation = earlier ?? options.Isolation }, logging, cancellationToken).ConfigureAwait(false);
        }
        var runtime = await parts.MakeRuntime(options, logging, cancellationToken).ConfigureAwait(false);
        if (earlier is not null && directory.ReadRuntime() != runtime.Name)
        {
            try
            {
                var old = await parts.MakeRuntime(options with { Isolation = earlier }, logging, cancellationToken).ConfigureAwait(false);
                var ended = await old.RemoveOrphansAsync(new HashSet<string>(), cancellationToken).ConfigureAwait(false);
                await RemoveEmptyGroundAsync(old, options.RunDir, cancellationToken).ConfigureAwait(false);
                LogRuntimeChanged(logging.CreateLogger("agent"), old.Name, runtime.Name, ended);
            }
            catch (AgentException e)
            {
                throw new AgentException(
                    $"The work directory {directory.Root} was used with isolation '{earlier}', which does not work any more ({e.Message}). "
                    + "Run 'pacer down' the way the agent was run then, or choose another directory.", e);
            }
        }
        directory.WriteRuntime(runtime.Name);
        return runtime;
    }

    /// <summary>Removes what containers stood on: the run directory's mount and the cgroup above theirs, of which monitors may still be leaving.</summary>
    private static async Task RemoveEmptyGroundAsync(IContainerRuntime runtime, string runDir, CancellationToken cancellationToken)
    {
        if (runtime is OciRuntime oci)
        {
            for (var attempts = 0; attempts < 100; attempts++)
            {
                oci.Cgroups.RemoveRoot();
                if (!oci.Cgroups.Layout.Hierarchies.Any(hierarchy => Directory.Exists(hierarchy + oci.Cgroups.PathOf("").TrimEnd('/'))))
                {
                    break;
                }
                await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken).ConfigureAwait(false);
            }
        }
        RunMount.Remove(runDir);
    }

    [LoggerMessage(2003, LogLevel.Warning, "The runtime changed from '{Earlier}' to '{Now}': ended {Count} containers of the earlier one")]
    private static partial void LogRuntimeChanged(ILogger logger, string earlier, string now, int count);
}
