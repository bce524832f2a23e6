using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;

namespace Pacer.Contracts.Vips;

/// <summary>A virtual IP as a label asks for it: a name or an address, and a port.</summary>
/// <param name="Name">Without a leading slash; null when it is an address.</param>
/// <param name="Address">Null when it is a name.</param>
/// <param name="Port">1 to 65535.</param>
public sealed record VipLabel(string? Name, IPAddress? Address, int Port)
{
    private const string Prefix = "VIP";
    private const string TaskLabelPrefix = "vip_PORT";

    /// <summary>How such a label is written, for messages.</summary>
    public const string Remedy = "write it as /NAME:PORT, such as /web:80, or as ADDRESS:PORT, such as 10.1.2.3:80";

    /// <summary>A label of a port that asks for a virtual IP.</summary>
    public static bool IsKey(string key) => key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether anything of this service asks for a virtual IP, well or badly.</summary>
    public static bool Has(EndpointService service) =>
        service.Ports.Exists(port => port.Labels?.Keys.Any(IsKey) == true)
        || service.Labels.Keys.Any(key => key.StartsWith(TaskLabelPrefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Everything that a service asks for: for each label the port it is about, the protocol and what it says.</summary>
    /// <param name="complain">Gets what is wrong with a label, in words that name it.</param>
    public static IEnumerable<(int Port, string Protocol, VipLabel Label)> Of(EndpointService service, Action<string> complain)
    {
        for (var i = 0; i < service.Ports.Count; i++)
        {
            var labels = service.Ports[i].Labels ?? [];
            foreach (var (key, value) in labels.Where(label => IsKey(label.Key)).OrderBy(label => label.Key, StringComparer.Ordinal))
            {
                if (Read(value, out var wrong) is not { } label)
                {
                    complain($"label {key} of port {PortText(service, i)}: '{value}' {wrong}; {Remedy}");
                    continue;
                }
                foreach (var protocol in Protocols(service.Ports[i]))
                {
                    yield return (i, protocol, label);
                }
            }
        }
        // The older way: a label of the app, by the index of the port.
        foreach (var (key, value) in service.Labels.Where(label => label.Key.StartsWith(TaskLabelPrefix, StringComparison.OrdinalIgnoreCase)).OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            if (!int.TryParse(key.AsSpan(TaskLabelPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index >= service.Ports.Count)
            {
                complain($"label {key}: there is no such port; ports are counted from 0, so it would be vip_PORT0 for the first");
                continue;
            }
            var mark = value.IndexOf("://", StringComparison.Ordinal);
            var protocol = mark < 0 ? "" : value[..mark].ToLowerInvariant();
            if (protocol is not ("tcp" or "udp"))
            {
                complain($"label {key}: '{value}' does not begin with tcp:// or udp://");
            }
            else if (Read(value[(mark + 3)..], out var wrong) is { } label)
            {
                yield return (index, protocol, label);
            }
            else
            {
                complain($"label {key}: '{value}' {wrong}; {Remedy}, after tcp:// or udp://");
            }
        }
    }

    /// <param name="wrong">What is wrong with it, to follow the text; null when nothing is.</param>
    public static VipLabel? Read(string text, out string? wrong)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0)
        {
            wrong = "has no port";
            return null;
        }
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
        {
            wrong = $"has a port '{text[(colon + 1)..]}' that is not a number from 1 to 65535";
            return null;
        }
        var target = text[..colon];
        if (ReadAddress(target, out wrong) is { } address)
        {
            return new VipLabel(null, address, port);
        }
        if (wrong is not null)
        {
            return null;
        }
        var name = target.StartsWith('/') ? target[1..] : target;
        if (DnsName.Fragment(name.Replace("/", "", StringComparison.Ordinal)).Length == 0)
        {
            wrong = "has no name of letters and digits";
            return null;
        }
        return new VipLabel(name, null, port);
    }

    private static IPAddress? ReadAddress(string text, out string? wrong)
    {
        wrong = null;
        var bare = text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
        IPAddress? address = null;
        if (bare.Contains(':', StringComparison.Ordinal))
        {
            if (!IPAddress.TryParse(bare, out address) || address.AddressFamily != AddressFamily.InterNetworkV6 || address.ScopeId != 0)
            {
                wrong = "has an IPv6 address that is malformed";
                return null;
            }
        }
        // Names of digits and dots alone would be taken for addresses by every client.
        else if (bare.Length > 0 && bare.All(c => char.IsAsciiDigit(c) || c == '.'))
        {
            if (bare.Count(c => c == '.') != 3 || !IPAddress.TryParse(bare, out address))
            {
                wrong = "has an IPv4 address that is malformed";
                return null;
            }
        }
        if (address is null)
        {
            return null;
        }
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.Equals(IPAddress.Broadcast)
            || address.IsIPv6Multicast || address.IsIPv6LinkLocal || address.IsIPv4MappedToIPv6 || address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is 0 or >= 224)
        {
            wrong = $"has the address {address}, which is not one machine's to be reached at";
            return null;
        }
        return address;
    }

    private static IEnumerable<string> Protocols(EndpointPort port) =>
        port.Protocol.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct();

    private static string PortText(EndpointService service, int index) =>
        service.Ports[index].Name is { Length: > 0 } name ? $"'{name}'" : index.ToString(CultureInfo.InvariantCulture);
}
