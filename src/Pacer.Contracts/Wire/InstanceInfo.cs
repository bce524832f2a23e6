namespace Pacer.Contracts.Wire;

/// <summary>An instance as the answer to its deletion shows it.</summary>
public sealed class InstanceInfo
{
    public string? InstanceId { get; set; }
    public InstanceState? State { get; set; }
    public AgentInfo? AgentInfo { get; set; }
    public string? RunSpecVersion { get; set; }
    public UnreachableStrategy? UnreachableStrategy { get; set; }
}

public sealed class InstanceState
{
    public string? Condition { get; set; }
    public string? Since { get; set; }
    public string? ActiveSince { get; set; }
    public bool? Healthy { get; set; }

    /// <summary>"Running", "Stopped" or "Decommissioned".</summary>
    public string? Goal { get; set; }
}

public sealed class AgentInfo
{
    public string? Host { get; set; }
    public string? AgentId { get; set; }
    public string? Region { get; set; }
    public string? Zone { get; set; }
    public List<OfferValue>? Attributes { get; set; }
}
