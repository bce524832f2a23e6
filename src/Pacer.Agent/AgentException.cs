namespace Pacer.Agent;

/// <summary>The agent can't start or work as asked; the message says why and what to do, fit for the person who started it.</summary>
public sealed class AgentException : Exception
{
    public AgentException(string message) : base(message) { }

    public AgentException(string message, Exception cause) : base(message, cause) { }
}
