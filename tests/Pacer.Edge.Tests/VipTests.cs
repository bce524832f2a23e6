using ARSoft.Tools.Net.Dns;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Vips;
using Pacer.Edge.Dns;

namespace Pacer.Edge.Tests;

/// <summary>From labels and rows to virtual IPs and their names.</summary>
public sealed class VipTests
{
    private readonly TestCluster _cluster = new();

    [Theory]
    [InlineData("/web:80", "web", null, 80)]
    [InlineData("web:80", "web", null, 80)]
    [InlineData("/mygroup/myapp:80", "mygroup/myapp", null, 80)]
    [InlineData("10.1.2.3:8080", null, "10.1.2.3", 8080)]
    [InlineData("fd00::7:53", null, "fd00::7", 53)]
    [InlineData("[fd00::7]:53", null, "fd00::7", 53)]
    [InlineData("/10.1.2.3:80", "10.1.2.3", null, 80)]
    public void Label_WellFormed_IsRead(string text, string? name, string? address, int port)
    {
        var label = VipLabel.Read(text, out var wrong);
        Assert.Null(wrong);
        Assert.Equal((name, address, port), (label!.Name, label.Address?.ToString(), label.Port));
    }

    [Theory]
    [InlineData("web", "no port")]
    [InlineData("/web:", "from 1 to 65535")]
    [InlineData("/web:0", "from 1 to 65535")]
    [InlineData("/web:65536", "from 1 to 65535")]
    [InlineData("/web:http", "from 1 to 65535")]
    [InlineData("10.0.0.300:80", "IPv4 address that is malformed")]
    [InlineData("10.1:80", "IPv4 address that is malformed")]
    [InlineData("fd00::zz:80", "IPv6 address that is malformed")]
    [InlineData("127.0.0.1:80", "not one machine's")]
    [InlineData("224.0.0.1:80", "not one machine's")]
    [InlineData("::1:80", "not one machine's")]
    [InlineData("/:80", "no name")]
    [InlineData(":80", "no name")]
    public void Label_Malformed_SaysWhy(string text, string reason)
    {
        Assert.Null(VipLabel.Read(text, out var wrong));
        Assert.Contains(reason, wrong);
    }

    [Theory]
    [InlineData("/web:80", "web.marathon.l4lb.thisdcos.directory")]
    [InlineData("/mygroup/myapp:80", "mygroupmyapp.marathon.l4lb.thisdcos.directory")]
    [InlineData("/api.shop:8080", "api.shop.marathon.l4lb.thisdcos.directory")]
    public void Name_IsDcOsName(string label, string name)
    {
        AddWeb(label);
        Assert.Equal(name, Assert.Single(Table().Vips).DnsName);
    }

    [Fact]
    public void Framework_OfAPath_LosesItsSlashes()
    {
        _cluster.Cluster.Framework = "/data/kafka";
        AddWeb("broker:9092");
        Assert.Equal("broker.datakafka.l4lb.thisdcos.directory", Assert.Single(Table().Vips).DnsName);
    }

    [Fact]
    public void Name_HasAnAddressOfItsOwn_WhateverElseThereIs()
    {
        AddWeb("/web:80");
        var alone = Assert.Single(Table().Vips).Addresses.Single();
        for (var i = 0; i < 200; i++)
        {
            _cluster.AddService($"/other{i}", "host", Labelled($"/other{i}:80"));
            _cluster.AddTask($"/other{i}", $"o{i}", 1, null, (31100 + i, 31100 + i));
        }
        var table = Table();
        Assert.Equal(alone, table.Vips.Single(vip => vip.Name == "web").Addresses.Single());
        Assert.Equal(201, table.Vips.Select(vip => vip.Addresses.Single()).Distinct().Count());
        Assert.All(table.Vips, vip => Assert.Equal(11, vip.Addresses.Single().GetAddressBytes()[0]));
    }

    [Fact]
    public void Range_TooSmallForAllHashes_StillGivesEachNameItsOwn()
    {
        Assert.True(VipRange.TryParse("10.9.8.0/24", out var range));
        var names = Enumerable.Range(0, 200).Select(i => $"n{i}").ToList();
        var given = range.Assign(names, []);
        Assert.Equal(200, given.Values.Select(pair => pair.V4).Distinct().Count());
        Assert.Equal(200, given.Values.Select(pair => pair.V6).Distinct().Count());
        Assert.All(given.Values, pair => Assert.InRange(pair.V4.GetAddressBytes()[3], 1, 254));
        Assert.All(given.Values, pair => Assert.StartsWith("fd01:c:", pair.V6.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.9.8.0/25")]
    [InlineData("10.9.8.1/24")]
    [InlineData("10.0.0.0/7")]
    [InlineData("fd00::/16")]
    [InlineData("x")]
    [InlineData(null)]
    public void Range_Unfit_IsRefused(string? text) => Assert.False(VipRange.TryParse(text, out _));

    [Fact]
    public void Backends_OfTheBridge_AreReachedByThePortOfTheNode_OnTheirOwnNodeDirectly()
    {
        _cluster.AddService("/api", "container/bridge", Labelled("10.1.2.3:8080"));
        _cluster.AddTask("/api", "t1", 1, ["172.17.0.5"], (31010, 80));
        var vip = Assert.Single(Table().Vips);
        var backend = Assert.Single(vip.Backends);
        Assert.Equal(("10.0.1.1", 31010), (backend.Address.ToString(), backend.Port));
        Assert.Equal(("172.17.0.5", 80), (backend.OwnAddress.ToString(), backend.OwnPort));
        Assert.Null(vip.DnsName);
    }

    [Fact]
    public void Backends_WithoutAPortOfTheNode_AreReachedAtTheirOwnAddresses_OneOfEachKind()
    {
        _cluster.AddService("/db", "container", Labelled("/db:5432"));
        _cluster.AddTask("/db", "t1", 2, ["9.0.2.5", "fd00:2::5", "9.0.3.5"], (0, 5432));
        var vip = Assert.Single(Table().Vips);
        Assert.Equal(["9.0.2.5", "fd00:2::5"], vip.Backends.Select(backend => backend.Address.ToString()));
        Assert.Equal(2, vip.Addresses.Count());
    }

    [Fact]
    public void Backends_WithFlaws_StayButGetNothingNew()
    {
        var service = _cluster.AddService("/web", "host", Labelled("/web:80"));
        service.HealthChecks = 1;
        Add(1).Healthy = true;
        Add(2).Healthy = false;
        Add(3);
        (Add(4).Healthy, _cluster.AddTask("/web", "t5", 1, null, (31005, 31005)).State) = (true, "TASK_STAGING");
        var draining = Add(6);
        (draining.Healthy, draining.Draining) = (true, true);
        var unready = Add(7);
        (unready.Healthy, unready.Ready) = (true, false);
        var vip = Assert.Single(Table().Vips);
        Assert.Equal(["t1", "t4"], vip.Backends.Where(backend => backend.Serves).Select(backend => backend.TaskId));
        Assert.Equal(["it is unhealthy", "its health is not known yet", "it is being ended", "it is not ready yet"],
            vip.Backends.Where(backend => !backend.Serves).Select(backend => backend.Flaw));

        EndpointTask Add(int number) => _cluster.AddTask("/web", $"t{number}", 1, null, (31000 + number, 31000 + number));
    }

    [Fact]
    public void SeveralApps_WithOneLabel_ShareTheVirtualIp()
    {
        AddWeb("/web:80");
        _cluster.AddService("/web-green", "host", Labelled("/web:80"));
        _cluster.AddTask("/web-green", "g1", 2, null, (31500, 31500));
        var vip = Assert.Single(Table().Vips);
        Assert.Equal(["/web", "/web-green"], vip.Services);
        Assert.Equal(["t1", "g1"], vip.Backends.OrderBy(backend => backend.ServiceId, StringComparer.Ordinal).Select(backend => backend.TaskId));
    }

    [Fact]
    public void Protocols_OfAPort_AreVirtualIpsEach_AndSoAreSeveralLabels()
    {
        var port = new EndpointPort { Protocol = "udp,tcp", Labels = new() { ["VIP_0"] = "dns:53", ["vip_1"] = "10.9.9.9:53" } };
        _cluster.AddService("/dns", "host", port);
        _cluster.AddTask("/dns", "t1", 1, null, (31053, 31053));
        Assert.Equal(["tcp /dns:53", "udp /dns:53", "tcp 10.9.9.9:53", "udp 10.9.9.9:53"], Table().Vips.Select(vip => $"{vip.Protocol} {vip}"));
    }

    [Fact]
    public void OlderLabels_OfTheApp_CountPorts()
    {
        var service = _cluster.AddService("/web", "host", TestCluster.Port("a"), TestCluster.Port("b"));
        service.Labels = new() { ["vip_PORT1"] = "tcp://web:81", ["VIP_PORT7"] = "tcp://web:82", ["vip_port0"] = "web:83" };
        _cluster.AddTask("/web", "t1", 1, null, (31001, 31001), (31002, 31002));
        var table = Table();
        Assert.Equal(31002, Assert.Single(Assert.Single(table.Vips).Backends).Port);
        Assert.Equal(2, table.Warnings.Count);
    }

    [Fact]
    public void NamesThatAreOneInDns_AreSaidSo()
    {
        AddWeb("/a/bc:80");
        _cluster.AddService("/other", "host", Labelled("/ab/c:80"));
        _cluster.AddTask("/other", "t2", 1, null, (31002, 31002));
        Assert.Contains(Table().Warnings, warning => warning.Text.Contains("same DNS name abc.marathon.l4lb.thisdcos.directory", StringComparison.Ordinal));
    }

    [Fact]
    public void BadLabel_IsAWarning_AndTheOthersStand()
    {
        _cluster.AddService("/web", "host", Labelled("/web:80"), Labelled("/web:99999"));
        _cluster.AddTask("/web", "t1", 1, null, (31001, 31001), (31002, 31002));
        var table = Table();
        Assert.Single(table.Vips);
        var warning = Assert.Single(table.Warnings);
        Assert.Equal("/web", warning.ServiceId);
        Assert.Contains("label VIP_0 of port 1: '/web:99999' has a port '99999'", warning.Text);
    }

    [Fact]
    public void Rows_FollowedChangeByChange_GiveTheSameAsASnapshot()
    {
        var service = AddWeb("/web:80");
        var rows = new VipRows();
        Assert.NotNull(rows.Apply(_cluster.Snapshot()));
        var second = TestCluster.Task("/web", "t2", 2, null, (31002, 31002));
        Assert.NotNull(rows.Apply(new EndpointUpdate { Tasks = [second] }));
        Assert.Equal(2, Assert.Single(rows.ToTable().Vips).Backends.Count);
        Assert.Null(rows.Apply(new EndpointUpdate { Tasks = [TestCluster.Task("/plain", "p1", 1)], Services = [new EndpointService { Id = "/plain", ConfigVersion = TestCluster.Config }] }));
        Assert.NotNull(rows.Apply(new EndpointUpdate { RemovedTasks = ["t1"] }));
        Assert.Equal("t2", Assert.Single(Assert.Single(rows.ToTable().Vips).Backends).TaskId);
        Assert.NotNull(rows.Apply(new EndpointUpdate { RemovedServices = [service.Key] }));
        Assert.Empty(rows.ToTable().Vips);
    }

    [Fact]
    public void Dns_AnswersNamesWithBackends_UnderTheOldDomainsToo()
    {
        AddWeb("/web:80");
        _cluster.AddService("/none", "host", Labelled("/none:80"));
        var dns = new TestDns(_cluster.Snapshot());
        var address = Assert.Single(Table().Vips.Single(vip => vip.Name == "web").Addresses).ToString();
        foreach (var name in new[] { "web.marathon.l4lb.thisdcos.directory", "WEB.marathon.l4lb.thisdcos.directory", "web.marathon.l4lb.thisdcos.global", "web.marathon.dclb.thisdcos.directory" })
        {
            Assert.Equal([address], dns.Addresses(name));
        }
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("none.marathon.l4lb.thisdcos.directory").ReturnCode);
        Assert.Empty(dns.Ask("web.marathon.l4lb.thisdcos.directory", RecordType.Aaaa).AnswerRecords);

        dns.Zones.Apply(new EndpointUpdate { RemovedTasks = ["t1"] });
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("web.marathon.l4lb.thisdcos.directory").ReturnCode);
        dns.Zones.Apply(new EndpointUpdate { Tasks = [TestCluster.Task("/none", "n1", 1, null, (31009, 31009))] });
        Assert.Single(dns.Addresses("none.marathon.l4lb.thisdcos.directory"));
    }

    private static EndpointPort Labelled(string label) => new() { Labels = new() { ["VIP_0"] = label } };

    private EndpointService AddWeb(string label)
    {
        var service = _cluster.AddService("/web", "host", Labelled(label));
        _cluster.AddTask("/web", "t1", 1, null, (31001, 31001));
        return service;
    }

    private VipTable Table()
    {
        var rows = new VipRows();
        rows.Apply(_cluster.Snapshot());
        return rows.ToTable();
    }
}
