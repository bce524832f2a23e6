using Microsoft.Extensions.Logging;
using Pacer.Agent.Containers.Docker;
using Pacer.Agent.Node;

namespace Pacer.Agent;

/// <summary>The agent's Docker daemon, where there is one, or may be one later.</summary>
public sealed partial class AgentHost
{
    /// <summary>Whether Docker containers can be run now.</summary>
    public bool RunsDocker => _tools.DockerPresence?.Offer.Answers == true;

    private static DockerRuntime? OpenDocker(AgentOptions options, WorkDirectory directory, string agentId, bool forTeardown, AgentParts parts, ILogger logger)
    {
        var hasRecords = DockerRuntime.HasRecords(directory.Docker);
        var earlier = hasRecords ? directory.ReadDockerSocket() : null;
        // A teardown does not know how the agent was started.
        var setting = forTeardown ? earlier ?? DockerSocket.None : options.DockerSocket;
        var socket = DockerSocket.Of(setting);
        if (earlier is not null && socket?.Where != DockerSocket.Of(earlier)?.Where)
        {
            throw new AgentException(
                $"The work directory {directory.Root} has containers of the Docker daemon at {DockerSocket.Of(earlier)?.Where}. "
                + $"Start the agent with --docker-socket {earlier}, or run 'pacer down' first.");
        }
        if (socket is null)
        {
            return null;
        }
        if (!forTeardown)
        {
            directory.WriteDockerSocket(setting);
        }
        return new DockerRuntime(new EngineClient(socket), directory.Docker, agentId, options.DockerLostAfter, parts.Time, logger);
    }

    private Task WatchDockerAsync(CancellationToken cancellationToken) => _tools.DockerPresence is not { } presence
        ? Task.CompletedTask
        : presence.WatchAsync(
            async () =>
            {
                if (presence.Offer.Answers)
                {
                    var known = _tasks.All.Select(task => task.Snapshot.ContainerId).ToHashSet(StringComparer.Ordinal);
                    await _tools.Docker!.RemoveOrphansAsync(known, cancellationToken).ConfigureAwait(false);
                }
                _link!.RegisterAnew();
            },
            cancellationToken);
}
