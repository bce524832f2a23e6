using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using Pacer.Edge.Balancing.Listening;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>With the data path of Pacer itself.</summary>
public sealed class EmbeddedConnectionTests : ConnectionTests
{
    protected override bool Haproxy => false;

    [Fact]
    public void ProxyHeader_AnyBytes_NeverFailsAndReadsWhatWasWritten()
    {
        Gen.Byte.Array[0, 300].Sample(bytes => ProxyProtocol.TryRead(new ReadOnlySequence<byte>(bytes), out _, out _) != (ProxyProtocol.Outcome)9);
        Gen.Select(Gen.Byte.Array[4], Gen.Int[0, 65535], Gen.Bool, Gen.Int[1, 2]).Sample((address, port, v6, version) =>
        {
            var source = new IPEndPoint(v6 ? new IPAddress(address.Concat(address).Concat(address).Concat(address).ToArray()) : new IPAddress(address), port);
            var target = new IPEndPoint(v6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 1);
            var header = ProxyProtocol.Write(version, source, target);
            for (var cut = 0; cut < header.Length; cut++)
            {
                Assert.Equal(ProxyProtocol.Outcome.NeedsMore, ProxyProtocol.TryRead(new ReadOnlySequence<byte>(header, 0, cut), out _, out _));
            }
            Assert.Equal(ProxyProtocol.Outcome.Read, ProxyProtocol.TryRead(new ReadOnlySequence<byte>(header), out var read, out var length));
            Assert.Equal((source.Port, header.Length), (read!.Port, length));
            Assert.Equal(source.Address.IsIPv4MappedToIPv6 ? source.Address.MapToIPv4() : source.Address, read.Address);
        }, iter: 500);
    }

    [Fact]
    public async Task Connections_TooMany_AreRefusedAndCounted()
    {
        await using var balancer = await TestBalancer.StartAsync(options => options with { MaxConnections = 2 });
        using var one = new TcpClient();
        using var two = new TcpClient();
        using var three = new TcpClient();
        foreach (var client in new[] { one, two })
        {
            await client.ConnectAsync(balancer["http"].Address, balancer["http"].Port);
        }
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.View.Doors.Open == 2));
        await three.ConnectAsync(balancer["http"].Address, balancer["http"].Port);
        Assert.Equal("", await EndOfAsync(three));
        Assert.Equal(1, balancer.Host.View.Doors.Refused);
        one.Dispose();
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.View.Doors.Open == 1));
    }
}

/// <summary>With HAProxy between clients and servers.</summary>
public sealed class HaproxyConnectionTests : ConnectionTests
{
    protected override bool Haproxy => true;
}

/// <summary>What is below HTTP: mode tcp, the PROXY protocol, TLS, and clients that mean no good.</summary>
public abstract class ConnectionTests : IDisposable
{
    protected abstract bool Haproxy { get; }

    private Task<TestBalancer> StartAsync(Func<Pacer.Edge.Balancing.BalancerOptions, Pacer.Edge.Balancing.BalancerOptions>? change = null) => TestBalancer.StartAsync(change, Haproxy);

    private readonly string _directory = Directory.CreateTempSubdirectory("pacer-lb-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task Tcp_BothWays_HalfCloseAndALotOfData()
    {
        using var echo = new EchoServer();
        await using var balancer = await StartAsync();
        var port = TestBalancer.FreePort();
        balancer.Put("/db", [$"HAPROXY_0_PORT={port}"], TestBalancer.FreePort(), echo.Port);
        for (var round = 0; round < 4; round++) // a server that is gone costs no connection
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            var sent = RandomNumberGenerator.GetBytes(3_000_000);
            var stream = client.GetStream();
            var writing = Task.Run(async () =>
            {
                await stream.WriteAsync(sent);
                client.Client.Shutdown(SocketShutdown.Send);
            });
            using var received = new MemoryStream();
            await stream.CopyToAsync(received).WaitAsync(TimeSpan.FromSeconds(20));
            await writing;
            Assert.Equal(sent, received.ToArray());
        }
        await HttpTests.UntilAsync(async () => await balancer.NumbersAsync("/db:0") is { Received: 12_000_000, Sent: 12_000_000 });
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task ProxyProtocol_ComesInAndGoesOut_NamesTheClient(string version)
    {
        using var echo = new EchoServer();
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        var (raw, web) = (TestBalancer.FreePort(), TestBalancer.FreePort());
        balancer.Put("/db", [$"HAPROXY_0_PORT={raw}", "PACER_LB_0_ACCEPT_PROXY=true", "PACER_LB_0_SEND_PROXY=" + version], echo.Port);
        balancer.Put("/web", [$"HAPROXY_0_PORT={web}", "HAPROXY_0_MODE=http", "HAPROXY_0_BIND_OPTIONS=accept-proxy"], backend.Port);
        var header = ProxyProtocol.Write(version == "v1" ? 1 : 2, new IPEndPoint(IPAddress.Parse("203.0.113.7"), 4711), new IPEndPoint(IPAddress.Loopback, 80));

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, raw);
        var stream = client.GetStream();
        await stream.WriteAsync((byte[])[.. header, .. "hello"u8]);
        client.Client.Shutdown(SocketShutdown.Send);
        using var received = new MemoryStream();
        await stream.CopyToAsync(received);
        Assert.Equal(ProxyProtocol.Outcome.Read, ProxyProtocol.TryRead(new ReadOnlySequence<byte>(received.ToArray()), out var source, out var length));
        Assert.Equal("203.0.113.7:4711", source!.ToString());
        Assert.Equal("hello", Encoding.ASCII.GetString(received.ToArray()[length..]));

        using var browser = new TcpClient();
        await browser.ConnectAsync(IPAddress.Loopback, web);
        await browser.GetStream().WriteAsync((byte[])[.. header, .. "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"u8]);
        Assert.Contains("x-forwarded-for: 203.0.113.7\n", await new StreamReader(browser.GetStream()).ReadToEndAsync(), StringComparison.Ordinal);

        using var liar = new TcpClient();
        await liar.ConnectAsync(IPAddress.Loopback, web);
        await liar.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        Assert.Equal("", await EndOfAsync(liar));
    }

    [Fact]
    public async Task Tls_NameOfTheClient_ChoosesTheCertificateAndNewFilesCountAtOnce()
    {
        await using var backend = await TestBackend.StartAsync("a");
        Certificate("a.pem", "a.test");
        Certificate("wild.crt", "*.wild.test", keyApart: true);
        await using var balancer = await StartAsync(options => options with { Certificates = _directory });
        balancer.Put("/a", ["HAPROXY_0_VHOST=a.test,b.test,x.wild.test"], backend.Port);
        Assert.Equal("CN=a.test", await SubjectAsync(balancer["https"], "a.test"));
        Assert.Equal("CN=*.wild.test", await SubjectAsync(balancer["https"], "x.wild.test"));
        Assert.Equal("CN=*", await SubjectAsync(balancer["https"], "b.test"));
        Assert.Equal(["HAPROXY_0_VHOST: no certificate is good for b.test; browsers get a self-signed one and warn."], balancer.Host.View.Warnings.Select(warning => warning.Text));

        Certificate("b.pem", "b.test");
        await HttpTests.UntilAsync(async () => await SubjectAsync(balancer["https"], "b.test") == "CN=b.test");
        Assert.Empty(balancer.Host.View.Warnings);

        // A file that can't be used leaves what it was in force, and is named.
        await File.WriteAllTextAsync(Path.Combine(_directory, "b.pem"), "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.View.Warnings.Count > 0));
        Assert.Equal($"The certificate in {_directory}/b.pem can't be used: it has no key, and there is no b.key. What it held before stays in use.", Assert.Single(balancer.Host.View.Warnings).Text);
        Assert.Equal("CN=b.test", await SubjectAsync(balancer["https"], "b.test"));
    }

    [Fact]
    public async Task Tls_KeyOfAnother_IsSaidAndOthersWork()
    {
        Certificate("a.pem", "a.test");
        Certificate("b.crt", "b.test", keyApart: true);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(Path.Combine(_directory, "b.key"), other.ExportPkcs8PrivateKeyPem());
        await using var balancer = await StartAsync(options => options with { Certificates = _directory });
        Assert.Contains("do not belong together", Assert.Single(balancer.Host.View.Warnings).Text, StringComparison.Ordinal);
        Assert.Equal("CN=a.test", await SubjectAsync(balancer["https"], "a.test"));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("tcp")]
    public async Task Tls_OnAServicePort_IsTakenOff(string mode)
    {
        await using var backend = await TestBackend.StartAsync("a");
        var file = Certificate("service.pem", "service.test");
        await using var balancer = await StartAsync();
        var port = TestBalancer.FreePort();
        balancer.Put("/a", [$"HAPROXY_0_PORT={port}", "HAPROXY_0_MODE=" + mode, "HAPROXY_0_SSL_CERT=" + file], backend.Port);
        Assert.Equal("CN=service.test", await SubjectAsync(new IPEndPoint(IPAddress.Loopback, port), "service.test"));
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        using var client = new HttpClient(handler);
        Assert.Equal(mode == "http", (await client.GetStringAsync($"https://127.0.0.1:{port}/")).Contains("x-forwarded-proto: https\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tls_ToServers_VerifiedOnlyWhereAsked()
    {
        await using var backend = await TestBackend.StartAsync("a");
        var file = Certificate("service.pem", "service.test");
        await using var balancer = await StartAsync();
        var port = TestBalancer.FreePort();
        balancer.Put("/tls", [$"HAPROXY_0_PORT={port}", "HAPROXY_0_MODE=http", "HAPROXY_0_SSL_CERT=" + file], backend.Port);
        balancer.Put("/a", ["HAPROXY_0_VHOST=a", "PACER_LB_0_BACKEND_PROTOCOL=https"], port);
        balancer.Put("/b", ["HAPROXY_0_VHOST=b", "PACER_LB_0_BACKEND_PROTOCOL=https-insecure"], port);
        using var strict = balancer.Client(host: "a");
        Assert.Equal(Haproxy ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.BadGateway, (await strict.GetAsync("")).StatusCode);
        using var loose = balancer.Client(host: "b");
        Assert.Equal("a", TestBalancer.BackendOf(await loose.GetAsync("")));
    }

    [Fact]
    public async Task SlowLoris_HeadThatDripsIn_IsEnded()
    {
        await using var balancer = await StartAsync(options => options with { HeadTimeout = TimeSpan.FromSeconds(1) });
        using var drip = new TcpClient();
        await drip.ConnectAsync(balancer["http"].Address, balancer["http"].Port);
        using var silent = new TcpClient();
        await silent.ConnectAsync(balancer["http"].Address, balancer["http"].Port);
        var end = EndOfAsync(drip);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await drip.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n"u8.ToArray());
        while (!end.IsCompleted && clock.Elapsed < TimeSpan.FromSeconds(15))
        {
            try
            {
                await drip.GetStream().WriteAsync("X: y\r\n"u8.ToArray());
            }
            catch (IOException)
            {
                break;
            }
            await Task.Delay(100);
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10));
        Assert.StartsWith("HTTP/1.1 408", await end, StringComparison.Ordinal);
        Assert.Equal("", await EndOfAsync(silent));
    }

    [Fact]
    public async Task Headers_OfAHundredKilobytes_AreRefusedAndTheNextRequestServed()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = balancer.Client(host: "h");
        using var large = new HttpRequestMessage(HttpMethod.Get, "") { Headers = { { "X-Large", new string('x', 100_000) } } };
        Assert.Equal(Haproxy ? HttpStatusCode.BadRequest : HttpStatusCode.RequestHeaderFieldsTooLarge, (await client.SendAsync(large)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
    }

    [Fact]
    public async Task AnyBytes_OnEveryListener_DoNoHarm()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync(options => options with { HeadTimeout = TimeSpan.FromSeconds(1) });
        var port = TestBalancer.FreePort();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", $"HAPROXY_0_PORT={port}", "PACER_LB_0_ACCEPT_PROXY=true"], backend.Port);
        var random = new Random(7);
        byte[][] beginnings = ["GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz"u8.ToArray(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), "PROXY TCP4 x y 1 2\r\n"u8.ToArray(), [0x16, 3, 1, 0, 200, 1], []];
        foreach (var place in new[] { balancer["http"], balancer["https"], balancer["appid"], balancer["status"], new IPEndPoint(IPAddress.Loopback, port) })
        {
            for (var i = 0; i < 20; i++)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(place.Address, place.Port);
                var noise = new byte[random.Next(400)];
                random.NextBytes(noise);
                try
                {
                    await client.GetStream().WriteAsync((byte[])[.. beginnings[i % beginnings.Length], .. noise]);
                }
                catch (IOException)
                {
                    // It had enough already.
                }
            }
        }
        using var sane = balancer.Client(host: "h");
        Assert.Equal(HttpStatusCode.OK, (await sane.GetAsync("")).StatusCode);
        await HttpTests.UntilAsync(async () => (await balancer.Host.View.CountAsync()).Open <= 1);
    }

    private string Certificate(string file, string name, bool keyApart = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        var path = Path.Combine(_directory, file);
        File.WriteAllText(path, certificate.ExportCertificatePem() + "\n" + (keyApart ? "" : key.ExportPkcs8PrivateKeyPem()));
        if (keyApart)
        {
            File.WriteAllText(Path.ChangeExtension(path, ".key"), key.ExportPkcs8PrivateKeyPem());
        }
        return path;
    }

    private static async Task<string> SubjectAsync(IPEndPoint address, string name)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Address, address.Port);
        await using var tls = new SslStream(client.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name });
        return tls.RemoteCertificate!.Subject;
    }

    /// <summary>Everything until the other side ends it.</summary>
    protected static async Task<string> EndOfAsync(TcpClient client)
    {
        try
        {
            using var reader = new StreamReader(client.GetStream(), leaveOpen: true);
            return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(15));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private sealed class EchoServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public EchoServer()
        {
            _listener.Start();
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    var client = await _listener.AcceptTcpClientAsync();
                    _ = Task.Run(async () =>
                    {
                        using (client)
                        {
                            await client.GetStream().CopyToAsync(client.GetStream());
                        }
                    });
                }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();
    }
}
