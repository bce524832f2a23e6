using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ARSoft.Tools.Net.Dns;
using CsCheck;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns;

namespace Pacer.Edge.Tests;

/// <summary>The running server, over real sockets.</summary>
public sealed class ServerTests
{
    private readonly TestCluster _cluster = new();

    public ServerTests()
    {
        _cluster.AddService("/web", "host", TestCluster.Port("http"));
        _cluster.AddTask("/web", "t1", 1, null, (31001, 31001));
    }

    [Fact]
    public async Task Udp_AndTcp_AnswerTheSame()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot());
        var packet = TestDns.Question("_web._tcp.marathon.mesos", RecordType.Srv, 1232);
        var byUdp = await Wire.UdpAsync(host.Addresses[0], packet);
        var byTcp = await Wire.TcpAsync(host.Addresses[0], packet);
        Assert.Equal(byUdp, byTcp);
        Assert.Single(DnsMessage.Parse(byUdp).AnswerRecords);
    }

    [Fact]
    public async Task Tcp_SeveralQuestionsOnOneConnection_AreAnsweredInOrder()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot());
        using var client = new TcpClient();
        await client.ConnectAsync(host.Addresses[0]);
        var stream = client.GetStream();
        for (byte i = 0; i < 20; i++)
        {
            var packet = TestDns.Question("web.marathon.mesos", RecordType.A);
            packet[0] = i;
            await Wire.WriteAsync(stream, packet);
        }
        for (byte i = 0; i < 20; i++)
        {
            Assert.Equal(i, (await Wire.ReadAsync(stream))[0]);
        }
    }

    [Fact]
    public async Task Tcp_ClientThatSendsTooMuch_IsCutOff_AndOthersAreServed()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot());
        using var client = new TcpClient();
        await client.ConnectAsync(host.Addresses[0]);
        await client.GetStream().WriteAsync(new byte[] { 0xFF, 0xFF });
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
        Assert.NotEmpty(await Wire.TcpAsync(host.Addresses[0], TestDns.Question("web.marathon.mesos", RecordType.A)));
    }

    [Fact]
    public void Garbage_NeverThrows_AndNeverGrows()
    {
        var dns = new TestDns(_cluster.Snapshot());
        var good = TestDns.Question("_http._web._tcp.marathon.mesos", RecordType.Srv, 1232);
        // Whole noise, and good packets with a few bytes changed or cut.
        var noise = Gen.Byte.Array[0, 600];
        var damaged = Gen.Select(Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[0, 6], Gen.Int[0, good.Length]).Select((changes, length) =>
        {
            var packet = good.ToArray();
            foreach (var (at, value) in changes)
            {
                packet[at] = value;
            }
            return packet[..length];
        });
        Gen.OneOf(noise, damaged).Sample(packet =>
        {
            byte[]? answer;
            try
            {
                answer = dns.Raw(packet);
            }
            catch (InvalidOperationException)
            {
                return true; // not ours: to be forwarded
            }
            return answer is null || (answer.Length <= 4096 && answer[0] == packet[0] && answer[1] == packet[1] && (answer[2] & 0x80) != 0);
        }, iter: 200_000);
    }

    [Fact]
    public async Task Garbage_OverTheNetwork_LeavesItServing()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot());
        var random = new Random(7);
        using var udp = new UdpClient();
        udp.Connect(host.Addresses[0]);
        for (var i = 0; i < 2000; i++)
        {
            var noise = new byte[random.Next(0, 1400)];
            random.NextBytes(noise);
            await udp.SendAsync(noise);
        }
        for (var i = 0; i < 50; i++)
        {
            using var tcp = new TcpClient();
            await tcp.ConnectAsync(host.Addresses[0]);
            var noise = new byte[random.Next(1, 5000)];
            random.NextBytes(noise);
            await tcp.GetStream().WriteAsync(noise);
        }
        Assert.Single(DnsMessage.Parse(await Wire.UdpAsync(host.Addresses[0], TestDns.Question("web.marathon.mesos", RecordType.A))).AnswerRecords);
        Assert.Single(DnsMessage.Parse(await Wire.TcpAsync(host.Addresses[0], TestDns.Question("web.marathon.mesos", RecordType.A))).AnswerRecords);
    }

    [Fact]
    public async Task BusyPort_FallsBack_AndSaysWhere()
    {
        await using var first = await TestDns.StartAsync(_cluster.Snapshot());
        var taken = first.Addresses[0];
        var options = new DnsOptions { Listen = [taken], FallbackPort = 0, HttpListen = new IPEndPoint(IPAddress.Loopback, 0) };
        await using var second = await DnsHost.StartAsync(options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Assert.NotEqual(taken.Port, second.Addresses[0].Port);
        var note = Assert.Single(second.Notes);
        Assert.Contains($"DNS can't have {taken} (another process listens there); it answers on {second.Addresses[0]} instead.", note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BusyPort_WithoutFallback_IsAnErrorThatNamesTheFlag()
    {
        await using var first = await TestDns.StartAsync(_cluster.Snapshot());
        var refused = await Assert.ThrowsAsync<DnsStartException>(() => DnsHost.StartAsync(
            new DnsOptions { Listen = [first.Addresses[0]] }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.Contains("--dns-listen", refused.Message, StringComparison.Ordinal);
        var http = new TcpListener(IPAddress.Loopback, 0);
        http.Start();
        var busy = await Assert.ThrowsAsync<DnsStartException>(() => DnsHost.StartAsync(
            new DnsOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], HttpListen = (IPEndPoint)http.LocalEndpoint }, TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        Assert.Contains("--dns-http", busy.Message, StringComparison.Ordinal);
        http.Stop();
    }

    [Fact]
    public async Task HttpApi_HasTheRoutesOfMesosDns()
    {
        await using var host = await TestDns.StartAsync(_cluster.Snapshot(), new DnsOptions { HttpListen = new IPEndPoint(IPAddress.Loopback, 0) });
        using var http = new HttpClient { BaseAddress = new Uri($"http://{host.HttpAddress}") };
        async Task<string> Get(string path) => await http.GetStringAsync(path);

        Assert.StartsWith("{\"Service\":\"Mesos-DNS\",\"Version\":\"", await Get("/v1/version"), StringComparison.Ordinal);
        Assert.Equal("[{\"host\":\"web.marathon.mesos.\",\"ip\":\"10.0.1.1\"}]", await Get("/v1/hosts/web.marathon.mesos"));
        Assert.Equal("[{\"host\":\"leader.mesos.\",\"ip\":\"10.0.0.1\"}]", await Get("/mesos_dns/v1/hosts/leader.mesos"));
        Assert.Equal("[{\"host\":\"\",\"ip\":\"\"}]", await Get("/v1/hosts/nobody.marathon.mesos."));
        var target = $"web-{DnsName.Hash("t1")}-s1.marathon.mesos.";
        Assert.Equal($"[{{\"service\":\"_web._tcp.marathon.mesos\",\"host\":\"{target}\",\"ip\":\"10.0.1.1\",\"port\":\"31001\"}}]",
            await Get("/v1/services/_web._tcp.marathon.mesos"));
        Assert.Equal("[{\"service\":\"\",\"host\":\"\",\"ip\":\"\",\"port\":\"\"}]", await Get("/v1/services/_nobody._tcp.marathon.mesos"));

        var config = await http.GetFromJsonAsync<JsonElement>("/v1/config");
        Assert.Equal("mesos", config.GetProperty("Domain").GetString());
        Assert.Equal(
            "RefreshSeconds Port Timeout StateTimeoutSeconds ZkDetectionTimeout HttpPort TTL SRVRecordDefaultWeight SOASerial SOARefresh SOARetry SOAExpire "
            + "SOAMinttl SOAMname SOARname Masters ZoneResolvers Resolvers IPSources Zk Domain File Listener HTTPListener RecurseOn DnsOn HttpOn ExternalOn "
            + "EnforceRFC952 SetTruncateBit EnumerationOn MesosHTTPSOn CACertFile CertFile KeyFile MesosCredentials IAMConfigFile MesosAuthentication",
            string.Join(' ', config.EnumerateObject().Select(member => member.Name)));

        var framework = (await http.GetFromJsonAsync<JsonElement>("/v1/enumerate")).GetProperty("frameworks")[0];
        Assert.Equal("marathon", framework.GetProperty("name").GetString());
        var task = framework.GetProperty("tasks")[0];
        Assert.Equal(("web", "t1"), (task.GetProperty("name").GetString(), task.GetProperty("id").GetString()));
        Assert.Contains(task.GetProperty("records").EnumerateArray(), record => record.GetProperty("name").GetString() == "_web._tcp.marathon.mesos."
            && record.GetProperty("host").GetString() == target + ":31001" && record.GetProperty("rtype").GetString() == "SRV");

        var transfer = await http.GetFromJsonAsync<JsonElement>("/v1/axfr");
        Assert.Equal("10.0.1.1", transfer.GetProperty("Records").GetProperty("As").GetProperty("web.marathon.mesos.")[0].GetString());
        Assert.Equal(target + ":31001", transfer.GetProperty("Records").GetProperty("SRVs").GetProperty("_web._tcp.marathon.mesos.")[0].GetString());
        Assert.Equal(JsonValueKind.Object, transfer.GetProperty("Records").GetProperty("AAAAs").ValueKind);

        Assert.Equal(HttpStatusCode.NotImplemented, (await http.GetAsync("/v1/hosts/leader.mesos/ports")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v2/apps")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync("/v1/version", null)).StatusCode);
    }

    [Fact]
    public async Task Stopping_TakesNoTime()
    {
        var host = await TestDns.StartAsync(_cluster.Snapshot());
        var clock = Stopwatch.StartNew();
        await host.DisposeAsync();
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }
}

/// <summary>Packets over real sockets.</summary>
internal static class Wire
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<byte[]> UdpAsync(IPEndPoint server, byte[] packet)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new UdpClient();
        client.Connect(server);
        await client.SendAsync(packet, patience.Token);
        return (await client.ReceiveAsync(patience.Token)).Buffer;
    }

    public static async Task<byte[]> TcpAsync(IPEndPoint server, byte[] packet)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server);
        await WriteAsync(client.GetStream(), packet);
        return await ReadAsync(client.GetStream());
    }

    public static async Task WriteAsync(Stream stream, byte[] packet)
    {
        var framed = new byte[2 + packet.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)packet.Length);
        packet.CopyTo(framed, 2);
        await stream.WriteAsync(framed);
    }

    public static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var patience = new CancellationTokenSource(Patience);
        var size = new byte[2];
        await stream.ReadExactlyAsync(size, patience.Token);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(size)];
        await stream.ReadExactlyAsync(message, patience.Token);
        return message;
    }
}
