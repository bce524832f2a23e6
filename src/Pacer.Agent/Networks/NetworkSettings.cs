using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Pacer.Agent.Networks;

/// <summary>Which networks a node has, checked.</summary>
/// <param name="BridgeSubnet">Null: one that no route of the machine touches.</param>
/// <param name="Own">Container networks that the agent makes itself, by name.</param>
/// <param name="CniConfigDirectory">Null: no CNI networks.</param>
internal sealed partial record NetworkSettings(
    string WorkDir,
    string RunDir,
    Subnet? BridgeSubnet,
    IReadOnlyDictionary<string, Subnet> Own,
    string? CniConfigDirectory,
    IReadOnlyList<string> CniPluginDirectories)
{
    /// <summary>Containers ask Pacer's DNS server where it answers.</summary>
    public bool ContainerDns { get; init; } = true;

    /// <summary>Where that is; null: on its usual ports.</summary>
    public IPEndPoint? DnsServer { get; init; }

    /// <exception cref="AgentException">A setting makes no sense; the message names the flag.</exception>
    public static NetworkSettings Of(AgentOptions options)
    {
        Subnet? bridge = options.BridgeSubnet is { } given ? Parse(given, $"--bridge-subnet: '{given}'") : null;
        var own = new SortedDictionary<string, Subnet>(StringComparer.Ordinal);
        foreach (var (name, text) in options.Networks)
        {
            if (name.Length > 63 || !Name().IsMatch(name))
            {
                throw new AgentException($"--network: '{name}' can't be the name of a network. Use lower-case letters and digits with '-' or '_' between them, at most 63.");
            }
            var subnet = Parse(text, $"--network {name}={text}: '{text}'");
            if (bridge is { } b && b.Overlaps(subnet))
            {
                throw new AgentException($"--network {name}={subnet} overlaps --bridge-subnet {b}. Choose subnets that have no address in common.");
            }
            foreach (var (other, taken) in own)
            {
                if (taken.Overlaps(subnet))
                {
                    throw new AgentException($"--network {name}={subnet} overlaps --network {other}={taken}. Choose subnets that have no address in common.");
                }
            }
            own[name] = subnet;
        }
        if (options.CniConfigDir is { } directory && !Directory.Exists(directory))
        {
            throw new AgentException($"--cni-config-dir: there is no directory {directory}.");
        }
        return new NetworkSettings(
            options.WorkDir,
            options.RunDir,
            bridge,
            own,
            options.CniConfigDir,
            options.CniPluginDirs.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            ContainerDns = options.ContainerDns != "off",
            DnsServer = options.ContainerDns is "auto" or "off" ? null
                : IPEndPoint.TryParse(options.ContainerDns, out var server) && server.AddressFamily == AddressFamily.InterNetwork && server.Port > 0 ? server
                : throw new AgentException($"--container-dns: '{options.ContainerDns}' is not auto, off or an IPv4 address and port such as 127.0.0.1:53."),
        };
    }

    private static Subnet Parse(string text, string what)
    {
        if (!Subnet.TryParse(text, out var subnet))
        {
            throw new AgentException($"{what} is not an IPv4 network. Write its lowest address and the length of its prefix, like 10.66.4.0/22.");
        }
        return subnet.PrefixLength is >= 8 and <= 29
            ? subnet
            : throw new AgentException($"{what} has a prefix of {subnet.PrefixLength}. A network for tasks needs one from 8 to 29, like 10.66.4.0/22.");
    }

    [GeneratedRegex("^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$")]
    private static partial Regex Name();
}
