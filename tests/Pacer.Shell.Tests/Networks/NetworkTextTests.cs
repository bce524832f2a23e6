using CsCheck;
using Pacer.Agent;
using Pacer.Agent.Networks;
using Pacer.Agent.Networks.Cni;

namespace Pacer.Shell.Tests.Networks;

/// <summary>The pure parts: subnets, addresses, scripts and files.</summary>
public sealed class NetworkTextTests
{
    private static Subnet Net(string text) => Subnet.TryParse(text, out var subnet) ? subnet : throw new ArgumentException(text);

    [Theory]
    [InlineData("10.66.4.0/22", true)]
    [InlineData("0.0.0.0/0", true)]
    [InlineData("192.0.2.7/32", true)]
    [InlineData("10.66.4.1/22", false)]
    [InlineData("10.66.4.0", false)]
    [InlineData("10.66.4.0/33", false)]
    [InlineData("10.66.4.0/-1", false)]
    [InlineData("10.66/16", false)]
    [InlineData("010.0.0.0/8", false)]
    [InlineData("fd00::/64", false)]
    [InlineData("", false)]
    public void Subnet_Text_IsTakenOrRefused(string text, bool good)
    {
        Assert.Equal(good, Subnet.TryParse(text, out var subnet));
        if (good)
        {
            Assert.Equal(text, subnet.ToString());
        }
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.66.4.0/22", true)]
    [InlineData("10.66.4.0/22", "10.66.7.255/32", true)]
    [InlineData("10.66.4.0/22", "10.66.8.0/22", false)]
    [InlineData("0.0.0.0/0", "192.0.2.0/24", true)]
    public void Subnet_Overlap_IsSeenBothWays(string a, string b, bool overlap)
    {
        Assert.Equal(overlap, Net(a).Overlaps(Net(b)));
        Assert.Equal(overlap, Net(b).Overlaps(Net(a)));
    }

    [Fact]
    public void Address_UntilNoneIsFree_EachOnceAndNeverTheNetworksOwn() =>
        Gen.Select(Gen.Int[20, 30], Gen.UInt).Sample((length, seed) =>
        {
            var mask = uint.MaxValue << (32 - length);
            var subnet = new Subnet(seed & mask, length);
            var used = new HashSet<uint>();
            var last = seed;
            while (AddressPool.Next(subnet, used, last) is { } next)
            {
                Assert.True(subnet.Contains(next) && next != subnet.Base && next != subnet.Last && next != subnet.Gateway);
                Assert.True(used.Add(next));
                last = next;
            }
            Assert.Equal((1 << (32 - length)) - 3, used.Count);
        }, iter: 50);

    [Fact]
    public void Address_GivenBack_IsTheLastToBeGivenOutAgain()
    {
        var subnet = Net("10.1.0.0/29");
        var first = AddressPool.Next(subnet, new HashSet<uint>(), 0)!.Value;
        var second = AddressPool.Next(subnet, new HashSet<uint>(), first)!.Value;
        Assert.Equal(("10.1.0.2", "10.1.0.3"), (Subnet.Text(first), Subnet.Text(second)));
    }

    [Fact]
    public void Choose_AnyRoutes_NeverOverlapsOne() =>
        Gen.Select(Gen.Select(Gen.UInt, Gen.Int[8, 32]).Array[0, 40], Gen.UInt).Sample((routes, seed) =>
        {
            var taken = routes.Select(route => new Subnet((uint)((ulong)route.Item1 & (0xFFFFFFFFUL << (32 - route.Item2))), route.Item2)).ToList();
            if (AddressPool.Choose(taken, seed) is { } chosen)
            {
                Assert.DoesNotContain(taken, route => route.Overlaps(chosen));
                Assert.Equal(22, chosen.PrefixLength);
            }
        });

    [Fact]
    public void Choose_RouteToAllOfTen_TakesAnotherRange() => Assert.False(Net("10.0.0.0/8").Overlaps(AddressPool.Choose([Net("10.0.0.0/8")], 3)!.Value));

    [Fact]
    public void Choose_EverythingTaken_IsNull() => Assert.Null(AddressPool.Choose([Net("0.0.0.0/0")], 3));

    [Fact]
    public void Naming_TwoWorkDirectories_ShareNoNameAndFitTheKernel()
    {
        var a = new NetworkNaming("/var/lib/pacer/agent");
        var b = new NetworkNaming("/tmp/pacer-2/agent");
        Assert.NotEqual(a.Prefix, b.Prefix);
        Assert.NotEqual(a.Table, b.Table);
        Assert.Equal(a.Prefix, new NetworkNaming("/var/lib/pacer/agent/").Prefix);
        foreach (var name in (string[])[a.Bridge(NetworkNaming.BridgeNetwork), a.Bridge("some-network"), a.HostLink(999_999)])
        {
            Assert.InRange(name.Length, 1, 15);
            Assert.StartsWith(a.Prefix, name, StringComparison.Ordinal);
        }
        Assert.NotEqual(a.Bridge("x"), a.Bridge("y"));
    }

    [Fact]
    public void Firewall_Whole_HasEveryRuleOnce()
    {
        var script = FirewallScript.Whole("t", [new BridgeRange("br0", Net("10.1.0.0/24"))], [new PortTranslation("tcp", 31000, "10.1.0.2", 80), new PortTranslation("udp", 31000, "10.1.0.2", 53)]);
        Assert.StartsWith("table ip t\ndelete table ip t\n", script, StringComparison.Ordinal);
        Assert.Contains("elements = { tcp . 31000 : 10.1.0.2 . 80, udp . 31000 : 10.1.0.2 . 53 }", script, StringComparison.Ordinal);
        Assert.Contains("ip saddr 10.1.0.0/24 oifname != \"br0\" masquerade", script, StringComparison.Ordinal);
        Assert.Contains("iifname \"br0\" ip daddr 127.0.0.0/8 drop", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Firewall_Change_RemovesBeforeItAdds() => Assert.Equal(
        "delete element ip t hostport { tcp . 1 }\nadd element ip t hostport { tcp . 1 : 10.1.0.9 . 80 }\n",
        FirewallScript.Change("t", [new PortTranslation("tcp", 1, "10.1.0.2", 80)], [new PortTranslation("tcp", 1, "10.1.0.9", 80)]));

    [Fact]
    public void Links_Inside_OnlyTheFirstLeadsToTheWorld()
    {
        PlannedLink[] links = [new("v1", "eth0", "br0", Net("10.1.0.0/24"), "10.1.0.2"), new("v2", "eth1", "br1", Net("10.2.0.0/24"), "10.2.0.2")];
        Assert.Single(LinkScript.Inside(links, isFirst: true).Split('\n'), line => line == "route add default via 10.1.0.1");
        Assert.DoesNotContain("default", LinkScript.Inside(links, isFirst: false), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("# c\nnameserver 192.0.2.53\nsearch a.b\noptions ndots:2\n", "nameserver 192.0.2.53\nsearch a.b\noptions ndots:2\n")]
    [InlineData("nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.53\n", "nameserver 192.0.2.53\n")]
    [InlineData("search x\nnameserver 127.0.0.1\n", "search x\nnameserver 10.1.0.1\n")]
    [InlineData("", "nameserver 10.1.0.1\n")]
    public void Resolv_OfNode_LoopbackNameserversAreLeftOut(string ofNode, string expected) => Assert.Equal(expected, ContainerFiles.Resolv(ofNode, "10.1.0.1"));

    [Fact]
    public void Hostname_OfAnyContainerId_IsValid() =>
        Gen.String[Gen.Char["abzA09._-"], 1, 200].Where(id => id.Any(char.IsAsciiLetterOrDigit)).Sample(id =>
        {
            var name = ContainerFiles.Hostname("a" + id + "z");
            Assert.InRange(name.Length, 1, 63);
            Assert.Matches("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", name);
        });

    [Fact]
    public void Hosts_EachAddress_HasTheName() => Assert.EndsWith("10.1.0.2\tweb\n10.2.0.2\tweb\n", ContainerFiles.Hosts(["10.1.0.2", "10.2.0.2"], "web"), StringComparison.Ordinal);

    [Theory]
    [InlineData("--bridge-subnet", "10.0.0.1/8", null)]
    [InlineData("--bridge-subnet", "10.0.0.0/30", null)]
    [InlineData("--network", null, "Web=10.1.0.0/24")]
    [InlineData("--network", null, "web=10.1.0.0")]
    [InlineData("overlaps", "10.1.0.0/16", "web=10.1.2.0/24")]
    public void Settings_Mistake_NamesTheFlag(string expected, string? bridge, string? network)
    {
        var options = new AgentOptions { Join = "unix:/none", WorkDir = "/w", RunDir = "/r", BridgeSubnet = bridge };
        if (network?.Split('=') is [var name, var subnet])
        {
            options = options with { Networks = new Dictionary<string, string> { [name] = subnet } };
        }
        Assert.Contains(expected, Assert.Throws<AgentException>(() => NetworkSettings.Of(options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"nftables":[{"chain":{"table":"filter","name":"FORWARD"}}]}""", true)]
    [InlineData("""{"nftables":[{"chain":{"table":"pacer","name":"FORWARD"}}]}""", false)]
    [InlineData("""{"nftables":[{"metainfo":{}}]}""", false)]
    [InlineData("nonsense", false)]
    public void ForwardChain_InListOfChains_IsSeen(string json, bool there) => Assert.Equal(there, ForwardRules.HasForwardChain(json));
}
