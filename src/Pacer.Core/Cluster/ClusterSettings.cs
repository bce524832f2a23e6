using Pacer.Core.Model;

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

    /// <summary>How nodes are chosen among those that can take an instance.</summary>
    public PlacementScore PlacementScore { get; init; }

    /// <summary>Whether instances that need no GPU may use nodes with free ones, where the run spec does not say.</summary>
    public GpuScheduling GpuScheduling { get; init; }

    /// <summary>What a run spec without accepted roles may use.</summary>
    public DefaultAcceptedRoles DefaultAcceptedRoles { get; init; }

    /// <summary>
    /// Run specs without a constraint on @region or @zone stay in this region and on nodes without one; null: they go anywhere.
    /// </summary>
    public string? HomeRegion { get; init; }

    /// <summary>
    /// Whether instances that were healthy are spared when most of their run spec turned unhealthy together: ending them all helps
    /// nobody when the cause lies elsewhere. False: Marathon's behaviour.
    /// </summary>
    public bool HoldsUnhealthyKills { get; init; } = true;
}

/// <summary>Spread: fewest instances of the run spec, then least used. Pack: most used.</summary>
public enum PlacementScore { Spread, Pack }

/// <summary>Any: unreserved resources and those reserved for the run spec's role.</summary>
public enum DefaultAcceptedRoles { Any, Unreserved, Reserved }
