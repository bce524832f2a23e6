using System.Net;
using Pacer.Edge.Dns.Packets;

namespace Pacer.Edge.Dns.Zones;

/// <summary>A name of ours and what it holds now. The slot stays the same while its entry is swapped, so that others can point at it.</summary>
internal sealed class NameSlot(string name)
{
    private NameEntry? _entry;
    private byte[]? _wire;

    /// <summary>Lower case, without a closing dot.</summary>
    public string Name { get; } = name;

    /// <summary>As in packets, without the closing root label. Made when it is first needed: most names are nobody's target.</summary>
    public byte[] Wire => _wire ??= WireName.Labels(Name);

    /// <summary>The records behind the entry. The writer's thread only.</summary>
    public NameRecords? Records { get; set; }

    /// <summary>Null when the name does not exist.</summary>
    public NameEntry? Entry
    {
        get => Volatile.Read(ref _entry);
        set => Volatile.Write(ref _entry, value);
    }
}

internal readonly record struct ServiceTarget(NameSlot Target, ushort Port);

/// <summary>All records of one name. Immutable.</summary>
internal sealed class NameEntry
{
    /// <summary>A name that has no records but has names below it.</summary>
    public static readonly NameEntry Empty = new();

    /// <summary>4 bytes each.</summary>
    public byte[] A { get; init; } = [];

    /// <summary>16 bytes each.</summary>
    public byte[] Aaaa { get; init; } = [];

    public ServiceTarget[] Srv { get; init; } = [];

    public byte[][] Txt { get; init; } = [];

    public NameSlot[] Ptr { get; init; } = [];

    public IEnumerable<IPAddress> Addresses => A.Chunk(4).Concat(Aaaa.Chunk(16)).Select(bytes => new IPAddress(bytes));
}
