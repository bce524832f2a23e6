using System.Net.Sockets;
using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Networks;

/// <summary>Real namespaces, bridges and rules, in a namespace that stands for the machine.</summary>
public sealed class NodeNetworksTests : IAsyncLifetime
{
    private NetworkLab _lab = null!;

    public async ValueTask InitializeAsync() => _lab = await NetworkLab.CreateAsync();

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task HostPort_FromEverywhere_ReachesTheContainer(ProtocolType protocol)
    {
        var networks = await _lab.AgentAsync();
        var server = await networks.AttachAsync(NetworkLab.Request("server", NetworkLab.Port(31000, 8080, "udp,tcp")));
        var other = await networks.AttachAsync(NetworkLab.Request("other"));
        await using var serving = await NetworkLab.ServeAsync(server, 8080, "it");
        var gateway = string.Join('.', server.Addresses[0].Split('.')[..3]) + ".1";

        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, NetworkLab.MachineAddress, 31000, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, gateway, 31000, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, server.Addresses[0], 8080, protocol));
        Assert.Equal("it 198.51.100.2", await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000, protocol));
        Assert.Equal($"it {other.Addresses[0]}", await NetworkLab.AskAsync(other.NamespacePath, server.Addresses[0], 8080, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(other.NamespacePath, NetworkLab.MachineAddress, 31000, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(other.NamespacePath, gateway, 31000, protocol));
        // Hairpin: itself, by its own port of the node.
        Assert.StartsWith("it ", await NetworkLab.AskAsync(server.NamespacePath, NetworkLab.MachineAddress, 31000, protocol));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(server.NamespacePath, "127.0.0.1", 8080, protocol));
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 8080, protocol, 300));
        Assert.Null(await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31001, protocol, 300));

        await networks.DetachAsync("server");
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000, protocol, 300));
        await networks.DetachAsync("other");
    }

    [Fact]
    public async Task Egress_ToAnotherMachine_HasTheNodesAddress()
    {
        var networks = await _lab.AgentAsync();
        var place = await networks.AttachAsync(NetworkLab.Request("c1"));
        await using var remote = await NetworkLab.ServeAsync(place with { NamespacePath = _lab.RemotePath }, 9000, "remote");
        Assert.Equal("remote " + NetworkLab.MachineAddress, await NetworkLab.AskAsync(place.NamespacePath, "198.51.100.2", 9000));
        await networks.DetachAsync("c1");
    }

    [Fact]
    public async Task NodesLoopback_FromAContainer_IsOutOfReach()
    {
        var networks = await _lab.AgentAsync();
        var place = await networks.AttachAsync(NetworkLab.Request("c1"));
        await using var serving = await NetworkLab.ServeAsync(place with { NamespacePath = _lab.MachinePath }, 9000, "node");
        var gateway = string.Join('.', place.Addresses[0].Split('.')[..3]) + ".1";
        await new NetworkTools(place.NamespacePath).DemandAsync("ip", ["-batch", "-"], $"addr del 127.0.0.1/8 dev lo\nroute add 127.0.0.1 via {gateway} src {place.Addresses[0]}\n");
        await new NetworkTools(place.NamespacePath).DemandAsync("/bin/sh", ["-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"]);
        Assert.Null(await NetworkLab.AskAsync(place.NamespacePath, "127.0.0.1", 9000, patienceMs: 300));
        await networks.DetachAsync("c1");
    }

    [Fact]
    public async Task HostPort_GivenToTheNextTaskBeforeTheOldOneIsGone_LeadsToTheNext()
    {
        var networks = await _lab.AgentAsync();
        var old = await networks.AttachAsync(NetworkLab.Request("old", NetworkLab.Port(31000, 8080, "udp,tcp")));
        var next = await networks.AttachAsync(NetworkLab.Request("next", NetworkLab.Port(31000, 8080, "udp,tcp")));
        await using var one = await NetworkLab.ServeAsync(old, 8080, "old");
        await using var two = await NetworkLab.ServeAsync(next, 8080, "next");
        Assert.StartsWith("next ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000));
        await networks.DetachAsync("old");
        Assert.StartsWith("next ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000));
        Assert.StartsWith("next ", await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000, ProtocolType.Udp));
        await networks.DetachAsync("next");
    }

    [Fact]
    public async Task UdpFlow_PortMoves_FollowsIt()
    {
        Assert.SkipWhen(Pacer.Agent.Containers.Oci.OciTools.Find("conntrack") is null, "needs conntrack");
        var networks = await _lab.AgentAsync();
        var a = await networks.AttachAsync(NetworkLab.Request("a", NetworkLab.Port(31000, 5353, "udp")));
        await using var one = await NetworkLab.ServeAsync(a, 5353, "a");
        using var socket = await NamespaceSocket.OpenAsync(_lab.RemotePath, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(NetworkLab.MachineAddress, 31000);
        Assert.Equal("a", await AskAsync());
        var b = await networks.AttachAsync(NetworkLab.Request("b", NetworkLab.Port(31000, 5353, "udp")));
        await using var two = await NetworkLab.ServeAsync(b, 5353, "b");
        Assert.Equal("b", await AskAsync());
        await networks.DetachAsync("a");
        await networks.DetachAsync("b");

        async Task<string> AskAsync()
        {
            await socket.SendAsync("?"u8.ToArray());
            var buffer = new byte[100];
            var got = await socket.ReceiveAsync(buffer).WaitAsync(TimeSpan.FromSeconds(3));
            return System.Text.Encoding.ASCII.GetString(buffer, 0, got).Split(' ')[0];
        }
    }

    [Fact]
    public async Task Members_OfOneAttachment_ShareTheLoopbackUntilTheLastLeaves()
    {
        var networks = await _lab.AgentAsync();
        var first = await networks.AttachAsync(NetworkLab.Request("pod", NetworkLab.Port(31000, 8080)) with { Member = "one" });
        var second = await networks.AttachAsync(NetworkLab.Request("pod", NetworkLab.Port(31001, 8081)) with { Member = "two" });
        Assert.Equal((first.NamespacePath, first.Addresses[0]), (second.NamespacePath, second.Addresses[0]));
        await using var serving = await NetworkLab.ServeAsync(second, 8081, "two");
        Assert.StartsWith("two ", await NetworkLab.AskAsync(first.NamespacePath, "127.0.0.1", 8081));
        Assert.StartsWith("two ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31001));
        await networks.DetachAsync("one");
        Assert.StartsWith("two ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31001));
        await networks.DetachAsync("two");
        Assert.Null(networks.PlaceOfMember("two"));
        Assert.False(File.Exists(first.NamespacePath));
    }

    [Fact]
    public async Task NamedNetworks_Several_EachHasAnAddressAndMappingsFindTheirs()
    {
        var options = _lab.Options() with { Networks = new Dictionary<string, string> { ["front"] = "10.91.0.0/24", ["back"] = "10.92.0.0/24" } };
        var networks = await _lab.AgentAsync(options);
        Assert.Equal(["container/bridge", "back", "front"], networks.Names);
        var place = await networks.AttachAsync(NetworkLab.On("c1", ["front", "back"], NetworkLab.Port(31000, 80, network: "back")));
        Assert.Equal(["10.91.0.2", "10.92.0.2"], place.Addresses);
        var neighbour = await networks.AttachAsync(NetworkLab.On("c2", ["back"]));
        await using var serving = await NetworkLab.ServeAsync(place, 80, "it");
        Assert.Equal("it 10.92.0.3", await NetworkLab.AskAsync(neighbour.NamespacePath, "10.92.0.2", 80));
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000));
        Assert.Contains("10.91.0.2\tc1\n10.92.0.2\tc1\n", await File.ReadAllTextAsync(place.HostsFile), StringComparison.Ordinal);
        await networks.DetachAsync("c1");
        await networks.DetachAsync("c2");
    }

    [Fact]
    public async Task Attach_WithoutSuchANetwork_SaysWhatThereIs()
    {
        var networks = await _lab.AgentAsync();
        var e = await Assert.ThrowsAsync<NetworkException>(() => networks.AttachAsync(NetworkLab.On("c1", ["dcos"])));
        Assert.Equal("this node has no network 'dcos'; it has container/bridge", e.Message);
    }

    [Fact]
    public async Task Attach_SubnetIsFull_SaysSoAndTakesTheNextWhenOneLeaves()
    {
        var networks = await _lab.AgentAsync(_lab.Options() with { BridgeSubnet = "10.93.0.0/29" });
        foreach (var i in Enumerable.Range(1, 5))
        {
            await networks.AttachAsync(NetworkLab.Request($"c{i}"));
        }
        var e = await Assert.ThrowsAsync<NetworkException>(() => networks.AttachAsync(NetworkLab.Request("c6")));
        Assert.Contains("all 5 addresses", e.Message, StringComparison.Ordinal);
        await networks.DetachAsync("c3");
        Assert.Equal("10.93.0.4", (await networks.AttachAsync(NetworkLab.Request("c6"))).Addresses[0]);
        foreach (var i in Enumerable.Range(1, 6))
        {
            await networks.DetachAsync($"c{i}");
        }
    }

    [Fact]
    public async Task Agents_TwoOnOneMachine_HaveSubnetsOfTheirOwnAndSpareEachOther()
    {
        var one = await _lab.AgentAsync();
        var two = await _lab.AgentAsync(_lab.Options(2));
        var places = await Task.WhenAll(
            one.AttachAsync(NetworkLab.Request("a", NetworkLab.Port(31000, 80))), two.AttachAsync(NetworkLab.Request("a", NetworkLab.Port(32000, 80))));
        Assert.NotEqual(places[0].Addresses[0], places[1].Addresses[0]);
        await using var first = await NetworkLab.ServeAsync(places[0], 80, "one");
        await using var second = await NetworkLab.ServeAsync(places[1], 80, "two");
        Assert.StartsWith("one ", await NetworkLab.AskAsync(places[1].NamespacePath, NetworkLab.MachineAddress, 31000));
        // The first one crashes and its next agent knows of nothing: it removes its own and nothing else.
        await _lab.AgentAsync();
        Assert.Empty(await _lab.TracesAsync(_lab.Options()));
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000, patienceMs: 300));
        Assert.StartsWith("two ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 32000));
        await two.DetachAsync("a");
    }

    [Fact]
    public async Task Reconcile_AfterACrash_KeepsWhatIsKnownAndServesOn()
    {
        var before = await _lab.AgentAsync();
        var kept = await before.AttachAsync(NetworkLab.Request("kept", NetworkLab.Port(31000, 80)));
        await before.AttachAsync(NetworkLab.Request("gone", NetworkLab.Port(31001, 80)));
        await using var serving = await NetworkLab.ServeAsync(kept, 80, "kept");
        await _lab.Tools.DemandAsync("nft", ["flush", "ruleset"]);

        var after = await _lab.AgentAsync(null, "kept");
        Assert.Equal(kept.Addresses, after.PlaceOfMember("kept")!.Addresses);
        Assert.Null(after.PlaceOfMember("gone"));
        Assert.StartsWith("kept ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000));
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31001, patienceMs: 300));
        var next = await after.AttachAsync(NetworkLab.Request("next"));
        Assert.NotEqual(kept.Addresses[0], next.Addresses[0]);
        Assert.StartsWith("kept ", await NetworkLab.AskAsync(next.NamespacePath, kept.Addresses[0], 80));
        await after.DetachAsync("next");
        await after.DetachAsync("kept");
        await after.RemoveGroundAsync();
        Assert.Empty(await _lab.TracesAsync(_lab.Options()));
    }

    [Fact]
    public async Task Check_SomeoneFlushedAllRules_PutsThemBack()
    {
        var networks = await _lab.AgentAsync();
        var place = await networks.AttachAsync(NetworkLab.Request("c1", NetworkLab.Port(31000, 80)));
        await using var serving = await NetworkLab.ServeAsync(place, 80, "it");
        await _lab.Tools.DemandAsync("nft", ["flush", "ruleset"]);
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000, patienceMs: 300));
        await networks.CheckAsync();
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000));
        await networks.DetachAsync("c1");
    }

    [Fact]
    public async Task ForwardDrop_AsDockerSetsIt_DoesNotCutOffContainersAndLeavesNoRule()
    {
        Assert.SkipWhen(Pacer.Agent.Containers.Oci.OciTools.Find("iptables-nft") is null, "needs iptables");
        var networks = await _lab.AgentAsync();
        var place = await networks.AttachAsync(NetworkLab.Request("c1", NetworkLab.Port(31000, 80)));
        await using var serving = await NetworkLab.ServeAsync(place, 80, "it");
        // Docker comes later than the agent.
        await _lab.Tools.DemandAsync("iptables-nft", ["-P", "FORWARD", "DROP"]);
        Assert.Null(await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000, patienceMs: 300));
        await networks.CheckAsync();
        await networks.CheckAsync();
        Assert.Equal("it 198.51.100.2", await NetworkLab.AskAsync(_lab.RemotePath, NetworkLab.MachineAddress, 31000));
        Assert.Equal(3, (await _lab.Tools.RunAsync("iptables-nft", ["-S", "FORWARD"])).Output.Split('\n').Length);
        await networks.DetachAsync("c1");
        await networks.RemoveGroundAsync();
        Assert.Equal("-P FORWARD DROP", (await _lab.Tools.RunAsync("iptables-nft", ["-S", "FORWARD"])).Output);
        Assert.Empty(await _lab.TracesAsync(_lab.Options()));
    }

    [Fact]
    public async Task AttachAndDetach_ManyAtOnce_LeaveNothing()
    {
        var networks = await _lab.AgentAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, 40), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            var place = await networks.AttachAsync(NetworkLab.Request($"c{i}", NetworkLab.Port(31000 + i, 80, "udp,tcp")));
            await using var serving = await NetworkLab.ServeAsync(place, 80, $"c{i}");
            Assert.StartsWith($"c{i} ", await NetworkLab.AskAsync(_lab.MachinePath, "127.0.0.1", 31000 + i));
            await networks.DetachAsync($"c{i}");
        });
        await networks.RemoveGroundAsync();
        Assert.Empty(await _lab.TracesAsync(_lab.Options()));
    }
}
