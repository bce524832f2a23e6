namespace Pacer.Core.Scheduling.Placement;

/// <summary>Why a node can't take an instance: Marathon's ten reasons, in the order in which they are checked.</summary>
public enum RejectReason
{
    UnfulfilledRole,
    UnfulfilledConstraint,
    NoCorrespondingReservationFound,
    AgentMaintenance,
    InsufficientCpus,
    InsufficientMemory,
    InsufficientDisk,
    InsufficientGpus,
    InsufficientPorts,
    DeclinedScarceResources,
}

/// <summary>One node's refusal: the first reason that applies, with what was asked and what is there, in words.</summary>
public sealed record Rejection(RejectReason Reason, string Asked, string Free)
{
    /// <summary>What is there, as a number in the unit of <see cref="Free"/>; null where amounts say nothing.</summary>
    public double? FreeAmount { get; init; }
}

/// <summary>What every node says to one more instance of a run spec.</summary>
/// <param name="Nodes">Nodes asked.</param>
/// <param name="Accepting">Nodes that would take it.</param>
/// <param name="Rejections">Refusals by node id, in the order of the ids.</param>
public sealed record PlacementExplanation(
    int Nodes, int Accepting, IReadOnlyList<KeyValuePair<Model.AgentId, Rejection>> Rejections);
