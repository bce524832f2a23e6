using System.Net;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns.Names;

namespace Pacer.Edge.Tests;

public sealed class NameTests
{
    [Theory]
    [InlineData("4abc123", "4abc123")]
    [InlineData("-4abc123", "4abc123")]
    [InlineData("a---", "a")]
    [InlineData("---a---b", "a---b")]
    [InlineData("a.c.d_de.", "a-c-d-de")]
    [InlineData("fd%gsf---gs7-f$gs--d7fddg-123", "fdgsf---gs7-fgs--d7fddg-123")]
    [InlineData("fd%gsf---gs7-f$gs--d7fddg123456789012345678901234567890123456789-123", "fdgsf---gs7-fgs--d7fddg1234567890123456789012345678901234567891")]
    [InlineData("router.very-long-service-name-number-one.very-long-team-name.production.eu", "router-very-long-service-name-number-one-very-long-team-name-pr")]
    [InlineData("My_Task.v1", "my-task-v1")]
    [InlineData("c.b.a", "c-b-a")]
    [InlineData("/team/kafka", "teamkafka")]
    [InlineData("marathon.prod", "marathon-prod")]
    [InlineData("größe mit raum", "gremitraum")]
    [InlineData("", "")]
    public void Label_Rfc1123_IsMangled(string text, string label) => Assert.Equal(label, DnsName.Label(text));

    [Fact]
    public void Label_CutInARunOfDashes_PullsInWhatFollows() => Assert.Equal("hellof", DnsName.Label("hello" + new string('-', 58) + "f"));

    [Theory]
    [InlineData("4abc123", "abc123")]
    [InlineData("89fdgsf---gs7-fgs--d7fddg-123", "fdgsf---gs7-fgs--d7fddg1")]
    [InlineData("chronos with a space AND MIXED CASE-2.0.1", "chronoswithaspaceandmixe")]
    public void Label_Rfc952_IsMangled(string text, string label) => Assert.Equal(label, DnsName.Label(text, LabelRules.Rfc952));

    [Theory]
    [InlineData("pod_123$abc.marathon-0.6.0-dev.mesos", "pod-123abc.marathon-0.6.0-dev.mesos")]
    [InlineData(".a..c.", "a.c")]
    [InlineData("marathon.prod", "marathon.prod")]
    [InlineData("chronos with a space-2.0.1", "chronoswithaspace-2.0.1")]
    // Names of virtual IPs, and their frameworks.
    [InlineData("/web", "web")]
    [InlineData("/mygroup/myapp", "mygroupmyapp")]
    [InlineData("/api.shop", "api.shop")]
    [InlineData("/data/kafka", "datakafka")]
    [InlineData("/a/bc", "abc")]
    [InlineData("/ab/c", "abc")]
    public void Fragment_KeepsDots(string text, string fragment) => Assert.Equal(fragment, DnsName.Fragment(text));

    [Theory]
    [InlineData("/web", "web")]
    [InlineData("/shop/web", "web.shop")]
    [InlineData("/a/b/c", "c.b.a")]
    public void OfRunSpec_ReversesSegments(string id, string name) => Assert.Equal(name, DnsName.OfRunSpec(id));

    [Theory]
    [InlineData("test", "iffe9")]
    [InlineData("nginx.48dccce7-90bc-11e6-ae70-70b3d5800001", "jhy6r")]
    [InlineData("web.instance-00000000-0000-0000-0000-000000000001._app.1", "g47xs")]
    public void Hash_IsZBase32OfSha1(string taskId, string hash) => Assert.Equal(hash, DnsName.Hash(taskId));

    [Fact]
    public void Canonical_EndsWithTheAgentsNumber() =>
        Assert.Equal("web-iffe9-s12", DnsName.Canonical("web", "test", "20170309-184232-67504556-5050-1234-S12"));

    [Fact]
    public void Masters_LeaderThatIsNotConfigured_GetsTheNextNumber()
    {
        var names = MasterNames.Of(["m1", "m2"], "m3").ToLookup(name => name.Label, name => name.Address);
        Assert.Equal(["m1"], names["master0"]);
        Assert.Equal(["m2"], names["master1"]);
        Assert.Equal(["m3"], names["master2"]);
        Assert.Equal(["m1", "m2", "m3"], names["master"]);
        Assert.Equal(["m3"], names["leader"]);
    }

    [Fact]
    public void Masters_LeaderThatIsConfigured_IsNotCountedTwice() =>
        Assert.DoesNotContain(MasterNames.Of(["m1", "m2", "m1"], "m2"), name => name.Label == "master2");

    [Theory]
    [InlineData("172.17.0.5", "5.0.17.172.in-addr.arpa")]
    [InlineData("fd01::5", "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.d.f.ip6.arpa")]
    public void Reverse_IsTheAddressBackwards(string address, string name) => Assert.Equal(name, ReverseName.Of(IPAddress.Parse(address)));
}
