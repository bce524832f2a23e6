using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Loop;

namespace Pacer.Server.Agents;

/// <summary>
/// Which stream leads to which agent. A new stream takes over from an older one of the same agent; orders reach it only after
/// the loop has taken over the agent's own list of tasks.
/// </summary>
internal sealed partial class AgentDirectory(ILogger<AgentDirectory> log) : IAgentOrders
{
    // Streams whose agent is registered, newest of each agent; changes and the inputs they post happen in the same order.
    private readonly Dictionary<AgentId, AgentStream> _owners = [];
    private readonly SemaphoreSlim _order = new(1, 1);

    // Streams that orders go to.
    private readonly ConcurrentDictionary<AgentId, AgentStream> _routes = new();

    private ClusterLoop? _loop;

    /// <summary>The loop sends through this directory and this directory posts to the loop: one of both must come second.</summary>
    public void Use(ClusterLoop loop) => _loop = loop;

    private ClusterLoop Loop => _loop ?? throw new InvalidOperationException("The loop is not set.");

    /// <summary>Makes this the agent's stream and tells the core.</summary>
    public async Task AttachAsync(AgentStream stream, AgentNode node, ValueList<TaskReport> tasks)
    {
        await _order.WaitAsync();
        try
        {
            if (_owners.TryGetValue(stream.Id, out var older))
            {
                older.Abort("replaced by a newer connection of the same agent");
            }
            _owners[stream.Id] = stream;
            await Loop.PostAsync(
                new Input.AgentConnected(node, tasks),
                committed: () => _routes[stream.Id] = stream,
                dropped: () => stream.Abort("the registration could not be handled"),
                CancellationToken.None);
        }
        finally
        {
            _order.Release();
        }
        LogConnected(stream.Id, node.Hostname, tasks.Count);
    }

    /// <summary>The stream ended. The core hears of it unless a newer stream took over.</summary>
    public async Task DetachAsync(AgentStream stream, string reason)
    {
        await _order.WaitAsync();
        try
        {
            stream.Complete();
            _routes.TryRemove(KeyValuePair.Create(stream.Id, stream));
            if (_owners.TryGetValue(stream.Id, out var owner) && owner == stream)
            {
                _owners.Remove(stream.Id);
                await Loop.PostAsync(new Input.AgentDisconnected(stream.Id), CancellationToken.None);
            }
        }
        catch (StoreUnavailableException)
        {
            // The server is stopping: after its next start no node counts as connected anyway.
        }
        finally
        {
            _order.Release();
        }
        LogDisconnected(stream.Id, reason);
    }

    public bool IsConnected(AgentId id) => _routes.ContainsKey(id);

    /// <summary>False when there is no stream to the agent.</summary>
    public bool TrySend(AgentId id, ServerMessage message) => _routes.TryGetValue(id, out var stream) && stream.TrySend(message);

    public void Send(Effect.Launch launch, ClusterState state)
    {
        if (_routes.TryGetValue(launch.AgentId, out var stream))
        {
            stream.TrySend(launch, state);
        }
    }

    public void Send(Effect.Kill kill) => TrySend(kill.AgentId, new ServerMessage
    {
        Kill = new KillTask
        {
            TaskId = kill.TaskId.Value,
            GraceMs = kill.Grace is { } grace ? (long)grace.TotalMilliseconds : -1,
            Reason = kill.Reason,
            Unhealthy = kill.Unhealthy,
        },
    });

    public void Send(Effect.Acknowledge acknowledge) => TrySend(acknowledge.AgentId, new ServerMessage
    {
        Acknowledge = new AcknowledgeStatus { TaskId = acknowledge.TaskId.Value, Sequence = acknowledge.Sequence },
    });

    public void Send(Effect.WipeVolumes wipe)
    {
        var order = new WipeVolumes();
        order.Ids.AddRange(wipe.Ids);
        TrySend(wipe.AgentId, new ServerMessage { WipeVolumes = order });
    }

    [LoggerMessage(EventId = 200, Level = LogLevel.Information, Message = "Agent {Agent} ({Hostname}) connected with {Tasks} tasks")]
    private partial void LogConnected(AgentId agent, string hostname, int tasks);

    [LoggerMessage(EventId = 201, Level = LogLevel.Information, Message = "Agent {Agent} disconnected: {Reason}")]
    private partial void LogDisconnected(AgentId agent, string reason);
}
