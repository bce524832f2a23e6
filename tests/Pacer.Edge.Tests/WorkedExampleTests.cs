using ARSoft.Tools.Net.Dns;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns;

namespace Pacer.Edge.Tests;

/// <summary>App definition in, records out: the cases that clients of Mesos-DNS and DC/OS rely on.</summary>
public sealed class WorkedExampleTests
{
    private static readonly DnsOptions HostFirst = new() { IpSources = [AddressSource.Host, AddressSource.NetInfo] };
    private static readonly DnsOptions NetInfoFirst = new() { IpSources = [AddressSource.NetInfo, AddressSource.Host] };

    private readonly TestCluster _cluster = new();

    [Fact]
    public void HostMode_TwoInstances()
    {
        _cluster.AddService("/web", "host", TestCluster.Port("http"));
        _cluster.AddTask("/web", "t1", 1, null, (31001, 31001));
        _cluster.AddTask("/web", "t2", 2, null, (31777, 31777));
        var dns = new TestDns(_cluster.Snapshot());
        var (h1, h2) = (DnsName.Hash("t1"), DnsName.Hash("t2"));

        string[] both = ["10.0.1.1", "10.0.1.2"];
        Assert.Equal(both, dns.Addresses("web.marathon.mesos"));
        Assert.Equal(both, dns.Addresses("web.marathon.slave.mesos"));
        Assert.Equal(["10.0.1.1"], dns.Addresses($"web-{h1}-s1.marathon.mesos"));
        Assert.Equal(["10.0.1.2"], dns.Addresses($"web-{h2}-s2.marathon.slave.mesos"));
        foreach (var zone in new[] { "agentip", "containerip", "autoip" })
        {
            Assert.Equal(both, dns.Addresses($"web.marathon.{zone}.dcos.thisdcos.directory"));
        }
        string[] targets = [.. new[] { $"web-{h1}-s1.marathon.mesos:31001", $"web-{h2}-s2.marathon.mesos:31777" }.Order(StringComparer.Ordinal)];
        Assert.Equal(targets, dns.Services("_web._tcp.marathon.mesos"));
        Assert.Equal(targets, dns.Services("_http._web._tcp.marathon.mesos"));
        Assert.Empty(dns.Services("_web._udp.marathon.mesos"));
        foreach (var protocol in new[] { "tcp", "udp" })
        {
            Assert.Contains($"web-{h1}-s1.marathon.slave.mesos:31001", dns.Services($"_web._{protocol}.marathon.slave.mesos"));
        }
    }

    [Fact]
    public void BridgeMode_InAGroup()
    {
        AddBridge();
        var dns = new TestDns(_cluster.Snapshot());
        foreach (var name in new[] { "api-shop", "api.shop" })
        {
            Assert.Equal(["10.0.1.1"], dns.Addresses($"{name}.marathon.mesos"));
            Assert.Equal([31010, 31011], dns.Ask($"_{name}._tcp.marathon.mesos", RecordType.Srv).AnswerRecords.OfType<SrvRecord>().Select(srv => (int)srv.Port).Order());
        }
        Assert.Equal([$"api-shop-{DnsName.Hash("t1")}-s1.marathon.mesos:31010"], dns.Services("_http._api-shop._tcp.marathon.mesos"));
        Assert.Equal(["10.0.1.1"], dns.Addresses("api-shop.marathon.agentip.dcos.thisdcos.directory"));
        Assert.Equal(["10.0.1.1"], dns.Addresses("api-shop.marathon.autoip.dcos.thisdcos.directory"));
        Assert.Equal(["172.17.0.5"], dns.Addresses("api-shop.marathon.containerip.dcos.thisdcos.directory"));
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("api.shop.marathon.agentip.dcos.thisdcos.directory").ReturnCode);
    }

    [Theory]
    [InlineData("host", "10.0.1.2")]
    [InlineData("netinfo", "9.0.2.5")]
    [InlineData("auto", "9.0.2.5")]
    public void ContainerMode_AddressFollowsTheSources(string sources, string address)
    {
        _cluster.AddService("/shop/db", "container", TestCluster.Port("pg"));
        _cluster.AddTask("/shop/db", "t1", 2, ["9.0.2.5"], (0, 5432));
        var dns = new TestDns(_cluster.Snapshot(), sources switch { "host" => HostFirst, "netinfo" => NetInfoFirst, _ => new DnsOptions() });
        Assert.Equal([address], dns.Addresses("db-shop.marathon.mesos"));
        Assert.Equal(["10.0.1.2"], dns.Addresses("db-shop.marathon.agentip.dcos.thisdcos.directory"));
        Assert.Equal(["9.0.2.5"], dns.Addresses("db-shop.marathon.containerip.dcos.thisdcos.directory"));
        Assert.Equal(["9.0.2.5"], dns.Addresses("db-shop.marathon.autoip.dcos.thisdcos.directory"));
        var canonical = $"db-shop-{DnsName.Hash("t1")}-s2.marathon";
        Assert.Equal([$"{canonical}.mesos:5432"], dns.Services("_pg._db-shop._tcp.marathon.mesos"));
        Assert.Equal([address], dns.Addresses($"{canonical}.mesos"));
    }

    [Fact]
    public void ContainerMode_WithAndWithoutHostPort_EachTargetHasThePortsAddress()
    {
        _cluster.AddService("/mixed", "container", TestCluster.Port("out"), TestCluster.Port("in"));
        _cluster.AddTask("/mixed", "t1", 1, ["9.0.2.7"], (31005, 80), (0, 9000));
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Equal(["10.0.1.1"], dns.Addresses("mixed.marathon.autoip.dcos.thisdcos.directory"));
        var canonical = $"mixed-{DnsName.Hash("t1")}-s1.marathon";
        Assert.Equal([$"{canonical}.mesos:31005"], dns.Services("_out._mixed._tcp.marathon.mesos"));
        Assert.Equal([$"{canonical}.container.mesos:9000"], dns.Services("_in._mixed._tcp.marathon.mesos"));
        Assert.Equal(["10.0.1.1"], dns.Addresses($"{canonical}.mesos"));
        Assert.Equal(["9.0.2.7"], dns.Addresses($"{canonical}.container.mesos"));
    }

    [Fact]
    public void TwoProtocols_HaveASrvNameEach()
    {
        _cluster.AddService("/dns", "host", TestCluster.Port(protocol: "udp,tcp"));
        _cluster.AddTask("/dns", "t1", 1, null, (31053, 31053));
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Single(dns.Services("_dns._udp.marathon.mesos"));
        Assert.Single(dns.Services("_dns._tcp.marathon.mesos"));
    }

    [Fact]
    public void Pod_ContainersShareTheName_AndHaveOneOfTheirOwn()
    {
        var pod = _cluster.AddService("/p/cart", "container/bridge", TestCluster.Port("web", container: "app"));
        pod.Kind = "pod";
        _cluster.AddTask("/p/cart", "i1.app.1", 1, ["172.17.0.6"], (31020, 8080)).Container = "app";
        _cluster.AddTask("/p/cart", "i1.log.1", 1, ["172.17.0.6"]).Container = "log";
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Equal(["10.0.1.1", "172.17.0.6"], dns.Addresses("cart-p.marathon.mesos"));
        Assert.Equal(["10.0.1.1"], new TestDns(_cluster.Snapshot(), HostFirst).Addresses("cart.p.marathon.mesos"));
        Assert.Equal(["10.0.1.1"], dns.Addresses($"cart-p-{DnsName.Hash("i1.app.1")}-s1.marathon.mesos"));
        Assert.NotEmpty(dns.Addresses($"cart-p-{DnsName.Hash("i1.log.1")}-s1.marathon.mesos"));
        Assert.Equal([$"cart-p-{DnsName.Hash("i1.app.1")}-s1.marathon.mesos:31020"], dns.Services("_web._cart-p._tcp.marathon.mesos"));
    }

    [Fact]
    public void NoPorts_AddressesOnly()
    {
        _cluster.AddService("/job");
        _cluster.AddTask("/job", "t1", 1);
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Equal(["10.0.1.1"], dns.Addresses("job.marathon.mesos"));
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("_job._tcp.marathon.mesos", RecordType.Srv).ReturnCode);
    }

    [Theory]
    [InlineData("TASK_STAGING")]
    [InlineData("TASK_STARTING")]
    [InlineData("TASK_KILLING")]
    [InlineData("TASK_UNREACHABLE")]
    public void NotRunning_NoRecords(string state)
    {
        AddBridge().State = state;
        Assert.Equal(ReturnCode.NxDomain, new TestDns(_cluster.Snapshot()).Ask("api-shop.marathon.mesos").ReturnCode);
    }

    [Theory]
    [InlineData(false, null, "10.0.1.2")]
    [InlineData(true, null, "10.0.1.1 10.0.1.2")]
    [InlineData(false, "publish", "10.0.1.1 10.0.1.2")]
    [InlineData(true, "leave-out", "10.0.1.2")]
    public void Unhealthy_IsLeftOutUnlessWishedOtherwise(bool publish, string? label, string addresses)
    {
        var service = AddTwo();
        if (label is not null)
        {
            service.Labels["PACER_DNS_UNHEALTHY"] = label;
        }
        var dns = new TestDns(_cluster.Snapshot(), new DnsOptions { PublishUnhealthy = publish });
        Assert.Equal(addresses, string.Join(' ', dns.Addresses("web.marathon.mesos")));
        // Its own name goes on leading to it.
        Assert.Equal(["10.0.1.1"], dns.Addresses($"web-{DnsName.Hash("t1")}-s1.marathon.mesos"));
    }

    [Fact]
    public void NobodyHealthy_AllArePublished()
    {
        AddTwo();
        var snapshot = _cluster.Snapshot();
        snapshot.Tasks![1].Healthy = null;
        Assert.Equal(["10.0.1.1", "10.0.1.2"], new TestDns(snapshot).Addresses("web.marathon.mesos"));
    }

    [Theory]
    [InlineData("ready")]
    [InlineData("draining")]
    public void NotReadyOrDraining_IsLeftOut(string what)
    {
        _cluster.AddService("/web");
        var task = _cluster.AddTask("/web", "t1", 1);
        _cluster.AddTask("/web", "t2", 2);
        (task.Ready, task.Draining) = (what != "ready", what == "draining");
        Assert.Equal(["10.0.1.2"], new TestDns(_cluster.Snapshot()).Addresses("web.marathon.mesos"));
    }

    [Fact]
    public void FrameworkName_KeepsItsDotsInMesos_AndLosesThemInTheDirectory()
    {
        _cluster.Cluster.Framework = "marathon.prod";
        _cluster.AddService("/web");
        _cluster.AddTask("/web", "t1", 1);
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Single(dns.Addresses("web.marathon.prod.mesos"));
        Assert.Single(dns.Addresses("web.marathon-prod.agentip.dcos.thisdcos.directory"));
    }

    [Fact]
    public void Ipv6Addresses_AreAaaa()
    {
        _cluster.AddService("/six", "container", TestCluster.Port());
        _cluster.AddTask("/six", "t1", 1, ["9.0.2.5", "fd01::5"], (0, 80));
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Equal(["9.0.2.5"], dns.Addresses("six.marathon.mesos"));
        Assert.Equal(["fd01::5"], dns.Addresses("six.marathon.mesos", RecordType.Aaaa));
    }

    private EndpointTask AddBridge()
    {
        _cluster.AddService("/shop/api", "container/bridge", TestCluster.Port("http"), TestCluster.Port());
        return _cluster.AddTask("/shop/api", "t1", 1, ["172.17.0.5"], (31010, 80), (31011, 9000));
    }

    private EndpointService AddTwo()
    {
        var service = _cluster.AddService("/web");
        service.HealthChecks = 1;
        _cluster.AddTask("/web", "t1", 1).Healthy = false;
        _cluster.AddTask("/web", "t2", 2).Healthy = true;
        return service;
    }
}
