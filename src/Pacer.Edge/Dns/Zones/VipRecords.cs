using System.Net;
using Pacer.Contracts.Vips;
using Pacer.Edge.Dns.Names;

namespace Pacer.Edge.Dns.Zones;

/// <summary>The records of named virtual IPs: an address for each kind of backend that the name has, whatever the port.</summary>
internal static class VipRecords
{
    /// <summary>The addresses of each DNS name; a name without any does not exist.</summary>
    public static SortedDictionary<string, SortedSet<string>> ByName(VipTable table)
    {
        var names = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var vip in table.Vips.Where(vip => vip.DnsName is not null))
        {
            foreach (var address in vip.Addresses)
            {
                if (!names.TryGetValue(vip.DnsName!, out var addresses))
                {
                    names[vip.DnsName!] = addresses = new SortedSet<string>(StringComparer.Ordinal);
                }
                addresses.Add(address.ToString());
            }
        }
        return names;
    }

    public static bool Same(RecordOwner? owner, SortedSet<string> addresses) =>
        owner is not null && addresses.SetEquals(owner.Names.SelectMany(name => name.Records)
            .Where(record => record.Owner == owner && record.Kind == RecordKind.Address).Select(record => record.Data.ToString()!));

    public static RecordOwner Put(RecordTable table, string name, SortedSet<string> addresses)
    {
        var owner = new RecordOwner("virtual IP", null, Standing.Serving, null);
        foreach (var address in addresses.Select(IPAddress.Parse))
        {
            table.Add(name, owner, RecordKind.Address, address);
            table.Add(ReverseName.Of(address), owner, RecordKind.Ptr, table.SlotOf(name));
        }
        return owner;
    }
}
