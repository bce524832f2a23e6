using System.CommandLine;
using System.Text.Json.Nodes;
using Pacer.Cli.Client;
using Pacer.Cli.Commands.Dns;
using Pacer.Cli.Commands.Lb;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Roles;

internal static class UpCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Apps to deploy once it is up: JSON files of an app, a group, or a list of them",
            HelpName = "FILE",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var server = new ServerFlags(surroundings);
        var node = new NodeFlags(surroundings);
        var dns = new DnsFlags(surroundings);
        var lb = new LbFlags(surroundings);
        var withLb = new Flag(surroundings, "--lb", "PACER_LB", "on|off", "Balance requests between the tasks of apps", "on");
        var withDns = new Flag(surroundings, "--dns", "PACER_DNS", "on|off", "Answer DNS for the names of apps", "on");
        var role = new RoleFlags(surroundings);
        var command = new PacerCommand("up", "Start a cluster on this machine: server, agent, DNS and load balancer in one process")
        {
            Group = "Start and stop",
            Examples =
            [
                ("up examples/hello.json", "start, and deploy a first app"),
                ("up --http 127.0.0.1:9090 --data-dir /tmp/play", "another port and another place"),
                ("up --ports 20000-20999 --attribute rack=r1", "what this node offers"),
            ],
            Notes = "Ctrl-C ends Pacer and leaves containers running; the next 'pacer up' takes them over again. 'pacer down' stops everything.",
        };
        command.Add(files);
        server.AddTo(command);
        node.AddTo(command);
        command.Add(withDns);
        dns.AddTo(command);
        command.Add(withLb);
        lb.AddTo(command);
        role.AddTo(command, runsContainers: true);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var stop = new StopSignal();
            var logLevel = role.LogLevel(parse);
            var apps = new List<(string, JsonObject)>();
            foreach (var file in parse.GetValue(files) ?? [])
            {
                foreach (var app in await AppFile.ReadAsync(file, surroundings, stop.Token))
                {
                    AppFile.IdOf(app, file);
                    apps.Add((file, app));
                }
            }
            var dataDirectory = role.OpenDataDirectory(parse);
            var serverOptions = server.Options(parse, dataDirectory, logLevel);
            if (!Environment.IsPrivilegedProcess)
            {
                // Without root a process can listen only on addresses that the machine has: all of its loopback's.
                serverOptions = serverOptions with { VipRange = serverOptions.VipRange ?? "127.128.0.0/9" };
            }
            var agentOptions = node.Options(parse, "", serverOptions.JoinToken, Path.Combine(dataDirectory, "agent"),
                DataDirectory.RunDirectory(dataDirectory, surroundings), logLevel);
            var dnsRole = FlagValue.OneOf(parse, withDns, "on", "off") == "on" ? new DnsRole(surroundings, dns.Options(parse), logLevel) : null;
            var lbRole = FlagValue.OneOf(parse, withLb, "on", "off") == "on" ? new LbRole(surroundings, lb.Options(parse, lenient: true, dataDirectory), logLevel) : null;
            await role.EnsurePackagesAsync(parse, stop.Token);
            return await new UpRole(surroundings, serverOptions, agentOptions, dnsRole, lbRole).RunAsync(apps, stop);
        });
        return command;
    }
}
