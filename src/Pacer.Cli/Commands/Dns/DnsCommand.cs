using System.CommandLine;
using Pacer.Cli.Commands.Roles;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Dns;

/// <summary>A DNS server for a cluster that runs elsewhere; and explanations of its answers.</summary>
internal static class DnsCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = ApiOptions.Server(surroundings);
        var flags = new DnsFlags(surroundings);
        var logLevel = RoleFlags.LogLevelFlag(surroundings);
        var command = new PacerCommand("dns", "Answer DNS for the names of a cluster ('pacer up' does already)")
        {
            Group = "Start and stop",
            Examples =
            [
                ("dns --server http://10.0.0.1:8080 --dns-listen 10.0.0.2:53", "on another machine"),
                ("dns lookup web.marathon.mesos", "what a name leads to, and why"),
            ],
            Notes = "It follows the server's endpoints and goes on answering from what it knows while the server is away.",
        };
        command.Add(server);
        flags.AddTo(command);
        command.Add(logLevel);
        command.Add(DnsLookupCommand.Create(surroundings));
        command.SetAction(async (parse, _) =>
        {
            using var stop = new StopSignal();
            var role = new DnsRole(surroundings, flags.Options(parse), RoleFlags.LogLevel(parse, logLevel));
            using var api = new Client.ApiClient(parse.GetValue(server)!, surroundings.Terminal);
            await using var dns = await role.StartAsync(api.Server);
            await DnsRole.ShowContactAsync(dns, api.Server, surroundings.Terminal, stop.Token);
            await stop.WaitAsync();
            surroundings.Terminal.Line("DNS ended.");
            return ExitCode.Ok;
        });
        return command;
    }
}
