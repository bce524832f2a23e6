namespace Pacer.Agent.Networks;

/// <summary>A task can't have the network it asks for; nothing of the attempt is left that a detach does not remove. The message is fit for a task's status.</summary>
public sealed class NetworkException(string message) : Exception(message);
