using System.Collections.Concurrent;
using System.Security.Cryptography;
using Pacer.Contracts.AgentLink;
using Pacer.Core.Model;

namespace Pacer.Server.Agents;

/// <summary>Matches sessions that were asked for with those that agents dial.</summary>
internal sealed class AgentSessions(AgentDirectory directory, AgentLinkSettings settings, TimeProvider time) : IAgentSessions
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<AgentSession>> _awaited = new();

    public async Task<IAgentSession> OpenAsync(AgentId agentId, OpenSession request, CancellationToken cancellationToken)
    {
        // Unguessable: whoever names it is the agent that was asked.
        var order = request.Clone();
        order.SessionId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var dialled = new TaskCompletionSource<AgentSession>(TaskCreationOptions.RunContinuationsAsynchronously);
        _awaited[order.SessionId] = dialled;
        var handedOver = false;
        try
        {
            if (!directory.TrySend(agentId, new ServerMessage { OpenSession = order }))
            {
                throw new AgentUnreachableException($"The node {agentId} is not in contact with the server.");
            }
            var session = await dialled.Task.WaitAsync(settings.DialTimeout, time, cancellationToken);
            handedOver = true;
            return session;
        }
        catch (TimeoutException)
        {
            throw new AgentUnreachableException($"The node {agentId} did not answer within {settings.DialTimeout.TotalSeconds:0} s.");
        }
        finally
        {
            // Dialled in the very moment of giving up: nobody will use it.
            if (!handedOver && !_awaited.TryRemove(order.SessionId, out _))
            {
                await (await dialled.Task).DisposeAsync();
            }
        }
    }

    /// <summary>False when nobody waits for this session.</summary>
    public bool TryAccept(string id, AgentSession session) => _awaited.TryRemove(id, out var awaited) && awaited.TrySetResult(session);
}
