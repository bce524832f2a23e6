using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pacer.Edge.Dns.Zones;

/// <summary>
/// The names that are answered. One thread writes, name by name; readers never wait and see each name as it was before or after a
/// change.
/// </summary>
internal sealed class RecordTable
{
    private const int LongestName = 253;
    private readonly ConcurrentDictionary<string, NameSlot> _slots = new(concurrencyLevel: 1, capacity: 31, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, NameSlot>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly List<NameRecords> _dirty = [];

    public RecordTable() => _lookup = _slots.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>What the name holds; null when it does not exist.</summary>
    public NameEntry? Find(ReadOnlySpan<char> name) => _lookup.TryGetValue(name, out var slot) ? slot.Entry : null;

    /// <summary>Owners too, for explanations. The writer's thread only.</summary>
    public NameRecords? Records(string name) => _slots.GetValueOrDefault(name)?.Records;

    /// <summary>All names with their owners. The writer's thread only.</summary>
    public IEnumerable<NameRecords> Names => _slots.Select(slot => slot.Value.Records).OfType<NameRecords>();

    /// <summary>All names that have records. Any thread.</summary>
    public IEnumerable<NameSlot> Slots => _slots.Select(slot => slot.Value).Where(slot => slot.Entry is { } entry && entry != NameEntry.Empty);

    public NameSlot SlotOf(string name) => NameOf(name).Slot;

    public void Add(string name, RecordOwner owner, RecordKind kind, object data, int port = 0)
    {
        if (!Fits(name))
        {
            return; // longer than DNS allows: no packet could ask for it
        }
        var records = NameOf(name);
        records.Records.Add(new Record(owner, kind, data, (ushort)port));
        owner.Names.Add(records);
        Touch(records);
    }

    public void Remove(RecordOwner owner)
    {
        owner.Gone = true;
        foreach (var name in owner.Names)
        {
            Touch(name);
        }
    }

    /// <summary>Makes all changes since the last call visible. Returns whether there were any.</summary>
    public bool Publish()
    {
        var any = _dirty.Count > 0;
        foreach (var name in _dirty)
        {
            name.Dirty = false;
            name.Records.RemoveAll(record => record.Owner.Gone);
            var entry = EntryOf(name);
            Exist(name, entry is not null);
            Show(name, entry);
        }
        _dirty.Clear();
        return any;
    }

    private static bool Fits(string name)
    {
        if (name.Length > LongestName)
        {
            return false;
        }
        foreach (var label in name.AsSpan().Split('.'))
        {
            var (_, length) = label.GetOffsetAndLength(name.Length);
            if (length is 0 or > 63)
            {
                return false;
            }
        }
        return true;
    }

    private NameRecords NameOf(string name)
    {
        if (!_slots.TryGetValue(name, out var slot))
        {
            _slots[name] = slot = new NameSlot(name);
        }
        return slot.Records ??= new NameRecords(slot);
    }

    private void Touch(NameRecords name)
    {
        if (!name.Dirty)
        {
            name.Dirty = true;
            _dirty.Add(name);
        }
    }

    /// <summary>Every name above one that exists, exists too: resolvers may ask for them on the way down.</summary>
    private void Exist(NameRecords name, bool exists)
    {
        if (name.Exists == exists)
        {
            return;
        }
        name.Exists = exists;
        for (var dot = name.Slot.Name.IndexOf('.'); dot >= 0; dot = name.Slot.Name.IndexOf('.', dot + 1))
        {
            var above = NameOf(name.Slot.Name[(dot + 1)..]);
            above.Below += exists ? 1 : -1;
            if (above.Below <= 1 && !above.Dirty)
            {
                Show(above, above.Slot.Entry == NameEntry.Empty ? null : above.Slot.Entry);
            }
        }
    }

    private void Show(NameRecords name, NameEntry? entry)
    {
        entry ??= name.Below > 0 ? NameEntry.Empty : null;
        name.Slot.Entry = entry;
        if (entry is null && name.Records.Count == 0)
        {
            _slots.TryRemove(name.Slot.Name, out _);
        }
    }

    private static NameEntry? EntryOf(NameRecords name)
    {
        if (name.Records.Count == 0)
        {
            return null;
        }
        var a = new HashSet<IPAddress>();
        var aaaa = new HashSet<IPAddress>();
        var srv = new HashSet<ServiceTarget>();
        var txt = new HashSet<string>();
        var ptr = new HashSet<NameSlot>();
        foreach (var record in name.Published())
        {
            _ = record.Kind switch
            {
                RecordKind.Address => ((IPAddress)record.Data).AddressFamily == AddressFamily.InterNetwork
                    ? a.Add((IPAddress)record.Data)
                    : aaaa.Add((IPAddress)record.Data),
                RecordKind.Srv => srv.Add(new ServiceTarget((NameSlot)record.Data, record.Port)),
                RecordKind.Ptr => ptr.Add((NameSlot)record.Data),
                _ => txt.Add((string)record.Data),
            };
        }
        return a.Count + aaaa.Count + srv.Count + txt.Count + ptr.Count == 0 ? null : new NameEntry
        {
            A = Bytes(a, 4),
            Aaaa = Bytes(aaaa, 16),
            Srv = [.. srv],
            Txt = [.. txt.Select(Encoding.UTF8.GetBytes)],
            Ptr = [.. ptr],
        };
    }

    private static byte[] Bytes(HashSet<IPAddress> addresses, int size)
    {
        var bytes = new byte[addresses.Count * size];
        var at = 0;
        foreach (var address in addresses)
        {
            address.TryWriteBytes(bytes.AsSpan(at), out _);
            at += size;
        }
        return bytes;
    }
}
