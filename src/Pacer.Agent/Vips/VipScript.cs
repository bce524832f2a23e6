using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace Pacer.Agent.Vips;

/// <summary>
/// The nftables table of virtual IPs, as scripts for <c>nft -f</c>; each is one transaction. A virtual IP is an element of a map that
/// leads to a chain of its own, so that a change touches that chain alone. Only the first packet of a connection comes here; the
/// kernel knows where the rest goes, whatever the table says by then. Pure.
/// </summary>
internal static class VipScript
{
    // Before the chains of others that translate addresses, ours for ports included: a connection is translated once.
    private const int DestinationPriority = -105;
    private const int SourcePriority = 95;

    /// <summary>The whole table, whatever was there before.</summary>
    /// <remarks>
    /// Backends see the node as the client, as with DC/OS: only so do their answers come back this way, also to a client beside them or
    /// in the same container. A server of the node itself sees its own address: one that listens for UDP on all addresses would
    /// answer anybody else from another address than was asked.
    /// </remarks>
    public static string Whole(string table, VipPlan plan)
    {
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $$"""
            table inet {{table}}
            delete table inet {{table}}
            table inet {{table}} {
              map vips4 { type ipv4_addr . inet_proto . inet_service : verdict; }
              map vips6 { type ipv6_addr . inet_proto . inet_service : verdict; }
              set addresses4 { type ipv4_addr; }
              set addresses6 { type ipv6_addr; }
              chain translate {
                ip daddr . meta l4proto . th dport vmap @vips4
                ip6 daddr . meta l4proto . th dport vmap @vips6
              }
              chain prerouting {
                type nat hook prerouting priority {{DestinationPriority}}; policy accept;
                jump translate
              }
              chain output {
                type nat hook output priority {{DestinationPriority}}; policy accept;
                jump translate
              }
              chain input {
                type nat hook input priority {{SourcePriority}}; policy accept;
                meta l4proto udp ct status dnat ct original ip daddr @addresses4 snat ip to ip daddr
                meta l4proto udp ct status dnat ct original ip6 daddr @addresses6 snat ip6 to ip6 daddr
              }
              chain postrouting {
                type nat hook postrouting priority {{SourcePriority}}; policy accept;
                ct status dnat ct original ip daddr @addresses4 oifname "lo" snat ip to ip daddr
                ct status dnat ct original ip daddr @addresses4 masquerade
                ct status dnat ct original ip6 daddr @addresses6 oifname "lo" snat ip6 to ip6 daddr
                ct status dnat ct original ip6 daddr @addresses6 masquerade
              }
            }

            """);
        script.Append(Change(table, VipPlan.Empty, VipChange.Between(VipPlan.Empty, plan)));
        return script.ToString();
    }

    /// <summary>Carries out a change of what <paramref name="before"/> has made; fails as a whole if the table is not as expected.</summary>
    public static string Change(string table, VipPlan before, VipChange change)
    {
        var script = new StringBuilder();
        var led = new List<VipKey>();
        var unled = change.Removed.Where(key => Leads(before, key)).ToList();
        var chains = new List<VipKey>();
        foreach (var (key, targets) in change.Set)
        {
            var leads = targets.Serving.Length > 0;
            var leadBefore = Leads(before, key);
            if (leadBefore && before.Targets[key].Serving.SequenceEqual(targets.Serving))
            {
                continue;
            }
            if (leads)
            {
                chains.Add(key);
            }
            if (leads && !leadBefore)
            {
                led.Add(key);
            }
            else if (!leads && leadBefore)
            {
                unled.Add(key);
            }
        }
        // A chain goes after the element that leads to it, and comes before it.
        Elements("delete", "vips", unled, key => Key(key), key => key.IsIPv6);
        foreach (var key in unled)
        {
            script.Append(CultureInfo.InvariantCulture, $"flush chain inet {table} {Chain(key)}\ndelete chain inet {table} {Chain(key)}\n");
        }
        foreach (var key in chains)
        {
            // Made if it is not there; else only emptied, and filled in the same transaction.
            script.Append(CultureInfo.InvariantCulture, $"add chain inet {table} {Chain(key)}\nflush chain inet {table} {Chain(key)}\n");
            script.Append(CultureInfo.InvariantCulture, $"add rule inet {table} {Chain(key)} {Rule(key, change.Set[key].Serving)}\n");
        }
        Elements("add", "vips", led, key => $"{Key(key)} : jump {Chain(key)}", key => key.IsIPv6);
        Elements("delete", "addresses", change.AddressesRemoved, address => address.ToString(), IsIPv6);
        Elements("add", "addresses", change.AddressesAdded, address => address.ToString(), IsIPv6);
        return script.ToString();

        void Elements<T>(string verb, string set, IEnumerable<T> items, Func<T, string> text, Func<T, bool> isIPv6)
        {
            foreach (var family in items.GroupBy(isIPv6))
            {
                script.Append(CultureInfo.InvariantCulture, $"{verb} element inet {table} {set}{(family.Key ? 6 : 4)} {{ {string.Join(", ", family.Select(text))} }}\n");
            }
        }
    }

    /// <summary>Drops the table; no error when there is none.</summary>
    public static string Remove(string table) => $"table inet {table}\ndelete table inet {table}\n";

    private static bool Leads(VipPlan plan, VipKey key) => plan.Targets.TryGetValue(key, out var targets) && targets.Serving.Length > 0;

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    private static string Key(VipKey key) => string.Create(CultureInfo.InvariantCulture, $"{key.Address} . {key.Protocol} . {key.Port}");

    private static string Chain(VipKey key) => string.Create(
        CultureInfo.InvariantCulture, $"{key.Protocol}_{key.Address.ToString().Replace('.', '_').Replace(":", "x", StringComparison.Ordinal)}_{key.Port}");

    // In turn; with one backend there is nothing to choose.
    private static string Rule(VipKey key, ImmutableArray<IPEndPoint> serving)
    {
        var family = key.IsIPv6 ? "ip6" : "ip";
        var places = string.Join(", ", serving.Select((place, index) => string.Create(CultureInfo.InvariantCulture, $"{index} : {place.Address} . {place.Port}")));
        return string.Create(CultureInfo.InvariantCulture, $"meta l4proto {key.Protocol} dnat {family} to numgen inc mod {serving.Length} map {{ {places} }}");
    }
}
