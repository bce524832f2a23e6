using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Pacer.Edge.Dns;
using Pacer.Edge.Dns.Forwarding;

namespace Pacer.Edge.Tests;

/// <summary>Names that are not ours, with a real upstream server beside.</summary>
public sealed class ForwardingTests
{
    private readonly TestCluster _cluster = new();

    [Fact]
    public async Task ForeignNames_ComeFromTheUpstream_AndThenFromTheCache()
    {
        await using var upstream = await Upstream.StartAsync();
        await using var host = await StartAsync(upstream);
        var first = DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("www.example.com", RecordType.A, 1232)));
        Assert.Equal("192.0.2.1", Assert.IsType<ARecord>(Assert.Single(first.AnswerRecords)).Address.ToString());
        Assert.False(first.IsAuthoritiveAnswer);
        Assert.True(first.IsRecursionAllowed);
        var packet = TestDns.Question("WWW.example.COM", RecordType.A, 1232);
        packet[0] = 0x77;
        var raw = await Wire.UdpAsync(host.Addresses[0], packet);
        Assert.Equal(0x77, raw[0]);
        Assert.Equal(packet[12..29], raw[12..29]); // the asker's own spelling
        Assert.Equal(["www.example.com"], upstream.Asked);
        Assert.Equal(raw[12..], (await Wire.TcpAsync(host.Addresses[0], packet))[12..]);
    }

    [Fact]
    public async Task Absence_IsCachedToo()
    {
        await using var upstream = await Upstream.StartAsync();
        await using var host = await StartAsync(upstream);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(ReturnCode.NxDomain, DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("absent.example.com", RecordType.A))).ReturnCode);
        }
        Assert.Single(upstream.Asked);
    }

    [Fact]
    public async Task TooLargeForUdp_IsTruncated_AndWholeByTcp()
    {
        await using var upstream = await Upstream.StartAsync();
        await using var host = await StartAsync(upstream);
        var question = TestDns.Question("large.example.com", RecordType.A);
        Assert.True(DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], question)).IsTruncated);
        Assert.Equal(60, DnsMessage.Parse(await Wire.TcpAsync(host.Addresses[0], question)).AnswerRecords.Count);
    }

    [Fact]
    public async Task AZonesUpstream_GoesBeforeTheOthers()
    {
        await using var special = await Upstream.StartAsync("192.0.2.99");
        await using var upstream = await Upstream.StartAsync();
        var zones = new Dictionary<string, IReadOnlyList<IPEndPoint>> { ["corp.example"] = [special.Address] };
        await using var host = await TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { Upstreams = [upstream.Address], ZoneUpstreams = zones });
        async Task<string> Ask(string name) => Assert.IsType<ARecord>(
            Assert.Single(DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question(name, RecordType.A))).AnswerRecords)).Address.ToString();
        Assert.Equal("192.0.2.99", await Ask("www.corp.example"));
        Assert.Equal("192.0.2.1", await Ask("www.notcorp.example"));
    }

    [Fact]
    public async Task UpstreamThatIsAway_IsSkipped_AndWithNoneTheAnswerIsRefused()
    {
        await using var upstream = await Upstream.StartAsync();
        var dead = new IPEndPoint(IPAddress.Loopback, FreePort());
        await using (var host = await TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { Upstreams = [dead, upstream.Address] }))
        {
            Assert.Single(DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("www.example.com", RecordType.A))).AnswerRecords);
        }
        await using (var host = await TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { Upstreams = [dead] }))
        {
            Assert.Equal(ReturnCode.Refused, DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("www.example.com", RecordType.A))).ReturnCode);
        }
    }

    [Fact]
    public async Task UpstreamThatFails_IsAServerFailure()
    {
        await using var upstream = await Upstream.StartAsync();
        await using var host = await StartAsync(upstream);
        var answer = DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("broken.example.com", RecordType.A)));
        Assert.Equal(ReturnCode.ServerFailure, answer.ReturnCode);
    }

    [Fact]
    public async Task ForwardingOff_Refuses()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { Forward = false });
        Assert.Equal(ReturnCode.Refused, DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("www.example.com", RecordType.A))).ReturnCode);
    }

    [Fact]
    public async Task TheSameQuestionOfMany_IsAskedOnce()
    {
        await using var upstream = await Upstream.StartAsync(delay: TimeSpan.FromMilliseconds(300));
        await using var host = await StartAsync(upstream);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Wire.UdpAsync(host.Addresses[0], TestDns.Question("www.example.com", RecordType.A))));
        Assert.All(answers, answer => Assert.Single(DnsMessage.Parse(answer).AnswerRecords));
        Assert.Single(upstream.Asked);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.2.3.4", true)]
    [InlineData("172.17.0.5", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("8.8.8.8", false)]
    [InlineData("2001:db8::1", false)]
    public void OnlyPrivateClients_AreForwardedFor(string address, bool served) => Assert.Equal(served, Forwarder.IsPrivate(IPAddress.Parse(address)));

    [Fact]
    public void Cache_CountsTtlsDown_AndForgets()
    {
        var time = new SteppedTime();
        var cache = new AnswerCache(time, maxEntries: 2);
        var message = Upstream.Answer(TestDns.Question("www.example.com", RecordType.A), "192.0.2.1");
        cache.Keep("a", message);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(20, Assert.Single(DnsMessage.Parse(cache.Find("a")!).AnswerRecords).TimeToLive);
        cache.Keep("b", message);
        Assert.NotNull(cache.Find("a"));
        cache.Keep("c", message);
        Assert.Null(cache.Find("b")); // the one that nobody asked for
        Assert.Equal(2, cache.Count);
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.Null(cache.Find("a"));
    }

    [Fact]
    public void ResolvConf_IsRead() =>
        Assert.Equal(["10.0.0.53:53", "[fd00::53]:53"],
            Upstreams.Read(["# comment", "search example.com", "nameserver 10.0.0.53", "nameserver\tfd00::53 # two", "nameserver nonsense", "options timeout:1"])
                .Select(server => server.ToString()));

    private Task<DnsHost> StartAsync(Upstream upstream) => TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { Upstreams = [upstream.Address] });

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}

/// <summary>Time that stands still until it is moved.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _now = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan by) => _now += by.Ticks;

    public override long GetTimestamp() => _now;
}

/// <summary>A name server of the world: knows a few kinds of names, and keeps what it was asked.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly DnsServer _server;
    private readonly string _ip;
    private readonly TimeSpan _delay;

    private Upstream(IPEndPoint address, string ip, TimeSpan delay)
    {
        Address = address;
        _ip = ip;
        _delay = delay;
        _server = new DnsServer(new UdpServerTransport(address), new TcpServerTransport(address));
        _server.QueryReceived += OnQueryAsync;
        _server.Start();
    }

    public IPEndPoint Address { get; }

    public ConcurrentQueue<string> Asked { get; } = new();

    public static Task<Upstream> StartAsync(string ip = "192.0.2.1", TimeSpan delay = default)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return Task.FromResult(new Upstream(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)probe.LocalEndPoint!).Port), ip, delay));
    }

    /// <summary>A packet that answers the question with one address and a TTL of 30 s.</summary>
    public static byte[] Answer(byte[] question, string ip)
    {
        var answer = new byte[question.Length + 16];
        question.CopyTo(answer, 0);
        answer[2] |= 0x80;
        answer[7] = 1;
        new byte[] { 0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4 }.CopyTo(answer, question.Length);
        IPAddress.Parse(ip).GetAddressBytes().CopyTo(answer, question.Length + 12);
        return answer;
    }

    public ValueTask DisposeAsync()
    {
        _server.Stop();
        return ValueTask.CompletedTask;
    }

    private async Task OnQueryAsync(object sender, QueryReceivedEventArgs e)
    {
        var query = (DnsMessage)e.Query;
        var name = query.Questions[0].Name;
        Asked.Enqueue(name.ToString().TrimEnd('.').ToLowerInvariant());
        await Task.Delay(_delay);
        var response = query.CreateResponseInstance();
        var first = name.Labels[0];
        response.ReturnCode = first switch { "absent" => ReturnCode.NxDomain, "broken" => ReturnCode.ServerFailure, _ => ReturnCode.NoError };
        if (first == "absent")
        {
            var zone = DomainName.Parse("example.com");
            response.AuthorityRecords.Add(new SoaRecord(zone, 300, zone, zone, 1, 60, 60, 60, 60));
        }
        else if (first != "broken")
        {
            for (var i = 0; i < (first == "large" ? 60 : 1); i++)
            {
                response.AnswerRecords.Add(new ARecord(name, 30, first == "large" ? new IPAddress([198, 51, 100, (byte)i]) : IPAddress.Parse(_ip)));
            }
        }
        e.Response = response;
    }
}
