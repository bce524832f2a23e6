using Pacer.Contracts.AgentLink;
using Pacer.Core.Cluster;

namespace Pacer.Server.Agents;

/// <summary>What both ends of an agent's stream must agree on or wait for.</summary>
internal sealed record AgentLinkSettings
{
    public required string ClusterId { get; init; }

    /// <summary>When set, agents must show it to join.</summary>
    public string? JoinToken { get; init; }

    /// <summary>Both ends send a heartbeat this often; silence of three of them ends the stream.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan SilenceLimit => HeartbeatInterval * 3;

    /// <summary>How long an agent may take to say who it is, or to dial a session it was asked for.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Orders waiting for one agent above which its stream is given up; after reconnecting it gets what is still wanted.</summary>
    public int MaxOutstandingOrders { get; init; } = 100_000;
}

/// <summary>Turns a decision to launch into the order that the agent carries out.</summary>
internal delegate LaunchInstance LaunchBuilder(Effect.Launch launch, ClusterState state);
