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

    /// <summary>Value of a constraint's field; null when the node has none.</summary>
    public string? FieldValue(string field) => field switch
    {
        "hostname" or "@hostname" => Hostname,
        "@region" => Region,
        "@zone" => Zone,
        _ => Attributes.GetValueOrDefault(field),
    };
}
