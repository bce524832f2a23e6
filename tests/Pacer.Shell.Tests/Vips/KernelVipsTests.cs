using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using Pacer.Agent.Networks;
using Pacer.Agent.Vips;
using Pacer.Contracts.Vips;
using Pacer.Shell.Tests.Networks;

namespace Pacer.Shell.Tests.Vips;

/// <summary>Virtual IPs in a real kernel, in a namespace that stands for the machine, with containers on its bridge and another machine beside it.</summary>
public sealed class KernelVipsTests : IAsyncLifetime
{
    private const string Vip = "11.1.2.3";
    private const string AddressVip = "10.9.9.9";

    private NetworkLab _lab = null!;
    private NetworkNaming _naming = null!;
    private KernelVips _vips = null!;

    public async ValueTask InitializeAsync()
    {
        _lab = await NetworkLab.CreateAsync();
        _naming = new NetworkNaming(_lab.Options().WorkDir);
        _vips = new KernelVips(_lab.Tools, _naming);
    }

    public async ValueTask DisposeAsync()
    {
        await _vips.RemoveAsync();
        Assert.Empty(await RoutesAsync());
        await _lab.DisposeAsync();
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task VirtualIp_FromTheNodeAContainerAndTheBackendItself_LeadsToTheBackends(ProtocolType protocol)
    {
        var networks = await _lab.AgentAsync();
        var one = await networks.AttachAsync(NetworkLab.Request("one"));
        var two = await networks.AttachAsync(NetworkLab.Request("two"));
        await using var serveOne = await NetworkLab.ServeAsync(one, 8080, "one");
        await using var serveTwo = await NetworkLab.ServeAsync(two, 8081, "two");
        await using var remote = await NetworkLab.ServeAsync(one with { NamespacePath = _lab.RemotePath }, 9000, "remote");
        await using var local = await NetworkLab.ServeAsync(one with { NamespacePath = _lab.MachinePath }, 7000, "local");
        var name = protocol == ProtocolType.Tcp ? "tcp" : "udp";
        await _vips.ApplyAsync(VipPlanTests.Plan(
            (Vip, name, 80, [$"{one.Addresses[0]}:8080", $"{two.Addresses[0]}:8081"]),
            (Vip, name, 81, [$"{one.Addresses[0]}:8080"]),
            (AddressVip, name, 82, ["198.51.100.2:9000"]),
            (Vip, name, 83, [$"{NetworkLab.MachineAddress}:7000"]),
            (Vip, name, 84, ["127.0.0.1:7000"])));

        foreach (var from in new[] { _lab.MachinePath, one.NamespacePath, two.NamespacePath })
        {
            var answers = new HashSet<string>();
            for (var i = 0; i < 8; i++)
            {
                answers.Add((await NetworkLab.AskAsync(from, Vip, 80, protocol))!.Split(' ')[0]);
            }
            Assert.Equal(["one", "two"], answers.Order());
            Assert.StartsWith("one ", await NetworkLab.AskAsync(from, Vip, 81, protocol)); // from itself: hairpin
            Assert.StartsWith("remote ", await NetworkLab.AskAsync(from, AddressVip, 82, protocol));
            Assert.StartsWith("local ", await NetworkLab.AskAsync(from, Vip, 83, protocol));
            Assert.StartsWith("local ", await NetworkLab.AskAsync(from, Vip, 84, protocol));
            // Neither is a virtual IP: refused at once, and never sent out into the world.
            Assert.Null(await NetworkLab.AskAsync(from, Vip, 85, protocol, 500));
            Assert.Null(await NetworkLab.AskAsync(from, "11.1.2.4", 80, protocol, 500));
        }
        await networks.DetachAsync("one");
        await networks.DetachAsync("two");
    }

    [Fact]
    public async Task IPv6_LeadsToBackendsOfItsKind()
    {
        await _lab.Tools.DemandAsync("ip", ["-6", "addr", "add", "fd00:9::1/64", "dev", "up0", "nodad"]);
        await new NetworkTools(_lab.RemotePath).DemandAsync("ip", ["-6", "addr", "add", "fd00:9::2/64", "dev", "up0", "nodad"]);
        using var listener = await NamespaceSocket.OpenAsync(_lab.RemotePath, AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(IPEndPoint.Parse("[fd00:9::2]:9000"));
        listener.Listen();
        await _vips.ApplyAsync(VipPlanTests.Plan(("fd01:c::1", "tcp", 80, ["[fd00:9::2]:9000"]), ("fd00:77::1", "tcp", 80, ["[fd00:9::2]:9000"])));
        foreach (var vip in new[] { "fd01:c::1", "fd00:77::1" })
        {
            using var client = await NamespaceSocket.OpenAsync(_lab.MachinePath, AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            using var limit = new CancellationTokenSource(3000);
            var accepting = listener.AcceptAsync(limit.Token).AsTask();
            await client.ConnectAsync(new IPEndPoint(IPAddress.Parse(vip), 80), limit.Token);
            using var accepted = await accepting;
        }
    }

    [Fact]
    public async Task Change_OfBackends_LeavesConnectionsAlone_AndLeadsNewOnesElsewhere()
    {
        using var old = await ListenAsync(7001);
        await using var next = await NetworkLab.ServeAsync(Machine(), 7002, "next");
        await _vips.ApplyAsync(VipPlanTests.Plan((Vip, "tcp", 80, ["127.0.0.1:7001"])));
        using var client = await NamespaceSocket.OpenAsync(_lab.MachinePath, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(new IPEndPoint(IPAddress.Parse(Vip), 80));
        using var server = await old.AcceptAsync();

        await _vips.ApplyAsync(VipPlanTests.Plan((Vip, "tcp", 80, ["127.0.0.1:7002"])));
        Assert.StartsWith("next", await NetworkLab.AskAsync(_lab.MachinePath, Vip, 80));
        await EchoAsync();
        // Even without any backend, and with the table written anew.
        await _vips.ApplyAsync(VipPlanTests.Plan((Vip, "tcp", 80, [])));
        Assert.Null(await NetworkLab.AskAsync(_lab.MachinePath, Vip, 80, patienceMs: 500));
        await EchoAsync();
        await _lab.Tools.DemandAsync("nft", ["-f", "-"], VipScript.Whole(_naming.VipTable, VipPlanTests.Plan((Vip, "tcp", 80, ["127.0.0.1:7002"]))));
        await EchoAsync();

        async Task EchoAsync()
        {
            using var limit = new CancellationTokenSource(3000);
            var buffer = new byte[10];
            await client.SendAsync("hello"u8.ToArray(), limit.Token);
            Assert.Equal(5, await server.ReceiveAsync(buffer, limit.Token));
            await server.SendAsync("you"u8.ToArray(), limit.Token);
            Assert.Equal(3, await client.ReceiveAsync(buffer, limit.Token));
        }
    }

    [Fact]
    public async Task UdpFlow_OfABackendThatIsGone_GoesToAnother_AndOfOneBeingEnded_Stays()
    {
        Assert.SkipWhen(Pacer.Agent.Containers.Oci.OciTools.Find("conntrack") is null, "needs conntrack");
        await using var one = await NetworkLab.ServeAsync(Machine(), 7001, "one");
        await using var two = await NetworkLab.ServeAsync(Machine(), 7002, "two");
        using var client = await NamespaceSocket.OpenAsync(_lab.MachinePath, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var key = new VipKey(IPAddress.Parse(Vip), "udp", 53);
        var (a, b) = (IPEndPoint.Parse("127.0.0.1:7001"), IPEndPoint.Parse("127.0.0.1:7002"));

        // Refused for want of a backend at first; then there is one.
        await _vips.ApplyAsync(Of([], []));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Parse(Vip), 53));
        Assert.Null(await AskAsync());
        await _vips.ApplyAsync(Of([a], [a]));
        Assert.Equal("one", await AskAsync());
        await _vips.ApplyAsync(Of([b], [a, b]));
        Assert.Equal("one", await AskAsync());
        await _vips.ApplyAsync(Of([b], [b]));
        Assert.Equal("two", await AskAsync());

        VipPlan Of(IPEndPoint[] serving, IPEndPoint[] alive) =>
            new(ImmutableDictionary<VipKey, VipTargets>.Empty.Add(key, new VipTargets([.. serving], [.. alive])), VipRange.Standard);

        async Task<string?> AskAsync()
        {
            using var limit = new CancellationTokenSource(1000);
            try
            {
                await client.SendAsync("?"u8.ToArray(), limit.Token);
                var buffer = new byte[100];
                return Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer, limit.Token)).Split(' ')[0];
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task Changes_InTheKernel_AddUpToTheWholeTable()
    {
        var fresh = new NetworkNaming(_lab.Options(2).WorkDir);
        await Gen.Select(VipPlanTests.Plans, VipPlanTests.Plans, VipPlanTests.Plans).SampleAsync(async plans =>
        {
            foreach (var plan in new[] { plans.Item1, plans.Item2, plans.Item3 })
            {
                await _vips.ApplyAsync(plan);
            }
            await _lab.Tools.DemandAsync("nft", ["-f", "-"], VipScript.Whole(fresh.VipTable, plans.Item3));
            var grown = await TableAsync(_naming.VipTable);
            return grown.Count == 0 ? plans.Item3.Targets.IsEmpty : grown.SequenceEqual(await TableAsync(fresh.VipTable));
        }, iter: 25, threads: 1);
        await _lab.Tools.RunAsync("nft", ["-f", "-"], VipScript.Remove(fresh.VipTable));
    }

    [Fact]
    public async Task NextAgent_TakesOverWhatOneLeft_AndPutsBackWhatOthersRemoved()
    {
        await using var serving = await NetworkLab.ServeAsync(Machine(), 7001, "one");
        await _lab.Tools.DemandAsync("nft", ["add", "table", "inet", "others"]);
        var plan = VipPlanTests.Plan((Vip, "tcp", 80, ["127.0.0.1:7001"]), (AddressVip, "tcp", 80, ["127.0.0.1:7001"]));
        await _vips.ApplyAsync(plan);
        // As after kill -9: nothing was cleaned up, and meanwhile one virtual IP has gone.
        var after = new KernelVips(_lab.Tools, _naming);
        Assert.StartsWith("one", await NetworkLab.AskAsync(_lab.MachinePath, AddressVip, 80));
        await after.ApplyAsync(VipPlanTests.Plan((Vip, "tcp", 80, ["127.0.0.1:7001"])));
        Assert.Equal(["11.0.0.0/8"], await RoutesAsync());
        Assert.StartsWith("one", await NetworkLab.AskAsync(_lab.MachinePath, Vip, 80));

        await _lab.Tools.DemandAsync("nft", ["flush", "ruleset"]);
        await _lab.Tools.DemandAsync("ip", ["route", "flush", "table", "local", "proto", "187"]);
        await after.CheckAsync();
        Assert.StartsWith("one", await NetworkLab.AskAsync(_lab.MachinePath, Vip, 80));
        // A change that meets an unexpected table writes the whole.
        await _lab.Tools.DemandAsync("nft", ["flush", "ruleset"]);
        await _lab.Tools.DemandAsync("nft", ["add", "table", "inet", "others"]);
        await after.ApplyAsync(VipPlanTests.Plan((Vip, "tcp", 81, ["127.0.0.1:7001"])));
        Assert.StartsWith("one", await NetworkLab.AskAsync(_lab.MachinePath, Vip, 81));
        await after.ApplyAsync(VipPlan.Empty);
        await after.RemoveAsync();
        Assert.Equal("table inet others", (await _lab.Tools.RunAsync("nft", ["list", "tables"])).Output);
        await _lab.Tools.DemandAsync("nft", ["delete", "table", "inet", "others"]);
    }

    private NetworkPlace Machine() => new(_lab.MachinePath, ["127.0.0.1"], "machine", "", "", "");

    private async Task<Socket> ListenAsync(int port)
    {
        var listener = await NamespaceSocket.OpenAsync(_lab.MachinePath, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen();
        return listener;
    }

    private async Task<IReadOnlyList<string>> TableAsync(string table) =>
        [.. (await _lab.Tools.RunAsync("nft", ["list", "table", "inet", table])).Output.Split('\n').Skip(1)
            .Select(line => string.Join(' ', line.Trim().Split(' ').Select(word => word.TrimEnd(',')).Order(StringComparer.Ordinal))).Order(StringComparer.Ordinal)];

    private async Task<IReadOnlyList<string>> RoutesAsync() =>
        [.. (await _lab.Tools.RunAsync("ip", ["route", "show", "table", "local", "proto", "187"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[1])];
}
