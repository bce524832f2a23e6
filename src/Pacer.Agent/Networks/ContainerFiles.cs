using System.Globalization;
using System.Net;
using System.Text;

namespace Pacer.Agent.Networks;

/// <summary>The files in /etc that tell a container of its own network. Pure.</summary>
internal static class ContainerFiles
{
    /// <summary>
    /// The node's resolver settings without nameservers on the node's loopback, which a container can't reach. When none is left,
    /// <paramref name="gateway"/> is named: a resolver that listens on all of the node's addresses answers there.
    /// </summary>
    public static string Resolv(string ofNode, string gateway)
    {
        var text = new StringBuilder();
        var nameservers = 0;
        foreach (var line in ofNode.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "nameserver")
            {
                if (words.Length < 2 || !IPAddress.TryParse(words[1], out var address) || IPAddress.IsLoopback(address))
                {
                    continue;
                }
                nameservers++;
            }
            else if (words[0][0] is '#' or ';')
            {
                continue;
            }
            text.Append(line).Append('\n');
        }
        if (nameservers == 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"nameserver {gateway}\n");
        }
        return text.ToString();
    }

    public static string Hosts(IReadOnlyList<string> addresses, string hostname)
    {
        var text = new StringBuilder("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        foreach (var address in addresses)
        {
            text.Append(CultureInfo.InvariantCulture, $"{address}\t{hostname}\n");
        }
        return text.ToString();
    }

    /// <summary>A name that hosts may have, made of a container's id: at most 63 letters, digits and inner dashes.</summary>
    public static string Hostname(string containerId)
    {
        var name = new StringBuilder(containerId.Length);
        foreach (var c in containerId)
        {
            name.Append(char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-');
        }
        var text = name.ToString();
        // The end tells attempts apart, so it is the beginning that goes.
        return (text.Length <= 63 ? text : text[^63..]).Trim('-');
    }
}
