namespace Pacer.Contracts.Wire;

/// <summary>A pod, its instances and how they fare. Times are ISO 8601 texts in UTC.</summary>
public sealed class PodStatus
{
    public string? Id { get; set; }
    public Pod? Spec { get; set; }

    /// <summary>"DEGRADED", "STABLE" or "TERMINAL".</summary>
    public string? Status { get; set; }
    public string? StatusSince { get; set; }
    public string? Message { get; set; }
    public List<PodInstanceStatus>? Instances { get; set; }
    public List<TerminationHistory>? TerminationHistory { get; set; }
    public string? LastUpdated { get; set; }
    public string? LastChanged { get; set; }
}

public sealed class PodInstanceStatus
{
    public string? Id { get; set; }

    /// <summary>"PENDING", "STAGING", "STABLE", "DEGRADED" or "TERMINAL".</summary>
    public string? Status { get; set; }
    public string? StatusSince { get; set; }
    public string? Message { get; set; }
    public List<StatusCondition>? Conditions { get; set; }
    public string? AgentHostname { get; set; }
    public string? AgentId { get; set; }
    public string? AgentRegion { get; set; }
    public string? AgentZone { get; set; }

    /// <summary>Of all containers and the executor.</summary>
    public PodResources? Resources { get; set; }
    public List<NetworkStatus>? Networks { get; set; }
    public List<ContainerStatus>? Containers { get; set; }

    /// <summary>Where the definition is that the instance runs.</summary>
    public string? SpecReference { get; set; }
    public List<LocalVolume>? LocalVolumes { get; set; }
    public string? LastUpdated { get; set; }
    public string? LastChanged { get; set; }
    public string? Role { get; set; }
}

public sealed class ContainerStatus
{
    public string? Name { get; set; }

    /// <summary>State of its task, as "TASK_RUNNING".</summary>
    public string? Status { get; set; }
    public string? StatusSince { get; set; }
    public string? Message { get; set; }
    public List<StatusCondition>? Conditions { get; set; }

    /// <summary>Id of its task.</summary>
    public string? ContainerId { get; set; }
    public List<EndpointStatus>? Endpoints { get; set; }
    public PodResources? Resources { get; set; }
    public ContainerTermination? Termination { get; set; }
    public string? LastUpdated { get; set; }
    public string? LastChanged { get; set; }
}

public sealed class StatusCondition
{
    public string? Name { get; set; }
    public string? LastChanged { get; set; }
    public string? LastUpdated { get; set; }
    public string? Value { get; set; }
    public string? Reason { get; set; }
}

public sealed class EndpointStatus
{
    public string? Name { get; set; }
    public int? AllocatedHostPort { get; set; }

    /// <summary>Only when a health check watches the endpoint.</summary>
    public bool? Healthy { get; set; }
}

public sealed class NetworkStatus
{
    public string? Name { get; set; }
    public List<string>? Addresses { get; set; }
}

public sealed class ContainerTermination
{
    public int? ExitCode { get; set; }
    public string? Message { get; set; }
}

public sealed class TerminationHistory
{
    public string? InstanceID { get; set; }
    public string? StartedAt { get; set; }
    public string? TerminatedAt { get; set; }
    public string? Message { get; set; }
    public List<ContainerTerminationHistory>? Containers { get; set; }
}

public sealed class ContainerTerminationHistory
{
    public string? ContainerId { get; set; }
    public string? LastKnownState { get; set; }
    public ContainerTermination? Termination { get; set; }
}
