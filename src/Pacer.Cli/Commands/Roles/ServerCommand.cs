using System.CommandLine;
using Pacer.Cli.Roles;

namespace Pacer.Cli.Commands.Roles;

internal static class ServerCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var server = new ServerFlags(surroundings);
        var role = new RoleFlags(surroundings);
        var command = new PacerCommand("server", "Run the control plane only; agents join it")
        {
            Group = "Start and stop",
            Examples = [("server --http 10.0.0.1:8080 --agent-listen 10.0.0.1:5050 --join-token SECRET", "")],
        };
        server.AddTo(command);
        role.AddTo(command, runsContainers: false);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var stop = new StopSignal();
            var logLevel = role.LogLevel(parse);
            var dataDirectory = role.OpenDataDirectory(parse);
            var options = server.Options(parse, dataDirectory, logLevel);
            using var held = RoleLock.Take(dataDirectory, RoleLock.Server, "server");
            await using var host = await RoleStart.ServerAsync(options, stop.Token);
            held.Write("http://" + host.HttpAddress);
            surroundings.Terminal.Line($"The server is up: http://{host.HttpAddress} (state in {dataDirectory})");
            surroundings.Terminal.Line(options.AgentListen is null
                ? $"Agents join on this machine only: pacer agent --join unix:{host.AgentSocketPath} (--agent-listen ADDR:PORT opens it to others)"
                : $"Agents join with: pacer agent --join {host.AgentAddress}{(options.JoinToken is null ? "" : " --join-token …")}");
            await stop.WaitAsync();
            await host.StopAsync(CancellationToken.None);
            RoleStart.TellOfRecording(surroundings.Terminal, host, options);
            surroundings.Terminal.Line("The server ended; agents keep their containers running.");
            return ExitCode.Ok;
        });
        return command;
    }
}
