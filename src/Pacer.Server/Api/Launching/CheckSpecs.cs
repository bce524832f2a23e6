using Pacer.Contracts.AgentLink;
using Pacer.Server.Api.Apps;
using AgentReadinessCheck = Pacer.Contracts.AgentLink.ReadinessCheck;
using WireReadinessCheck = Pacer.Contracts.Wire.ReadinessCheck;

namespace Pacer.Server.Api.Launching;

/// <summary>Readiness checks and generic checks as the agent runs them, their ports resolved.</summary>
internal static class CheckSpecs
{
    // 0 is allowed and means "at once"; a node that took it literally would do nothing else.
    private const long ShortestMs = 100;

    public static AgentReadinessCheck Readiness(WireReadinessCheck check, IReadOnlyList<EffectivePort> ports, Contracts.Wire.App app)
    {
        var port = ports.FirstOrDefault(candidate => candidate.Name == check.PortName);
        var spec = new AgentReadinessCheck
        {
            Name = check.Name ?? "readinessCheck",
            Https = check.Protocol == "HTTPS",
            Port = port?.Effective ?? 0,
            // The node where the port is one of the node's, else the container's address.
            Target = AppDefaults.IsHostMode(app) || port?.HostPort is not null ? HealthCheck.Types.Target.Node : HealthCheck.Types.Target.Address,
            Path = check.Path ?? "/",
            IntervalMs = Milliseconds(check.IntervalSeconds, 30),
            TimeoutMs = Milliseconds(check.TimeoutSeconds, 10),
            PreserveLastResponse = check.PreserveLastResponse == true,
        };
        spec.ReadyStatuses.AddRange(check.HttpStatusCodesForReady is { Count: > 0 } codes ? codes : [200]);
        return spec;
    }

    public static StatusCheck? Check(Contracts.Wire.AppCheck? check, IReadOnlyList<EffectivePort> ports)
    {
        if (check is null)
        {
            return null;
        }
        var spec = new StatusCheck
        {
            IntervalMs = Milliseconds(check.IntervalSeconds, 60),
            TimeoutMs = Milliseconds(check.TimeoutSeconds, 20),
            DelayMs = Math.Max(0, check.DelaySeconds ?? 15) * 1000L,
        };
        if (check.Http is { } http)
        {
            spec.Http = new HttpStatusCheck { Port = Port(http.Port, http.PortIndex, ports), Path = http.Path ?? "/", Https = http.Scheme == "HTTPS" };
        }
        else if (check.Tcp is { } tcp)
        {
            spec.Tcp = new TcpStatusCheck { Port = Port(tcp.Port, tcp.PortIndex, ports) };
        }
        else if (check.Exec?.Command is { } command)
        {
            spec.Exec = command.Argv is { } arguments
                ? new Command { Arguments = new Arguments { Values = { arguments } } }
                : new Command { Shell = command.Shell ?? "" };
        }
        return spec;
    }

    // As with health checks that the agent runs: the container's own port before the node's.
    private static int Port(int? port, int? index, IReadOnlyList<EffectivePort> ports) =>
        port ?? ((index ?? 0) < ports.Count ? ports[index ?? 0].ContainerPort : 0);

    private static long Milliseconds(int? seconds, int otherwise) => Math.Max(ShortestMs, (seconds ?? otherwise) * 1000L);
}
