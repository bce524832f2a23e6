using System.Net;
using System.Net.Sockets;
using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Networks;

/// <summary>The address that containers without a bridge of the agent's ask for names, in the kernel of a machine that is only a namespace.</summary>
public sealed class ResolverAddressTests : IAsyncLifetime
{
    private NetworkLab _lab = null!;
    private NetworkNaming _naming = null!;
    private ResolverAddress _resolver = null!;

    private string Address => _naming.ResolverAddress.ToString();

    public async ValueTask InitializeAsync()
    {
        _lab = await NetworkLab.CreateAsync();
        _naming = new NetworkNaming(_lab.Options().WorkDir);
        _resolver = new ResolverAddress(_lab.Tools, _naming, _lab.Options().RunDir);
    }

    // What is left is looked for there.
    public async ValueTask DisposeAsync()
    {
        await _resolver.RemoveAsync();
        Assert.False(_resolver.WasMade);
        Assert.DoesNotContain(Address, (await _lab.Tools.RunAsync("ip", ["route", "show", "table", "local"])).Output);
        await _lab.DisposeAsync();
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task Questions_GoWhereTheTargetsSay_AndFollowThem(ProtocolType protocol)
    {
        // As a container on one of Docker's bridges, whose way out is the node.
        await new NetworkTools().DemandAsync("ip", ["-n", _lab.Remote, "route", "add", "default", "via", NetworkLab.MachineAddress]);
        await using var first = await NetworkLab.ServeAsync(_lab.MachinePath, 5301, "first");
        await using var second = await NetworkLab.ServeAsync(_lab.RemotePath, 5302, "second");
        IPEndPoint loopback = new(IPAddress.Loopback, 5301), machine = new(IPAddress.Parse(NetworkLab.MachineAddress), 5301), remote = new(IPAddress.Parse("198.51.100.2"), 5302);

        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, protocol, 300));
        await _resolver.MakeAsync(new ResolverTargets(loopback, machine));
        Assert.Equal("first 127.0.0.1", await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, protocol));
        Assert.Equal("first 198.51.100.2", await NetworkLab.AskAsync(_lab.RemotePath, Address, 53, protocol));

        await _resolver.SetAsync(new ResolverTargets(remote, null));
        Assert.Equal($"second {NetworkLab.MachineAddress}", await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, protocol));
        Assert.Null(await NetworkLab.AskAsync(_lab.RemotePath, Address, 53, protocol, 300));
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, Address, 54, protocol, 300));
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task WhoListensThere_IsAskedWithoutRules_AlsoFromElsewhere(ProtocolType protocol)
    {
        await new NetworkTools().DemandAsync("ip", ["-n", _lab.Remote, "route", "add", "default", "via", NetworkLab.MachineAddress]);
        await _resolver.MakeAsync(default);
        await using var server = await NetworkLab.ServeAsync(_lab.MachinePath, 53, "it", _naming.ResolverAddress);
        Assert.Equal($"it {Address}", await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, protocol));
        Assert.Equal("it 198.51.100.2", await NetworkLab.AskAsync(_lab.RemotePath, Address, 53, protocol));
    }

    [Fact]
    public async Task RulesAndRouteThatOthersRemoved_ComeBack()
    {
        await using var server = await NetworkLab.ServeAsync(_lab.MachinePath, 5301, "it");
        await _resolver.MakeAsync(new ResolverTargets(new IPEndPoint(IPAddress.Loopback, 5301), null));
        await _lab.Tools.DemandAsync("nft", ["flush", "ruleset"]);
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, ProtocolType.Udp, 300));
        await _resolver.EnsureAsync();
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, ProtocolType.Udp));
        await _lab.Tools.DemandAsync("ip", ["route", "del", "local", Address, "table", "local"]);
        await _resolver.EnsureAsync();
        Assert.StartsWith("it ", await NetworkLab.AskAsync(_lab.MachinePath, Address, 53, ProtocolType.Udp));
    }

    [Fact]
    public async Task AgentThatWasKilled_TheNextRemovesItWhenNoContainerIsLeft()
    {
        var file = await _resolver.MakeAsync(default);
        Assert.Contains($"nameserver {Address}\n", await File.ReadAllTextAsync(file));
        await using (await _lab.AgentAsync(null, "somebody.1"))
        {
            Assert.True(_resolver.WasMade);
            Assert.Contains(Address, (await _lab.Tools.RunAsync("ip", ["route", "show", "table", "local"])).Output);
        }
        await using (await _lab.AgentAsync())
        {
            Assert.False(_resolver.WasMade);
            Assert.DoesNotContain(Address, (await _lab.Tools.RunAsync("ip", ["route", "show", "table", "local"])).Output);
            Assert.DoesNotContain(_naming.ResolverTable, (await _lab.Tools.RunAsync("nft", ["list", "ruleset"])).Output);
        }
    }

    [Fact]
    public void Address_IsLinkLocalAndNotOneOfTheClouds()
    {
        for (var i = 0; i < 1000; i++)
        {
            var bytes = new NetworkNaming($"/work/{i}").ResolverAddress.GetAddressBytes();
            Assert.Equal([169, 254], bytes[..2]);
            Assert.InRange(bytes[2], 32, 95);
            Assert.InRange(bytes[3], 1, 254);
        }
    }
}
