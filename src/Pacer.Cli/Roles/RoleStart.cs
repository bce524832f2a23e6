using Pacer.Agent;
using Pacer.Cli.Output;
using Pacer.Server;
using Pacer.Server.Storage;

namespace Pacer.Cli.Roles;

/// <summary>Starts the parts of a role and turns what can go wrong into one line.</summary>
internal static class RoleStart
{
    public static async Task<ServerHost> ServerAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await ServerHost.StartAsync(options, cancellationToken);
        }
        catch (Exception exception) when (exception is ServerStartException or StoreOpenException)
        {
            throw CliException.Usage(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"The server can't start: {exception.Message}");
        }
    }

    /// <summary>After the server has ended.</summary>
    public static void TellOfRecording(Terminal terminal, ServerHost server, ServerOptions options)
    {
        if (server.RecordedStateHash is { } hash)
        {
            terminal.Line($"Recorded to {options.Record}, state hash {hash}");
        }
    }

    public static async Task<AgentHost> AgentAsync(AgentOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await AgentHost.StartAsync(options, cancellationToken);
        }
        catch (AgentException exception)
        {
            throw CliException.Usage(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"The agent can't start: {exception.Message}");
        }
    }
}
