using System.CommandLine;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Lb;

/// <summary>A load balancer for a cluster that runs elsewhere; and what a running one does.</summary>
internal static class LbCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var flags = new LbFlags(surroundings);
        var logLevel = RoleFlags.LogLevelFlag(surroundings);
        var command = new PacerCommand("lb", "Balance HTTP and TCP between the tasks of apps ('pacer up' does already)")
        {
            Group = "Start and stop",
            Examples =
            [
                ("lb --server http://10.0.0.1:8080", "on another machine"),
                ("lb --lb-group internal --lb-http off --lb-https off", "service ports of another group"),
                ("lb --lb-engine haproxy", "with HAProxy between clients and tasks"),
                ("lb status", "what it serves, and what is wrong"),
            ],
            Notes = "It follows the server's endpoints and goes on with what it knows while the server is away.",
        };
        command.Add(server);
        flags.Engine.Aliases.Add("--engine"); // there is no other here
        flags.AddTo(command);
        command.Add(logLevel);
        command.Add(LbStatusCommand.Create(surroundings));
        command.SetAction(async (parse, _) =>
        {
            using var stop = new StopSignal();
            var role = new LbRole(surroundings, flags.Options(parse, lenient: false), RoleFlags.LogLevel(parse, logLevel));
            using var api = new Client.ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            await using var balancer = await role.StartAsync(api.Server);
            await LbRole.ShowContactAsync(balancer, api.Server, surroundings.Terminal, stop.Token);
            await stop.WaitAsync();
            if (stop.HandsOver)
            {
                balancer.LeaveHaproxy();
            }
            surroundings.Terminal.Line("Load balancer ended.");
            return ExitCode.Ok;
        });
        return command;
    }
}
