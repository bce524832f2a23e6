namespace Pacer.Server;

/// <summary>The server can't start as it is set up. <see cref="Exception.Message"/> names the setting and the remedy, fit for users.</summary>
public sealed class ServerStartException(string message, Exception? inner = null) : Exception(message, inner);
