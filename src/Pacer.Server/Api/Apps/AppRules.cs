using System.Collections.Frozen;
using Pacer.Contracts.Endpoints;

namespace Pacer.Server.Api.Apps;

/// <summary>What the operator decides about apps (Marathon's flags of the same names).</summary>
internal sealed record AppRules
{
    public const string Secrets = "secrets";
    public const string GpuResources = "gpu_resources";
    public const string ExternalVolumes = "external_volumes";

    /// <summary>Role of apps that name none.</summary>
    public string DefaultRole { get; init; } = "*";

    /// <summary>Whether apps below a top-level group that does not say must have the group's name as their role.</summary>
    public bool EnforceRoleOfNewGroups { get; init; }

    /// <summary>Network of apps that ask for a container network without naming it; null: they must name one.</summary>
    public string? DefaultNetworkName { get; init; }

    /// <summary>Network name in the deprecated <c>ipAddress</c> that means bridge networking.</summary>
    public string BridgeName { get; init; } = "mesos-bridge";

    /// <summary>Put before <c>HOST</c> and the port variables.</summary>
    public string EnvVarsPrefix { get; init; } = "";

    /// <summary>A typing mistake must not start a million tasks.</summary>
    public int MaxInstances { get; init; } = 100_000;

    /// <summary>What is wrong with the labels of a service, in words for users: those who read labels know. Null: nobody does.</summary>
    public Func<EndpointService, IReadOnlyList<string>>? LabelWarnings { get; init; }

    public FrozenSet<string> Features { get; init; } = FrozenSet.Create(
        StringComparer.Ordinal, Secrets, GpuResources, ExternalVolumes, "vips", "task_killing");
}
