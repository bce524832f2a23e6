using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pacer.Agent.Networks;

/// <summary>
/// Names of everything that an agent makes in the kernel. They derive from its work directory, so that agents of one machine never
/// touch each other's, and so that what an agent left behind is known as its own. Names of interfaces have at most 15 characters.
/// </summary>
internal sealed class NetworkNaming
{
    /// <summary>The name under which the bridge network is asked for, and advertised.</summary>
    public const string BridgeNetwork = "container/bridge";

    public NetworkNaming(string workDir)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(workDir).TrimEnd('/')));
        Prefix = "p" + Convert.ToHexStringLower(hash)[..7];
        Seed = BitConverter.ToUInt32(hash, 4);
    }

    public string Prefix { get; }

    /// <summary>A number that differs from agent to agent.</summary>
    public uint Seed { get; }

    /// <summary>The nftables table.</summary>
    public string Table => "pacer_" + Prefix;

    /// <summary>The nftables table of virtual IPs.</summary>
    public string VipTable => Table + "_vips";

    /// <summary>The nftables table of <see cref="ResolverAddress"/>.</summary>
    public string ResolverTable => Table + "_dns";

    /// <summary>
    /// Whom containers ask for names that have no bridge of ours: link-local, as other resolvers of a node are, and in a part of that range
    /// that clouds leave alone (their services are in 169.254.169 and 169.254.170).
    /// </summary>
    public System.Net.IPAddress ResolverAddress => new([169, 254, (byte)(32 + (Seed % 64)), (byte)(1 + (Seed / 64 % 254))]);

    /// <summary>Tells routes of agents on one machine apart.</summary>
    public uint RouteMetric => 1000 + (Seed % 1_000_000);

    /// <summary>Marks rules in tables that are not the agent's own.</summary>
    public string Comment => "pacer-" + Prefix;

    /// <summary>The bridge of a network that the agent makes itself.</summary>
    public string Bridge(string network) => network == BridgeNetwork
        ? Prefix + "br"
        : Prefix + "n" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network)))[..6];

    public string HostLink(int slot) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}v{slot}");

    public string Namespace(int slot) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{slot}");

    public static string NamespacePath(string name) => "/run/netns/" + name;

    public static string Device(int index) => string.Create(CultureInfo.InvariantCulture, $"eth{index}");

    /// <summary>A fixed address for a bridge: by itself it would take one of its members', and change it when that one leaves.</summary>
    public string HardwareAddress(string network)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Prefix + network));
        return string.Join(':', (string[])["02", .. hash[..5].Select(b => b.ToString("x2", CultureInfo.InvariantCulture))]);
    }
}
