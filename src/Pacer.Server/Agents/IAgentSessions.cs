using Pacer.Contracts.AgentLink;
using Pacer.Core.Model;

namespace Pacer.Server.Agents;

/// <summary>Bulk conversations with the node that runs a task: its files, and commands inside it.</summary>
public interface IAgentSessions
{
    /// <summary>
    /// Asks the agent to dial a session for one of its tasks and waits until it did.
    /// Throws <see cref="AgentUnreachableException"/> when the node is not in contact or does not dial in time.
    /// </summary>
    Task<IAgentSession> OpenAsync(AgentId agentId, OpenSession request, CancellationToken cancellationToken);
}

/// <summary>One open session. Disposing it ends it at the agent as well.</summary>
public interface IAgentSession : IAsyncDisposable
{
    /// <summary>What the agent sends, up to and including <see cref="SessionEnd"/>.</summary>
    IAsyncEnumerable<SessionMessage> ReadAllAsync(CancellationToken cancellationToken);

    Task WriteAsync(SessionMessage message, CancellationToken cancellationToken);
}

public sealed class AgentUnreachableException(string message) : Exception(message);
