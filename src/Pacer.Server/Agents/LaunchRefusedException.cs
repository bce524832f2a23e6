namespace Pacer.Server.Agents;

/// <summary>An order can't be made for a reason that its user can mend; the message is fit for the task's status.</summary>
internal sealed class LaunchRefusedException(string message) : Exception(message);
