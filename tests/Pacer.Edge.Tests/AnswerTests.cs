using System.Globalization;
using ARSoft.Tools.Net.Dns;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns;

namespace Pacer.Edge.Tests;

/// <summary>What a query gets beyond its records: codes, sections, sizes, spellings.</summary>
public sealed class AnswerTests
{
    private readonly TestCluster _cluster = new();

    public AnswerTests()
    {
        _cluster.AddService("/shop/web", "host", TestCluster.Port("http"));
        _cluster.AddTask("/shop/web", "t1", 1, null, (31001, 31001));
    }

    [Theory]
    [InlineData("web-shop.marathon.mesos")]
    [InlineData("WEB-Shop.Marathon.MESOS")]
    [InlineData("web-shop.*.marathon.mesos")]
    [InlineData("web-shop.marathon.mesos.thisdcos.directory")]
    [InlineData("web-shop.marathon.mesos.thisdcos.global")]
    [InlineData("web-shop.marathon.mesos.c1.dcos.directory")]
    [InlineData("web-shop.marathon.agentip.dcos.thisdcos.global")]
    [InlineData("web-shop.marathon.agentip.dcos.c1.dcos.directory")]
    public void Spellings_LeadToTheSameAddress_UnderTheNameAsked(string name)
    {
        var answer = new TestDns(_cluster.Snapshot()).Ask(name);
        var record = Assert.IsType<ARecord>(Assert.Single(answer.AnswerRecords));
        Assert.Equal("10.0.1.1", record.Address.ToString());
        Assert.Equal(name, record.Name.ToString().TrimEnd('.'));
        Assert.True(answer.IsAuthoritiveAnswer);
        Assert.True(answer.IsRecursionAllowed);
        Assert.Equal(5, record.TimeToLive);
    }

    [Theory]
    [InlineData("leader.mesos", "10.0.0.1")]
    [InlineData("master.mesos", "10.0.0.1")]
    [InlineData("master0.mesos", "10.0.0.1")]
    [InlineData("marathon.mesos", "10.0.0.1")]
    [InlineData("leader.dcos.thisdcos.directory", "10.0.0.1")]
    [InlineData("master.dcos.thisdcos.directory", "10.0.0.1")]
    [InlineData("slave.mesos", "10.0.1.1 10.0.1.2")]
    [InlineData("zk-1.zk", "10.0.0.1")]
    [InlineData("zk-5.zk", "10.0.0.1")]
    [InlineData("ready.spartan", "127.0.0.1")]
    [InlineData("ns.spartan", "127.0.0.1")]
    [InlineData("ns1.mesos", "127.0.0.1")]
    [InlineData("localhost", "127.0.0.1")]
    public void ClusterNames_Resolve(string name, string addresses) =>
        Assert.Equal(addresses, string.Join(' ', new TestDns(_cluster.Snapshot()).Addresses(name)));

    [Theory]
    [InlineData("_leader._tcp.mesos", "leader.mesos:8080")]
    [InlineData("_leader._udp.mesos", "leader.mesos:8080")]
    [InlineData("_framework._tcp.marathon.mesos", "marathon.mesos:8080")]
    public void ClusterServices_Resolve(string name, string target) => Assert.Equal([target], new TestDns(_cluster.Snapshot()).Services(name));

    [Theory]
    [InlineData("nobody.marathon.mesos", RecordType.A, ReturnCode.NxDomain, "mesos")]
    [InlineData("nobody.marathon.mesos", RecordType.Srv, ReturnCode.NxDomain, "mesos")]
    [InlineData("web-shop.marathon.mesos", RecordType.Aaaa, ReturnCode.NoError, "mesos")]
    [InlineData("web-shop.marathon.mesos", RecordType.Mx, ReturnCode.NoError, "mesos")]
    [InlineData("_tcp.marathon.mesos", RecordType.A, ReturnCode.NoError, "mesos")]
    [InlineData("shop.marathon.mesos", RecordType.A, ReturnCode.NoError, "mesos")]
    [InlineData("web-shop.marathon.agentip.dcos.thisdcos.directory", RecordType.Srv, ReturnCode.NoError, "dcos.thisdcos.directory")]
    [InlineData("nobody.marathon.l4lb.thisdcos.directory", RecordType.A, ReturnCode.NxDomain, "l4lb.thisdcos.directory")]
    [InlineData("nobody.marathon.dclb.thisdcos.directory", RecordType.A, ReturnCode.NxDomain, "l4lb.thisdcos.directory")]
    [InlineData("x.thisdcos.directory", RecordType.A, ReturnCode.NxDomain, "thisdcos.directory")]
    [InlineData("zk-9.zk", RecordType.A, ReturnCode.NxDomain, "zk")]
    public void Absence_IsSaidWithTheZonesSoa(string name, RecordType type, ReturnCode code, string zone)
    {
        var answer = new TestDns(_cluster.Snapshot()).Ask(name, type);
        Assert.Equal(code, answer.ReturnCode);
        Assert.Empty(answer.AnswerRecords);
        var soa = Assert.IsType<SoaRecord>(Assert.Single(answer.AuthorityRecords));
        Assert.Equal(zone, soa.Name.ToString().TrimEnd('.'));
    }

    [Fact]
    public void Soa_OfMesos_IsInTheAuthoritySection()
    {
        var answer = new TestDns(_cluster.Snapshot()).Ask("mesos", RecordType.Soa);
        Assert.Empty(answer.AnswerRecords);
        var soa = Assert.IsType<SoaRecord>(Assert.Single(answer.AuthorityRecords));
        Assert.Equal("ns1.mesos", soa.MasterName.ToString().TrimEnd('.'));
        Assert.Equal("root.ns1.mesos", soa.ResponsibleName.ToString().TrimEnd('.'));
        Assert.Equal((60, 600, 86400, 5), (soa.RefreshInterval, soa.RetryInterval, soa.ExpireInterval, soa.NegativeCachingTTL));
        Assert.InRange(soa.SerialNumber, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var ns = Assert.IsType<NsRecord>(Assert.Single(new TestDns(_cluster.Snapshot()).Ask("web-shop.marathon.mesos", RecordType.Ns).AuthorityRecords));
        Assert.Equal("ns1.mesos", ns.NameServer.ToString().TrimEnd('.'));
    }

    [Fact]
    public void Soa_OfTheDirectory_IsAnAnswer()
    {
        var dns = new TestDns(_cluster.Snapshot());
        var soa = Assert.IsType<SoaRecord>(Assert.Single(dns.Ask("dcos.thisdcos.directory", RecordType.Soa).AnswerRecords));
        Assert.Equal(("ns.spartan", 60, 180, 86400, 1), (soa.MasterName.ToString().TrimEnd('.'), soa.RefreshInterval, soa.RetryInterval, soa.ExpireInterval, soa.NegativeCachingTTL));
        Assert.Equal(3600, Assert.Single(dns.Ask("dcos.thisdcos.directory", RecordType.Ns).AnswerRecords).TimeToLive);
    }

    [Fact]
    public void Srv_CarriesTheAddressesOfItsTargets()
    {
        var answer = new TestDns(_cluster.Snapshot()).Ask("_web-shop._tcp.marathon.mesos", RecordType.Srv);
        var srv = Assert.IsType<SrvRecord>(Assert.Single(answer.AnswerRecords));
        Assert.Equal((0, 1, 31001), (srv.Priority, srv.Weight, srv.Port));
        var address = Assert.Single(answer.AdditionalRecords.OfType<ARecord>());
        Assert.Equal(srv.Target, address.Name);
        Assert.Equal("10.0.1.1", address.Address.ToString());
    }

    [Fact]
    public void Srv_InTheDirectorysCopy_StaysInItsZone()
    {
        var srv = Assert.IsType<SrvRecord>(Assert.Single(
            new TestDns(_cluster.Snapshot()).Ask("_web-shop._tcp.marathon.mesos.thisdcos.directory", RecordType.Srv).AnswerRecords));
        Assert.Equal((1, 1), (srv.Priority, srv.Weight));
        Assert.Equal($"web-shop-{DnsName.Hash("t1")}-s1.marathon.mesos.thisdcos.directory", srv.Target.ToString().TrimEnd('.'));
    }

    [Fact]
    public void Any_HasAllAnswers_AndSoaAndNs()
    {
        var answer = new TestDns(_cluster.Snapshot()).Ask("_web-shop._tcp.marathon.mesos", RecordType.Any);
        Assert.Single(answer.AnswerRecords.OfType<SrvRecord>());
        Assert.Single(answer.AuthorityRecords.OfType<SoaRecord>());
        Assert.Single(answer.AuthorityRecords.OfType<NsRecord>());
    }

    [Fact]
    public void Txt_NamesTheApp_AndTheTask()
    {
        var dns = new TestDns(_cluster.Snapshot());
        Assert.Equal(["app=/shop/web"], dns.Ask("web-shop.marathon.mesos", RecordType.Txt).AnswerRecords.OfType<TxtRecord>().Select(txt => txt.TextData));
        Assert.Equal(["app=/shop/web", "health=none", "task=t1", "version=" + TestCluster.Config],
            dns.Ask($"web-shop-{DnsName.Hash("t1")}-s1.marathon.mesos", RecordType.Txt).AnswerRecords.OfType<TxtRecord>().Select(txt => txt.TextData).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Ptr_OfAContainer_IsItsCanonicalName()
    {
        _cluster.AddService("/db", "container", TestCluster.Port());
        _cluster.AddTask("/db", "t9", 1, ["9.0.2.5"], (0, 80));
        var ptr = Assert.IsType<PtrRecord>(Assert.Single(new TestDns(_cluster.Snapshot()).Ask("5.2.0.9.in-addr.arpa", RecordType.Ptr).AnswerRecords));
        Assert.Equal($"db-{DnsName.Hash("t9")}-s1.marathon.mesos", ptr.PointerDomainName.ToString().TrimEnd('.'));
    }

    [Theory]
    [InlineData(null, 512)]
    [InlineData(100, 512)]
    [InlineData(1232, 1232)]
    [InlineData(65000, 4096)]
    public void TooLarge_IsCutAtTheClientsSize_AndSaysSo(int? payload, int limit)
    {
        AddMany(300);
        var dns = new TestDns(_cluster.Snapshot());
        var raw = dns.Raw(TestDns.Question("_many._tcp.marathon.mesos", RecordType.Srv, payload))!;
        Assert.InRange(raw.Length, limit - 100, limit);
        var answer = DnsMessage.Parse(raw);
        Assert.True(answer.IsTruncated);
        Assert.Empty(answer.AdditionalRecords.OfType<ARecord>());
        Assert.NotEmpty(answer.AnswerRecords);
        Assert.Equal(payload is not null, answer.IsEDnsEnabled);
    }

    [Fact]
    public void TooLarge_ByTcp_IsWhole()
    {
        AddMany(300);
        var answer = new TestDns(_cluster.Snapshot()).Ask("_many._tcp.marathon.mesos", RecordType.Srv, tcp: true);
        Assert.False(answer.IsTruncated);
        Assert.Equal(300, answer.AnswerRecords.Count);
    }

    [Fact]
    public void AdditionalRecords_AreLeftOutBeforeAnswers()
    {
        AddMany(12);
        var answer = new TestDns(_cluster.Snapshot()).Ask("_many._tcp.marathon.mesos", RecordType.Srv, payload: 700);
        Assert.False(answer.IsTruncated);
        Assert.Equal(12, answer.AnswerRecords.Count);
        Assert.InRange(answer.AdditionalRecords.OfType<ARecord>().Count(), 0, 11);
    }

    [Fact]
    public void Order_ChangesFromAnswerToAnswer()
    {
        AddMany(8);
        var dns = new TestDns(_cluster.Snapshot());
        var first = Enumerable.Range(0, 100)
            .Select(_ => dns.Ask("_many._tcp.marathon.mesos", RecordType.Srv).AnswerRecords.OfType<SrvRecord>().First().Port).Distinct();
        Assert.Equal(8, first.Count());
    }

    [Fact]
    public void EdnsOfAnotherVersion_IsBadVersion()
    {
        var packet = TestDns.Question("web-shop.marathon.mesos", RecordType.A, 1232);
        packet[^5] = 1;
        var raw = new TestDns(_cluster.Snapshot()).Raw(packet)!;
        Assert.Equal(0, raw[3] & 0xF);
        Assert.Equal(1, raw[^6]); // upper bits of BADVERS (16)
    }

    [Theory]
    [InlineData(2, 0x28, 4)] // opcode 5, an update
    [InlineData(5, 2, 1)] // two questions
    [InlineData(5, 0, 1)] // none
    [InlineData(12, 0xC0, 1)] // a pointer in the question
    [InlineData(12, 60, 1)] // a label beyond the end
    public void WhatCannotBeAnswered_IsRefusedByItsCode(int offset, byte value, int code)
    {
        var packet = TestDns.Question("web-shop.marathon.mesos", RecordType.A);
        packet[offset] = value;
        Assert.Equal(code, new TestDns(_cluster.Snapshot()).Raw(packet)![3] & 0xF);
    }

    [Fact]
    public void AnAnswer_IsNotAnswered()
    {
        var packet = TestDns.Question("web-shop.marathon.mesos", RecordType.A);
        packet[2] |= 0x80;
        Assert.Null(new TestDns(_cluster.Snapshot()).Raw(packet));
    }

    [Fact]
    public void BeforeTheFirstSnapshot_ItFails_InsteadOfDenying() =>
        Assert.Equal(ReturnCode.ServerFailure, new TestDns(null).Ask("web-shop.marathon.mesos").ReturnCode);

    [Fact]
    public void Changes_MoveOnlyWhatTheyConcern()
    {
        var dns = new TestDns(_cluster.Snapshot());
        dns.Zones.Apply(new EndpointUpdate { Tasks = [TestCluster.Task("/shop/web", "t2", 2, null, (31002, 31002))] });
        Assert.Equal(["10.0.1.1", "10.0.1.2"], dns.Addresses("web-shop.marathon.mesos"));
        dns.Zones.Apply(new EndpointUpdate { RemovedTasks = ["t1"] });
        Assert.Equal(["10.0.1.2"], dns.Addresses("web-shop.marathon.mesos"));
        dns.Zones.Apply(new EndpointUpdate { Nodes = [new EndpointNode { Id = "cluster-S2", Address = "10.0.9.9", State = "connected" }] });
        Assert.Equal(["10.0.9.9"], dns.Addresses("web-shop.marathon.mesos"));
        dns.Zones.Apply(new EndpointUpdate { RemovedTasks = ["t2"] });
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("web-shop.marathon.mesos").ReturnCode);
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("shop.marathon.mesos").ReturnCode);
    }

    [Fact]
    public void ANewSnapshot_ReplacesWhatWasThere()
    {
        var dns = new TestDns(_cluster.Snapshot());
        var other = new TestCluster();
        other.AddService("/new");
        other.AddTask("/new", "t5", 1);
        dns.Zones.Apply(other.Snapshot());
        Assert.Equal(ReturnCode.NxDomain, dns.Ask("web-shop.marathon.mesos").ReturnCode);
        Assert.Single(dns.Addresses("new.marathon.mesos"));
        Assert.Equal(ReturnCode.NoError, dns.Ask("mesos").ReturnCode);
    }

    [Fact]
    public void CollidingNames_AreReported_UntilOneIsGone()
    {
        _cluster.AddService("/app/my");
        var second = _cluster.AddService("/my.app");
        var dns = new TestDns(_cluster.Snapshot());
        var collision = Assert.Single(dns.Zones.Collisions);
        Assert.Equal("my-app", collision.Label);
        Assert.Equal(["/app/my", "/my.app"], collision.Services);
        dns.Zones.Apply(new EndpointUpdate { RemovedServices = [second.Key] });
        Assert.Empty(dns.Zones.Collisions);
    }

    [Fact]
    public void Explanation_SaysWhoIsLeftOut_AndWhy()
    {
        var service = _cluster.AddService("/web");
        service.HealthChecks = 1;
        _cluster.AddTask("/web", "t7", 1).Healthy = false;
        _cluster.AddTask("/web", "t8", 2).Healthy = true;
        _cluster.AddTask("/web", "t9", 2).State = "TASK_STAGING";
        var explanation = DnsLookup.Explain(_cluster.Snapshot(), new DnsOptions(), "/web");
        Assert.Equal(("web.marathon.mesos", "mesos", true), (explanation.Name, explanation.Zone, explanation.Exists));
        var byOwner = explanation.Records.Where(record => record.Type == "A").ToDictionary(record => record.Owner);
        Assert.Equal((false, "it is unhealthy"), (byOwner["t7"].Published, byOwner["t7"].Reason));
        Assert.Equal((true, null), (byOwner["t8"].Published, byOwner["t8"].Reason));
        Assert.Equal((false, "it is TASK_STAGING"), (byOwner["t9"].Published, byOwner["t9"].Reason));
    }

    private void AddMany(int count)
    {
        _cluster.AddService("/many", "host", TestCluster.Port());
        for (var i = 0; i < count; i++)
        {
            _cluster.AddTask("/many", "m" + i.ToString(CultureInfo.InvariantCulture), 1, null, (32000 + i, 32000 + i));
        }
    }
}
