using System.CommandLine;
using Pacer.Agent;
using Pacer.Cli.Output;
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
            if (host.MissingIsolation is { } missing)
            {
                surroundings.Terminal.Line("note: " + missing);
            }
            else if (host.MissingNetworks is { } reason)
            {
                surroundings.Terminal.Line("note: " + reason);
            }
            if (host.UserSpaceVips is { } why)
            {
                surroundings.Terminal.Line($"note: virtual IPs pass through this process instead of the kernel: {why}");
            }
            await ShowJoiningAsync(host, address, dataDirectory, surroundings.Terminal, stop.Token);
            await stop.WaitAsync();
            var running = host.LiveTasks;
            await host.StopAsync();
            surroundings.Terminal.Line(running == 0
                ? "The agent ended. No containers are running."
                : $"The agent ended. {running} of its containers keep running; the next agent on {dataDirectory} takes over.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task ShowJoiningAsync(AgentHost host, string address, string dataDirectory, Terminal terminal, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var registration = host.WaitForRegistrationAsync(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await registration.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            terminal.ErrorLine($"No contact with {address} yet ({host.Trouble ?? "no answer"}); the agent keeps trying.");
        }
        try
        {
            await registration;
            terminal.Line($"The agent has joined {address} (state in {dataDirectory})");
        }
        catch (OperationCanceledException)
        {
            // Asked to stop before it could join.
        }
    }
}
