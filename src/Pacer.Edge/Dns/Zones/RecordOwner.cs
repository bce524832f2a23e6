using System.Net;

namespace Pacer.Edge.Dns.Zones;

/// <summary>Whether what an owner has is given out.</summary>
internal enum Standing
{
    /// <summary>Always.</summary>
    Serving,

    /// <summary>Only under a name that has nobody better.</summary>
    Spare,

    /// <summary>Never; known only so that this can be explained.</summary>
    LeftOut,
}

/// <summary>Who a record comes from: a task, a node, the cluster.</summary>
/// <param name="id">The task's id; else a word for what it is.</param>
/// <param name="serviceId">The app or pod; null when it is no task.</param>
/// <param name="reason">Why it is not <see cref="Standing.Serving"/>.</param>
internal sealed class RecordOwner(string id, string? serviceId, Standing standing, string? reason)
{
    public string Id { get; } = id;

    public string? ServiceId { get; } = serviceId;

    public Standing Standing { get; } = standing;

    public string? Reason { get; } = reason;

    /// <summary>Its records no longer count.</summary>
    public bool Gone { get; set; }

    public List<NameRecords> Names { get; } = [];
}

internal enum RecordKind : byte { Address, Srv, Txt, Ptr }

/// <summary>One record of one owner.</summary>
/// <param name="Data"><see cref="IPAddress"/>, the target's <see cref="NameSlot"/>, or the text as <see cref="string"/>.</param>
internal readonly record struct Record(RecordOwner Owner, RecordKind Kind, object Data, ushort Port)
{
    public bool SameValueAs(Record other) => Kind == other.Kind && Port == other.Port && Data.Equals(other.Data);
}

/// <summary>All records of one name with their owners, also those that are not given out.</summary>
internal sealed class NameRecords(NameSlot slot)
{
    public NameSlot Slot { get; } = slot;

    public List<Record> Records { get; } = new(1); // most names have one

    public bool Dirty { get; set; }

    /// <summary>Names that exist below it.</summary>
    public int Below { get; set; }

    /// <summary>Counted in <see cref="Below"/> of its parents.</summary>
    public bool Exists { get; set; }

    /// <summary>Those who are given out: the serving, or when there are none, the spare ones.</summary>
    public IEnumerable<Record> Published()
    {
        var best = Records.Exists(record => record.Owner.Standing == Standing.Serving) ? Standing.Serving : Standing.Spare;
        return Records.Where(record => record.Owner.Standing == best);
    }
}
