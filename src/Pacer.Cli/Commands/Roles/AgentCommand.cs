using System.CommandLine;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Roles;

internal static class AgentCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var join = new Flag(surroundings, "--join", "PACER_JOIN", "HOST:PORT", "The server's --agent-listen address, or unix:/path/agent.sock on its own machine");
        var token = new ServerFlags(surroundings).JoinToken;
        token.Description = "What the server wants agents to show";
        var node = new NodeFlags(surroundings);
        var role = new RoleFlags(surroundings);
        var command = new PacerCommand("agent", "Run one node: it joins a server and runs containers for it")
        {
            Group = "Start and stop",
            Examples =
            [
                ("agent --join 10.0.0.1:5050 --join-token SECRET", "a machine of its own"),
                ("agent --join 127.0.0.1:5050 --data-dir /tmp/node2 --ports 32001-32999 --hostname node2", "a second node on one machine"),
            ],
        };
        command.Add(join);
        command.Add(token);
        node.AddTo(command);
        role.AddTo(command, runsContainers: true);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var stop = new StopSignal();
            var logLevel = role.LogLevel(parse);
            var address = parse.GetValue(join) is { Length: > 0 } text
                ? text.StartsWith("unix:", StringComparison.Ordinal) ? text : FlagValue.Address(parse, join)
                : throw CliException.Usage("--join (or PACER_JOIN) is missing. Give the server's --agent-listen address, such as 10.0.0.1:5050.");
            var dataDirectory = role.OpenDataDirectory(parse);
            var options = node.Options(parse, address, parse.GetValue(token) is { Length: > 0 } shown ? shown : null,
                Path.Combine(dataDirectory, "agent"), DataDirectory.RunDirectory(dataDirectory, surroundings), logLevel);
            await role.EnsurePackagesAsync(parse, stop.Token);
            using var held = RoleLock.Take(dataDirectory, RoleLock.Agent, "agent");
            await using var host = await RoleStart.AgentAsync(options, stop.Token);
            surroundings.Terminal.Line($"The agent is up and joins {address} (state in {dataDirectory})");
            if (host.MissingIsolation is { } missing)
            {
                surroundings.Terminal.Line("note: " + missing);
            }
            await Task.WhenAny(stop.WaitAsync(), host.Completion);
            await host.StopAsync();
            surroundings.Terminal.Line("The agent ended; its containers keep running.");
            return ExitCode.Ok;
        });
        return command;
    }
}
