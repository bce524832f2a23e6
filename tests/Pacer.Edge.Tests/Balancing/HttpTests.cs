using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Pacer.Edge.Balancing.Http;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>With the data path of Pacer itself.</summary>
public sealed class EmbeddedHttpTests : HttpTests
{
    protected override bool Haproxy => false;
}

/// <summary>With HAProxy between clients and servers.</summary>
public sealed class HaproxyHttpTests : HttpTests
{
    protected override bool Haproxy => true;
}

/// <summary>HTTP through a balancer: real sockets, real servers.</summary>
public abstract class HttpTests
{
    protected abstract bool Haproxy { get; }

    private Task<TestBalancer> StartAsync(Func<Pacer.Edge.Balancing.BalancerOptions, Pacer.Edge.Balancing.BalancerOptions>? change = null) => TestBalancer.StartAsync(change, Haproxy);

    [Fact]
    public async Task Request_ForAHost_ReachesItsAppAsItWasSent()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/shop", ["HAPROXY_0_VHOST=shop.test"], backend.Port);
        using var client = balancer.Client(host: "shop.test:8080");
        using var request = new HttpRequestMessage(HttpMethod.Post, "a%2Fb/c?x=%20y&z") { Content = new StringContent("body") };
        request.Headers.Add("X-Forwarded-For", "1.2.3.4");
        request.Headers.Add("X-Forwarded-Proto", "https");
        using var answer = await client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.StartsWith("POST /a%2Fb/c?x=%20y&z HTTP/1.1\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n\nbody", text, StringComparison.Ordinal);
        Assert.Contains("\nhost: shop.test:8080\n", text, StringComparison.Ordinal);
        Assert.Matches("\nx-forwarded-for: 1\\.2\\.3\\.4, ?127\\.0\\.0\\.1\n", text);
        Assert.Contains("\nx-forwarded-proto: http\n", text, StringComparison.Ordinal);
        Assert.Contains($"\nx-forwarded-port: {balancer["http"].Port}\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_ForNobody_Gets503()
    {
        await using var balancer = await StartAsync();
        balancer.Put("/empty", ["HAPROXY_0_VHOST=empty.test"]);
        foreach (var host in new[] { "other.test", "empty.test" })
        {
            using var client = balancer.Client(host: host);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("")).StatusCode);
        }
    }

    [Fact]
    public async Task AppIdHeader_LeadsToTheApp()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/team/shop", ["HAPROXY_0_MODE=http"], backend.Port);
        using var client = balancer.Client("appid");
        using var request = new HttpRequestMessage(HttpMethod.Get, "") { Headers = { { "X-Marathon-App-Id", "/Team/shop" } } };
        Assert.Equal("a", TestBalancer.BackendOf(await client.SendAsync(request)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("")).StatusCode);
    }

    [Fact]
    public async Task ServicePort_OfAnApp_ComesMovesAndGoes()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        var (first, second) = (TestBalancer.FreePort(), TestBalancer.FreePort());
        balancer.Put("/a", ["HAPROXY_0_MODE=http", $"HAPROXY_0_PORT={first}"], backend.Port);
        using var client = new HttpClient { DefaultRequestHeaders = { ConnectionClose = true } };
        Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync($"http://127.0.0.1:{first}/")));
        balancer.Put("/a", ["HAPROXY_0_MODE=http", $"HAPROXY_0_PORT={second}"], backend.Port);
        Assert.Equal("a", TestBalancer.BackendOf(await client.GetAsync($"http://127.0.0.1:{second}/")));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync($"http://127.0.0.1:{first}/"));
        // The same port may change between HTTP and TCP.
        balancer.Put("/a", ["HAPROXY_0_MODE=tcp", $"HAPROXY_0_PORT={second}"], backend.Port);
        Assert.DoesNotContain("x-forwarded-for", await client.GetStringAsync($"http://127.0.0.1:{second}/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServicePort_Taken_IsSaidAndTriedAgain()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        var blocker = new TcpListener(IPAddress.Loopback, 0);
        blocker.Start();
        var port = ((IPEndPoint)blocker.LocalEndpoint).Port;
        balancer.Put("/a", ["HAPROXY_0_MODE=http", $"HAPROXY_0_PORT={port}"], backend.Port);
        Assert.Equal($"Port 0: 127.0.0.1:{port} can't be listened on: another process listens there. HAPROXY_0_PORT chooses another.", Assert.Single(balancer.Host.View.Warnings).Text);
        blocker.Stop();
        using var client = new HttpClient();
        await UntilAsync(async () =>
        {
            try
            {
                return TestBalancer.BackendOf(await client.GetAsync($"http://127.0.0.1:{port}/")) == "a";
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        Assert.Empty(balancer.Host.View.Warnings);
    }

    [Theory]
    [InlineData("roundrobin", "abcabcabc")]
    [InlineData("first", "aaaaaaaaa")]
    public async Task Balance_InOrder_ChoosesAsItSays(string algorithm, string expected)
    {
        await using var servers = await ThreeServers.StartAsync();
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", "HAPROXY_0_BALANCE=" + algorithm], servers.Ports);
        using var client = balancer.Client(host: "h");
        var seen = "";
        for (var i = 0; i < 9; i++)
        {
            seen += TestBalancer.BackendOf(await client.GetAsync(""));
        }
        // Servers are in the order of their ports, which nobody chose.
        Assert.Equal(expected.Distinct().Count(), seen.Distinct().Count());
        Assert.Equal(expected.GroupBy(c => c).Select(group => group.Count()), seen.GroupBy(c => c).Select(group => group.Count()));
    }

    [Theory]
    [InlineData("uri", "x?{0}", "{0}")]
    [InlineData("url_param user", "?user=1&t={0}", "?user={0}")]
    [InlineData("hdr(X-User)", "{0}", null)]
    public async Task Balance_ByKey_KeepsAKeyTogetherAndSpreadsKeys(string algorithm, string same, string? different)
    {
        await using var servers = await ThreeServers.StartAsync();
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", "HAPROXY_0_BALANCE=" + algorithm], servers.Ports);
        using var client = balancer.Client(host: "h");
        HashSet<string> together = [], spread = [];
        for (var i = 0; i < 30; i++)
        {
            using var one = new HttpRequestMessage(HttpMethod.Get, string.Format(System.Globalization.CultureInfo.InvariantCulture, same, i)) { Headers = { { "X-User", "1" } } };
            together.Add(TestBalancer.BackendOf(await client.SendAsync(one)));
            using var other = new HttpRequestMessage(HttpMethod.Get, string.Format(System.Globalization.CultureInfo.InvariantCulture, different ?? "", i)) { Headers = { { "X-User", $"{i}" } } };
            spread.Add(TestBalancer.BackendOf(await client.SendAsync(other)));
        }
        Assert.Single(together);
        Assert.Equal(3, spread.Count);
    }

    [Fact]
    public async Task LeastConnections_BusyServer_IsPassedOver()
    {
        await using var servers = await ThreeServers.StartAsync();
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", "HAPROXY_0_BALANCE=leastconn"], servers.Ports);
        using var client = balancer.Client(host: "h");
        var slow = client.GetAsync("slow?2000");
        await UntilAsync(() => Task.FromResult(servers.All.Any(server => !server.Requests.IsEmpty)));
        var busy = servers.All.First(server => !server.Requests.IsEmpty).Name;
        for (var i = 0; i < 10; i++)
        {
            Assert.NotEqual(busy, TestBalancer.BackendOf(await client.GetAsync("")));
        }
        Assert.Equal(busy, TestBalancer.BackendOf(await slow));
    }

    [Fact]
    public async Task Weights_OfTwoApps_SplitTheirRequests()
    {
        await using var a = await TestBackend.StartAsync("a");
        await using var b = await TestBackend.StartAsync("b");
        await using var balancer = await StartAsync();
        balancer.Put("/shop-1", ["HAPROXY_DEPLOYMENT_GROUP=shop", "HAPROXY_DEPLOYMENT_TARGET_INSTANCES=2", "HAPROXY_0_VHOST=h", "PACER_LB_WEIGHT=9"], a.Port);
        balancer.Put("/shop-2", ["HAPROXY_DEPLOYMENT_GROUP=shop", "HAPROXY_DEPLOYMENT_TARGET_INSTANCES=2", "HAPROXY_0_VHOST=h", "PACER_LB_WEIGHT=1"], b.Port);
        using var client = balancer.Client(host: "h");
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
        }
        Assert.Equal(100, a.Requests.Count + b.Requests.Count);
        Assert.InRange(b.Requests.Count, 9, 11);
    }

    [Fact]
    public async Task Sticky_Client_StaysWithItsServerWhileThatIsUp()
    {
        await using var servers = await ThreeServers.StartAsync();
        await using var balancer = await StartAsync();
        var tasks = balancer.Put("/a", ["HAPROXY_0_VHOST=h", "HAPROXY_0_STICKY=true"], servers.Ports);
        using var client = balancer.Client(host: "h");
        using var first = await client.GetAsync("");
        var cookie = first.Headers.GetValues("Set-Cookie").Single();
        Assert.Matches("^mesosphere_server_id=[0-9a-f]{10}; path=/$", cookie);
        client.DefaultRequestHeaders.Add("Cookie", "other=1; " + cookie.Split(';')[0]);
        for (var i = 0; i < 6; i++)
        {
            using var next = await client.GetAsync("");
            Assert.Equal(TestBalancer.BackendOf(first), TestBalancer.BackendOf(next));
            Assert.False(next.Headers.Contains("Set-Cookie"));
            Assert.Contains("\ncookie: other=1\n", await next.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        tasks.Single(task => task.Ports[0].HostPort == servers.All.Single(server => server.Name == TestBalancer.BackendOf(first)).Port).Draining = true;
        balancer.Apply();
        using var moved = await client.GetAsync("");
        Assert.NotEqual(TestBalancer.BackendOf(first), TestBalancer.BackendOf(moved));
        Assert.True(moved.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Labels_ForAnswers_DoWhatTheySay()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=a", "HAPROXY_0_REDIRECT_TO_HTTPS=true", "HAPROXY_0_USE_HSTS=true"], backend.Port);
        balancer.Put("/b", ["HAPROXY_0_VHOST=b", "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL=10.0.0.0/8"], backend.Port);
        balancer.Put("/c", ["HAPROXY_0_VHOST=c", "HAPROXY_0_HTTP_BACKEND_REDIR=/my/content"], backend.Port);
        balancer.Put("/d", ["HAPROXY_0_VHOST=d", "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH=/test", "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH=/test"], backend.Port);
        balancer.Put("/e", ["HAPROXY_0_VHOST=e", "PACER_LB_MAINTENANCE=true"], backend.Port);
        balancer.Put("/f", ["HAPROXY_0_VHOST=f", "HAPROXY_0_BACKEND_HTTP_OPTIONS=http-request set-header X-Zone north\nhttp-response set-header X-Seen yes\nhttp-response del-header X-Backend"], backend.Port);
        using var client = balancer.Client();

        Assert.Equal($"https://a:{balancer["https"].Port}/x?y=1", (await SendAsync("a", "x?y=1")).Headers.Location!.ToString());
        Assert.Equal(HttpStatusCode.MovedPermanently, (await SendAsync("a", "")).StatusCode);
        using (var tls = balancer.Client("https", "a"))
        {
            Assert.Equal("max-age=15768000", (await tls.GetAsync("")).Headers.GetValues("Strict-Transport-Security").Single());
        }
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync("b", "")).StatusCode);
        Assert.Equal("/my/content", (await SendAsync("c", "")).Headers.Location!.ToString());
        Assert.Equal(HttpStatusCode.OK, (await SendAsync("c", "x")).StatusCode);
        Assert.StartsWith("GET /a HTTP/1.1", await (await SendAsync("d", "test/a")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.StartsWith("GET /testing HTTP/1.1", await (await SendAsync("d", "testing")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("/test/to/here?x=1", (await SendAsync("d", "test/moved")).Headers.Location!.ToString());
        using var away = await SendAsync("e", "");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "60"), (away.StatusCode, away.Headers.RetryAfter!.ToString()));
        using var edited = await SendAsync("f", "");
        Assert.Equal("yes", edited.Headers.GetValues("X-Seen").Single());
        Assert.False(edited.Headers.Contains("X-Backend"));
        Assert.Contains("\nx-zone: north\n", await edited.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        async Task<HttpResponseMessage> SendAsync(string host, string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = host } };
            return await client.SendAsync(request);
        }
    }

    [Fact]
    public async Task Auth_OnEveryListener_AsksForThePassword()
    {
        Assert.SkipUnless(File.Exists("/lib/x86_64-linux-gnu/libcrypt.so.1") || Crypt.Verify("test", "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0"), "needs libcrypt");
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        var port = TestBalancer.FreePort();
        // openssl passwd -1 -salt abcdefgh test
        balancer.Put("/a", ["HAPROXY_0_VHOST=a", "HAPROXY_0_AUTH=Zone:bob:$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", $"HAPROXY_0_PORT={port}"], backend.Port);
        foreach (var client in new[] { balancer.Client(host: "a"), balancer.Client("https", "a"), balancer.Client("appid"), new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") } })
        {
            using (client)
            {
                client.DefaultRequestHeaders.Add("X-Marathon-App-Id", "/a");
                using var asked = await client.GetAsync("");
                Assert.Equal((HttpStatusCode.Unauthorized, "Basic realm=\"Zone\""), (asked.StatusCode, asked.Headers.WwwAuthenticate.ToString()));
                client.DefaultRequestHeaders.Authorization = TestBalancer.Basic("bob", "wrong");
                Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("")).StatusCode);
                client.DefaultRequestHeaders.Authorization = TestBalancer.Basic("bob", "test");
                Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
                Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
            }
        }
    }

    [Fact]
    public async Task Servers_ThatAreGone_CostNoRequest()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], TestBalancer.FreePort(), backend.Port, TestBalancer.FreePort());
        using var client = balancer.Client(host: "h");
        for (var i = 0; i < 20; i++)
        {
            using var answer = await client.PostAsync("", new StringContent("body"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.EndsWith("\n\nbody", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        var numbers = await balancer.NumbersAsync("/a:0");
        Assert.InRange(numbers.Retries, 1, Haproxy ? 60 : 6); // the embedded data path lets those that failed rest a while
        Assert.DoesNotContain(numbers.Answers.Index(), answers => answers is { Index: 5, Item: > 0 });
    }

    [Fact]
    public async Task AllServersGone_ComeBackWhileTheClientWaits_NoRequestFails()
    {
        await using var balancer = await StartAsync();
        var port = TestBalancer.FreePort();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], port);
        using var client = balancer.Client(host: "h");
        var asked = client.GetAsync("");
        await UntilAsync(async () => (await balancer.NumbersAsync("/a:0")).Retries > 0);
        await using var backend = await TestBackend.StartAsync("a", port: port);
        Assert.Equal("a", TestBalancer.BackendOf(await asked));
    }

    [Fact]
    public async Task Server_EndsWithoutAnAnswer_SafeRequestsGoToAnotherAndOthersFailClearly()
    {
        // HAProxy copies each request that it may have to repeat: it does so where a label asks for it (docs/load-balancing.md).
        const string Repeat = @"HAPROXY_0_BACKEND_HTTP_OPTIONS=retry-on conn-failure empty-response\nhttp-request disable-l7-retry unless { method GET HEAD OPTIONS }";
        using var rude = new RudeServer();
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", .. Haproxy ? [Repeat] : Array.Empty<string>()], rude.Port, backend.Port);
        using var client = balancer.Client(host: "h");
        var posts = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            for (var gets = i == 3 ? 2 : 1; gets > 0; gets--) // each kind gets to each server, whose turn it is
            {
                Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
            }
            try
            {
                posts.Add((await client.PostAsync("", new StringContent("x"))).StatusCode);
            }
            catch (HttpRequestException) when (Haproxy)
            {
                posts.Add(HttpStatusCode.BadGateway); // on a connection that has had requests it ends that without a word, and browsers ask again
            }
        }
        Assert.Contains(HttpStatusCode.BadGateway, posts);
        Assert.All(posts, status => Assert.True(status is HttpStatusCode.BadGateway or HttpStatusCode.OK));
    }

    [Fact]
    public async Task Server_EndsInTheMiddle_TheClientSeesThatItIsCut()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = balancer.Client(host: "h");
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("cut"));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("")).StatusCode);
    }

    [Fact]
    public async Task Server_TooSlow_Gets504()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", "PACER_LB_0_TIMEOUT=200ms"], backend.Port);
        using var client = balancer.Client(host: "h");
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await client.GetAsync("slow?5000")).StatusCode);
    }

    [Fact]
    public async Task Maxconn_MoreAtOnce_WaitTheirTurn()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", "PACER_LB_0_MAXCONN=2"], backend.Port);
        using var client = balancer.Client(host: "h");
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => client.GetAsync("slow?50")));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(2, backend.MostAtOnce);
        Assert.Equal(0, (await balancer.NumbersAsync("/a:0")).Queued);
    }

    [Fact]
    public async Task WebSocketAndEvents_RoutesChange_GoOn()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var other = await TestBackend.StartAsync("b");
        await using var balancer = await StartAsync();
        var tasks = balancer.Put("/a", ["HAPROXY_0_VHOST=127.0.0.1"], backend.Port);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{balancer["http"]}/ws"), CancellationToken.None);
        using var client = balancer.Client(host: "127.0.0.1");
        using var request = new HttpRequestMessage(HttpMethod.Get, "events") { Headers = { { "Accept", "text/event-stream" } } };
        using var events = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await events.Content.ReadAsStreamAsync());
        for (var round = 0; round < 20; round++)
        {
            balancer.Put("/other", [$"HAPROXY_0_VHOST=h{round}"], other.Port);
            tasks[0].Draining = round % 2 == 0;
            balancer.Apply();
            await socket.SendAsync(Encoding.UTF8.GetBytes($"hello {round}"), WebSocketMessageType.Text, true, CancellationToken.None);
            var buffer = new byte[100];
            var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
            Assert.Equal($"hello {round}", Encoding.UTF8.GetString(buffer, 0, received.Count));
            Assert.NotNull(await lines.ReadLineAsync());
        }
        balancer.Remove(tasks[0]);
        await socket.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        Assert.Equal(10, (await socket.ReceiveAsync(new byte[100], CancellationToken.None)).Count);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    [Fact]
    public async Task Draining_TooLong_ItsLongConnectionsAreCut()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync(options => options with { DrainTimeout = TimeSpan.FromMilliseconds(100) });
        var tasks = balancer.Put("/a", ["HAPROXY_0_VHOST=127.0.0.1"], backend.Port);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{balancer["http"]}/ws"), CancellationToken.None);
        balancer.Remove(tasks[0]);
        await Assert.ThrowsAnyAsync<WebSocketException>(() => socket.ReceiveAsync(new byte[10], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Grpc_OverHttp2_StreamsBothWaysAndKeepsTrailers(string kind)
    {
        await using var backend = await TestBackend.StartAsync("a", HttpProtocols.Http2);
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h", .. Haproxy ? ["PACER_LB_0_BACKEND_PROTOCOL=h2c"] : Array.Empty<string>()], backend.Port);
        using var client = balancer.Client(kind, "h", HttpVersion.Version20);
        var pipe = new System.IO.Pipelines.Pipe();
        using var request = new HttpRequestMessage(HttpMethod.Post, "grpc") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new FlushingContent(pipe.Reader) };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.TE.Add(new("trailers"));
        await pipe.Writer.WriteAsync("one"u8.ToArray());
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[100];
        Assert.Equal(3, await body.ReadAsync(buffer));
        await pipe.Writer.WriteAsync("three"u8.ToArray());
        Assert.Equal(5, await body.ReadAsync(buffer));
        await pipe.Writer.CompleteAsync();
        Assert.Equal(0, await body.ReadAsync(buffer));
        Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal(HttpVersion.Version20, answer.Version);
    }

    [Fact]
    public async Task Http2_ToServersThatSpeakHttp1_IsTranslated()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = balancer.Client("https", "h", HttpVersion.Version20);
        Assert.StartsWith("GET /x HTTP/1.1\n", await client.GetStringAsync("x"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RoutesChange_UnderLoad_NoRequestFails()
    {
        await using var servers = await ThreeServers.StartAsync();
        await using var balancer = await StartAsync();
        balancer.Put("/a", ["HAPROXY_0_VHOST=h"], servers.Ports);
        using var client = balancer.Client(host: "h");
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var load = Enumerable.Range(0, 8).Select(async _ =>
        {
            var served = 0;
            while (!over.IsCancellationRequested)
            {
                using var answer = await client.GetAsync("bytes?1000", CancellationToken.None);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                served++;
            }
            return served;
        }).ToList();
        var changes = 0;
        while (!over.IsCancellationRequested)
        {
            balancer.Put("/a", ["HAPROXY_0_VHOST=h", $"HAPROXY_0_BACKEND_WEIGHT={changes}"], servers.Ports[(changes % 3)..((changes++ % 3) + 1)]);
            await Task.Delay(5);
        }
        Assert.True((await Task.WhenAll(load)).Sum() > 100);
        Assert.True(changes > 50);
    }

    internal static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var patience = 0; patience < 200; patience++)
        {
            if (await condition())
            {
                return;
            }
            await Task.Delay(50);
        }
        Assert.Fail("it did not come about in 10 s");
    }

    /// <summary>Sends what comes when it comes, as clients of gRPC do.</summary>
    private sealed class FlushingContent(System.IO.Pipelines.PipeReader reader) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            System.IO.Pipelines.ReadResult read;
            do
            {
                read = await reader.ReadAsync();
                foreach (var part in read.Buffer)
                {
                    await stream.WriteAsync(part);
                }
                await stream.FlushAsync();
                reader.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>Reads a request and hangs up.</summary>
    internal sealed class RudeServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public RudeServer()
        {
            _listener.Start();
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    using var client = await _listener.AcceptSocketAsync();
                    await client.ReceiveAsync(new byte[4096]);
                }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();
    }

    private sealed class ThreeServers : IAsyncDisposable
    {
        public List<TestBackend> All { get; } = [];

        public int[] Ports => [.. All.Select(server => server.Port)];

        public static async Task<ThreeServers> StartAsync()
        {
            var three = new ThreeServers();
            foreach (var name in new[] { "a", "b", "c" })
            {
                three.All.Add(await TestBackend.StartAsync(name));
            }
            return three;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var server in All)
            {
                await server.DisposeAsync();
            }
        }
    }
}
