namespace Pacer.Agent.Networks;

/// <summary>A link between a namespace and a bridge, to be made.</summary>
internal readonly record struct PlannedLink(string HostLink, string Device, string Bridge, Subnet Subnet, string Address);

/// <summary>Interfaces, addresses and routes as input for <c>ip -batch</c>. Pure.</summary>
internal static class LinkScript
{
    /// <summary>A bridge's address; no error when it has it.</summary>
    public static string Bridge(string bridge, Subnet subnet) => Text(
    [
        $"addr replace {Subnet.Text(subnet.Gateway)}/{subnet.PrefixLength} dev {bridge}",
        $"link set {bridge} up",
    ]);

    /// <summary>On the node: the namespace, and the links with one end in it.</summary>
    public static string Outside(string ns, IReadOnlyList<PlannedLink> links) => Text(
    [
        $"netns add {ns}",
        .. links.SelectMany(link => (string[])
        [
            $"link add {link.HostLink} master {link.Bridge} type veth peer name {link.Device} netns {ns}",
            // Hairpin: a task that calls its own port of the node comes back through the link it left by.
            $"link set {link.HostLink} type bridge_slave hairpin on",
            $"link set {link.HostLink} up",
        ]),
    ]);

    /// <summary>Undoes <see cref="Outside"/>; the other ends go with these.</summary>
    public static string Removal(string ns, IReadOnlyList<string> hostLinks) => Text(
    [
        .. hostLinks.Select(link => $"link del {link}"),
        $"netns del {ns}",
    ]);

    /// <summary>Inside the namespace.</summary>
    /// <param name="isFirst">Packets to the world leave by the first of the links; else a CNI network sees to that.</param>
    public static string Inside(IReadOnlyList<PlannedLink> links, bool isFirst) => Text(
    [
        "link set lo up",
        .. links.SelectMany(link => (string[])
        [
            $"addr add {link.Address}/{link.Subnet.PrefixLength} dev {link.Device}",
            $"link set {link.Device} up",
        ]),
        .. links.Take(isFirst ? 1 : 0).Select(link => $"route add default via {Subnet.Text(link.Subnet.Gateway)}"),
    ]);

    private static string Text(IReadOnlyList<string> lines) => string.Join('\n', lines) + "\n";
}
