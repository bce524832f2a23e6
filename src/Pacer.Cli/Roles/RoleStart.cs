using System.Net.Sockets;
using Pacer.Agent;
using Pacer.Server;

namespace Pacer.Cli.Roles;

/// <summary>Starts the parts of a role and turns what can go wrong on a healthy machine into one line with the cure.</summary>
internal static class RoleStart
{
    public static async Task<ServerHost> ServerAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await ServerHost.StartAsync(options, cancellationToken);
        }
        catch (Exception exception) when (IsAddressInUse(exception))
        {
            var both = options.AgentListen is null ? $"--http {options.Http}" : $"--http {options.Http} or --agent-listen {options.AgentListen}";
            throw CliException.Usage($"{both}: the port is in use. Stop what listens there, or name another (--http 127.0.0.1:0 takes any free one).");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException or FormatException)
        {
            throw CliException.Usage($"The server can't start: {exception.GetBaseException().Message}");
        }
    }

    public static async Task<AgentHost> AgentAsync(AgentOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await AgentHost.StartAsync(options, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException or AgentException)
        {
            throw CliException.Usage($"The agent can't start: {exception.GetBaseException().Message}");
        }
    }

    private static bool IsAddressInUse(Exception exception)
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            if (current is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                return true;
            }
        }
        return false;
    }
}
