using System.Collections.Immutable;

namespace Pacer.Core.Model;

/// <summary>A node as its agent advertises it, and whether we are in contact.</summary>
public sealed record AgentNode(
    AgentId Id,
    string Hostname,
    string Address,
    Resources Resources,
    ValueList<PortRange> Ports,
    ImmutableSortedDictionary<string, string> Attributes,
    string? Region,
    string? Zone,
    ValueList<string> Runtimes,
    string Version,
    Timestamp RegisteredAt,
    bool Connected,
    Timestamp? DisconnectedAt,
    bool Lost)
{
    /// <summary>When a silent node counts as lost, or kills of unwanted tasks are repeated; null when neither.</summary>
    public Timestamp? Deadline { get; init; }

    /// <summary>
    /// Tasks that run there though nobody wants them, and were told to end. They hold ports and resources that no instance
    /// accounts for, so nothing is placed on the node until they are gone.
    /// </summary>
    public ValueList<TaskId> Unwanted { get; init; } = [];

    /// <summary>Parts of <see cref="Resources"/> and <see cref="Ports"/> that belong to one role each.</summary>
    public ValueList<Reservation> Reservations { get; init; } = [];

    /// <summary>Takes nothing new; what runs there stays.</summary>
    public bool Cordoned { get; init; }

    /// <summary>Being emptied; null when it is not.</summary>
    public NodeDrain? Drain { get; init; }

    /// <summary>Whether new instances may be placed there now.</summary>
    public bool IsOpen => Connected && !Cordoned && Drain is null && Unwanted.IsEmpty;

    /// <summary>What is reserved for a role; null when nothing is.</summary>
    public Reservation? ReservationOf(string role)
    {
        foreach (var reservation in Reservations)
        {
            if (reservation.Role == role)
            {
                return reservation;
            }
        }
        return null;
    }

    /// <summary>Disks for persistent volumes beside the agent's own.</summary>
    public ValueList<NodeDisk> Disks { get; init; } = [];

    /// <summary>Ids of the persistent volumes that were there when the agent registered.</summary>
    public ValueList<string> Volumes { get; init; } = [];

    /// <summary>Ids of volumes that are to be wiped; each stays until the agent registers without it.</summary>
    public ValueList<string> Wiping { get; init; } = [];

    /// <summary>
    /// Whether an instance whose data lies there may be launched there again: also on a node that takes nothing new, but for a drain that
    /// includes such instances.
    /// </summary>
    public bool TakesBack => Connected && Drain is not { IncludeResident: true } && Unwanted.IsEmpty;

    /// <summary>Networks that tasks can have there instead of the node's own: "container/bridge", and names.</summary>
    public ValueList<string> Networks { get; init; } = [];

    /// <summary>Drivers of external volumes: names, <c>docker/NAME</c> those of the Docker daemon for its containers, <c>csi/NAME</c> CSI plugins.</summary>
    public ValueList<string> VolumeDrivers { get; init; } = [];

    /// <summary>Value of a constraint's field; null when the node has none.</summary>
    public string? FieldValue(string field) => field switch
    {
        "hostname" or "@hostname" => Hostname,
        "@region" => Region,
        "@zone" => Zone,
        _ => Attributes.GetValueOrDefault(field),
    };
}
