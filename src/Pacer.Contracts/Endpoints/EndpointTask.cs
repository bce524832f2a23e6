namespace Pacer.Contracts.Endpoints;

/// <summary>A task that has a place and has not ended.</summary>
public sealed class EndpointTask : IEquatable<EndpointTask>
{
    public string Id { get; set; } = "";

    /// <summary>With <see cref="ConfigVersion"/> the key of its <see cref="EndpointService"/>.</summary>
    public string ServiceId { get; set; } = "";
    public string ConfigVersion { get; set; } = "";

    /// <summary>The pod's container; null for apps.</summary>
    public string? Container { get; set; }
    public string NodeId { get; set; } = "";

    /// <summary>"TASK_RUNNING", "TASK_STAGING", ...</summary>
    public string State { get; set; } = "";

    /// <summary>Null while no result is known, or when the service has no health checks.</summary>
    public bool? Healthy { get; set; }

    /// <summary>It passed its readiness checks, if there are any.</summary>
    public bool Ready { get; set; }

    /// <summary>It was told to end, or will be: no new traffic.</summary>
    public bool Draining { get; set; }

    /// <summary>IP addresses of its own; empty when it shares the node's, or none is known yet.</summary>
    public List<string> Addresses { get; set; } = [];
    public List<EndpointTaskPort> Ports { get; set; } = [];

    public bool Equals(EndpointTask? other) =>
        other is not null && Id == other.Id && ServiceId == other.ServiceId && ConfigVersion == other.ConfigVersion && Container == other.Container
        && NodeId == other.NodeId && State == other.State && Healthy == other.Healthy && Ready == other.Ready && Draining == other.Draining
        && Addresses.SequenceEqual(other.Addresses) && Ports.SequenceEqual(other.Ports);

    public override bool Equals(object? obj) => Equals(obj as EndpointTask);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);
}

/// <summary>A port as the task got it.</summary>
public sealed record EndpointTaskPort
{
    /// <summary>Index into the service's ports.</summary>
    public int Port { get; set; }

    /// <summary>Port of the node; 0 when none is taken.</summary>
    public int HostPort { get; set; }

    /// <summary>Where the process listens.</summary>
    public int ContainerPort { get; set; }
}
