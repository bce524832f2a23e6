namespace Pacer.Contracts.Wire;

/// <summary>What was asked of the nodes for one run spec, and why they refused.</summary>
public sealed class ProcessedOffersSummary
{
    public int ProcessedOffersCount { get; set; }
    public int UnusedOffersCount { get; set; }
    public string? LastUnusedOfferAt { get; set; }
    public string? LastUsedOfferAt { get; set; }
    public List<RejectStep>? RejectSummaryLastOffers { get; set; }
    public List<RejectStep>? RejectSummaryLaunchAttempt { get; set; }
}

/// <summary>One reason: how many nodes were still in the race before it, and how many it took out.</summary>
public sealed class RejectStep
{
    public string? Reason { get; set; }
    public int Declined { get; set; }
    public int Processed { get; set; }
}

/// <summary>A node that refused, with what it has free.</summary>
public sealed class UnusedOffer
{
    public OfferInfo? Offer { get; set; }
    public List<string>? Reason { get; set; }
    public string? Timestamp { get; set; }
}

public sealed class OfferInfo
{
    public string? Id { get; set; }
    public string? Hostname { get; set; }
    public string? AgentId { get; set; }
    public List<OfferValue>? Resources { get; set; }
    public List<OfferValue>? Attributes { get; set; }
}

/// <summary>A resource or an attribute; which value member is set depends on its kind.</summary>
public sealed class OfferValue
{
    public string? Name { get; set; }
    public string? Role { get; set; }
    public double? Scalar { get; set; }
    public List<OfferRange>? Ranges { get; set; }
    public string? Text { get; set; }
    public List<string>? Set { get; set; }
}

public sealed class OfferRange
{
    public long Begin { get; set; }
    public long End { get; set; }
}
