using System.Globalization;
using System.Net;
using System.Text;

namespace Pacer.Agent.Networks;

/// <summary>A port of the node, translated: packets to it go to a container.</summary>
internal readonly record struct PortTranslation(string Protocol, int HostPort, string Address, int ContainerPort)
{
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Protocol} . {HostPort}");

    public string Element => string.Create(CultureInfo.InvariantCulture, $"{Key} : {Address} . {ContainerPort}");
}

/// <summary>A bridge that the agent made.</summary>
internal readonly record struct BridgeRange(string Bridge, Subnet Subnet);

/// <summary>
/// The agent's nftables table, as scripts for <c>nft -f</c>; each is one transaction. Everything is in one table, so that writing it
/// anew is also the way back after a crash, and dropping it leaves nothing behind. Pure.
/// </summary>
internal static class FirewallScript
{
    private const string Map = "hostport";

    /// <summary>The whole table, whatever was there before.</summary>
    /// <param name="dns">Where DNS questions to the bridges' addresses go; null: to whom listens there.</param>
    public static string Whole(string table, IReadOnlyList<BridgeRange> bridges, IReadOnlyCollection<PortTranslation> ports, IPEndPoint? dns = null)
    {
        var script = new StringBuilder();
        Line($"table ip {table}");
        Line($"delete table ip {table}");
        Line($"table ip {table} {{");
        Line($"  map {Map} {{");
        Line($"    type inet_proto . inet_service : ipv4_addr . inet_service");
        if (ports.Count > 0)
        {
            Line($"    elements = {{ {Elements(ports)} }}");
        }
        Line($"  }}");
        // The bridges accept packets with loopback addresses, for the node's own 127.0.0.1:PORT. A container must not use that to
        // reach what listens on the node's loopback only.
        Line($"  chain guard {{");
        Line($"    type filter hook prerouting priority raw; policy accept;");
        foreach (var bridge in bridges)
        {
            Line($"    iifname \"{bridge.Bridge}\" ip daddr 127.0.0.0/8 drop");
        }
        Line($"  }}");
        Line($"  chain dns {{");
        foreach (var rule in DnsRules(bridges, dns))
        {
            script.Append("    ").Append(rule).Append('\n');
        }
        Line($"  }}");
        Line($"  chain translate {{");
        Line($"    jump dns");
        Line($"    fib daddr type local dnat ip to meta l4proto . th dport map @{Map}");
        Line($"  }}");
        Line($"  chain prerouting {{");
        Line($"    type nat hook prerouting priority dstnat; policy accept;");
        Line($"    jump translate");
        Line($"  }}");
        Line($"  chain output {{");
        Line($"    type nat hook output priority -100; policy accept;");
        Line($"    jump translate");
        Line($"  }}");
        Line($"  chain postrouting {{");
        Line($"    type nat hook postrouting priority srcnat; policy accept;");
        foreach (var (bridge, subnet) in bridges)
        {
            Line($"    ip saddr 127.0.0.0/8 oifname \"{bridge}\" masquerade");
            Line($"    ip saddr {subnet} oifname \"{bridge}\" ct status dnat masquerade");
            Line($"    ip saddr {subnet} oifname != \"{bridge}\" masquerade");
        }
        Line($"  }}");
        Line($"}}");
        return script.ToString();

        void Line(FormattableString line) => script.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>Takes <paramref name="removed"/> out, then puts <paramref name="added"/> in; fails as a whole if the table is not as expected.</summary>
    public static string Change(string table, IReadOnlyCollection<PortTranslation> removed, IReadOnlyCollection<PortTranslation> added)
    {
        var script = new StringBuilder();
        if (removed.Count > 0)
        {
            script.Append(CultureInfo.InvariantCulture, $"delete element ip {table} {Map} {{ {string.Join(", ", removed.Select(port => port.Key))} }}\n");
        }
        if (added.Count > 0)
        {
            script.Append(CultureInfo.InvariantCulture, $"add element ip {table} {Map} {{ {Elements(added)} }}\n");
        }
        return script.ToString();
    }

    /// <summary>Leads DNS questions elsewhere.</summary>
    public static string ChangeDns(string table, IReadOnlyList<BridgeRange> bridges, IPEndPoint? dns)
    {
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $"flush chain ip {table} dns\n");
        foreach (var rule in DnsRules(bridges, dns))
        {
            script.Append(CultureInfo.InvariantCulture, $"add rule ip {table} dns {rule}\n");
        }
        return script.ToString();
    }

    private static IEnumerable<string> DnsRules(IReadOnlyList<BridgeRange> bridges, IPEndPoint? dns) => dns is null ? [] : bridges.Select(bridge =>
        string.Create(CultureInfo.InvariantCulture, $"iifname \"{bridge.Bridge}\" ip daddr {Subnet.Text(bridge.Subnet.Gateway)} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {dns.Address}:{dns.Port}"));

    /// <summary>Drops the table; no error when there is none.</summary>
    public static string Remove(string table) => $"table ip {table}\ndelete table ip {table}\n";

    private static string Elements(IEnumerable<PortTranslation> ports) => string.Join(", ", ports.Select(port => port.Element));
}
