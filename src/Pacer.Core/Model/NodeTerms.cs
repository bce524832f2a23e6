namespace Pacer.Core.Model;

/// <summary>A part of a node, counted in its totals, that only run specs of one role may use.</summary>
public sealed record Reservation(string Role, Resources Resources, ValueList<PortRange> Ports);

/// <summary>A node is being emptied: it takes nothing new, and what runs there moves away.</summary>
/// <param name="Until">When whatever is left there is killed; null: never.</param>
/// <param name="IncludeResident">Whether instances whose data lies on the node go too.</param>
public sealed record NodeDrain(Timestamp Since, Timestamp? Until, bool IncludeResident)
{
    /// <summary>The deadline has passed: what is still there does not wait for a replacement any more.</summary>
    public bool Expired { get; init; }
}
