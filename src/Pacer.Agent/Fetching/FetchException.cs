namespace Pacer.Agent.Fetching;

/// <summary>A task's sandbox can't be made as asked. The message is fit for the task's status.</summary>
internal sealed class FetchException(string message) : Exception(message);
