using System.CommandLine;
using Pacer.Cli.Roles;
using Pacer.Server;

namespace Pacer.Cli.Commands.Roles;

/// <summary>Flags of the control plane.</summary>
internal sealed class ServerFlags(Surroundings surroundings)
{
    private readonly Flag _http = new(surroundings, "--http", "PACER_HTTP", "ADDR:PORT", "Where the REST API listens; port 0 takes any free one", "127.0.0.1:8080");
    private readonly Flag _agentListen = new(surroundings, "--agent-listen", "PACER_AGENT_LISTEN", "ADDR:PORT", "Where agents on other machines may join; without it none can");
    private readonly Flag _joinToken = new(surroundings, "--join-token", "PACER_JOIN_TOKEN", "TOKEN", "Agents must show it to join");
    private readonly Flag _agentTimeout = new(surroundings, "--agent-timeout", "PACER_AGENT_TIMEOUT", "SECONDS", "Silence after which a node counts as lost", "75");

    public Flag JoinToken => _joinToken;

    public void AddTo(Command command)
    {
        command.Add(_http);
        command.Add(_agentListen);
        command.Add(_joinToken);
        command.Add(_agentTimeout);
    }

    public ServerOptions Options(ParseResult parse, string dataDirectory, string logLevel) => new()
    {
        Http = FlagValue.Address(parse, _http),
        AgentListen = string.IsNullOrEmpty(parse.GetValue(_agentListen)) ? null : FlagValue.Address(parse, _agentListen),
        DataDir = dataDirectory,
        JoinToken = parse.GetValue(_joinToken) is { Length: > 0 } token ? token : null,
        AgentTimeout = TimeSpan.FromSeconds(FlagValue.Number(parse, _agentTimeout, "75")!.Value),
        LogLevel = logLevel,
    };
}
