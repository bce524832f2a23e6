namespace Pacer.Core.Cluster;

/// <summary>Numbers that the operator may set; they enter <see cref="Orchestrator.Step"/> with every call and never change within one.</summary>
public sealed record ClusterSettings
{
    /// <summary>Range of assigned service ports, both ends included.</summary>
    public int ServicePortMin { get; init; } = 10000;
    public int ServicePortMax { get; init; } = 20000;

    public int MaxRunningDeployments { get; init; } = 100;

    /// <summary>Versions kept of each run spec.</summary>
    public int MaxVersions { get; init; } = 50;

    /// <summary>Silence after which a node counts as lost and its tasks as unreachable.</summary>
    public TimeSpan AgentTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>A launch that no agent confirmed by then is killed and tried again.</summary>
    public TimeSpan LaunchConfirmTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A task that stays in staging or starting for longer is killed.</summary>
    public TimeSpan LaunchTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A kill that was not confirmed is sent again.</summary>
    public TimeSpan KillRetryInterval { get; init; } = TimeSpan.FromSeconds(30);
}
