using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using Pacer.Edge.Balancing.Http1;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>Plain HTTP/1.1, byte by byte: what servers get, what clients get, and what is left to the HTTP server.</summary>
public sealed class LaneTests
{
    private const string Added = "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n";

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("GET /a?b=%20 HTTP/1.1\r\nhOsT:  h \r\nX: \r\n\r\n", "GET /a?b=%20 HTTP/1.1\r\nhOsT:  h \r\nX: \r\n")]
    [InlineData("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n")]
    public void Request_Plain_IsPassedOnWithWhereItCameFrom(string asked, string sent)
    {
        var head = new RequestHead("10.0.0.9", 80);
        Assert.True(head.TryRead(Encoding.ASCII.GetBytes(asked)));
        Assert.Equal(sent + Added, Encoding.ASCII.GetString(head.Written.Span));
        Assert.Equal(asked.Length, head.Length + head.BodyLength);
        Assert.Equal(asked.Contains("close", StringComparison.Ordinal), head.Close);
    }

    [Fact]
    public void Request_ThatCameByAnotherProxy_NamesAllClients()
    {
        var head = new RequestHead("10.0.0.9", 80);
        Assert.True(head.TryRead("GET / HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nHost: h\r\n\r\n"u8));
        Assert.Contains("\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8, 10.0.0.9\r\n", Encoding.ASCII.GetString(head.Written.Span));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n")] // not whole
    [InlineData("GET / HTTP/1.0\r\nHost: h\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("get / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /%2e%2e/b HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /#x HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")] // no host
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h/x\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : h\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nA: b\nC: d\r\n\r\n")] // LF alone
    [InlineData("GET / HTTP/1.1\nHost: h\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nA: \u00e4\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\na")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\na")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Secret\r\nX-Secret: 1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")]
    public void Request_Unusual_IsLeftToTheHttpServer(string asked) =>
        Assert.False(new RequestHead("10.0.0.9", 80).TryRead(Encoding.Latin1.GetBytes(asked)));

    [Fact]
    public void Request_AnyBytes_AreNeverReadAsTwo() => Gen.Select(OneOf("GET / HTTP/1.1", "POST /x HTTP/1.1", "GET /\r\nX: y HTTP/1.1"),
        OneOf("Host: h", "Host: h\r", "Content-Length: 2", "Content-Length: 0x2", "Transfer-Encoding: chunked", "Transfer-Encoding:\tchunked", "A: b\n\nC: d", "Connection: close", " a: b", ": b", "x\0: 1").Array[0, 5],
        OneOf("\r\n", "\n", "\r")).Sample((line, fields, end) =>
    {
        var head = new RequestHead("10.0.0.9", 80);
        var asked = line + end + string.Concat(fields.Select(field => field + end)) + end + "ab";
        if (head.TryRead(Encoding.ASCII.GetBytes(asked)))
        {
            var sent = Encoding.ASCII.GetString(head.Written.Span);
            Assert.Equal(sent.Length - 4, sent.IndexOf("\r\n\r\n", StringComparison.Ordinal));
            Assert.DoesNotContain("chunked", sent);
            Assert.Equal(sent.Split('\n').Length, sent.Split("\r\n").Length);
        }
    }, iter: 5_000);

    [Fact]
    public void Chunks_InAnyPieces_EndWhereTheyEnd() => Gen.Select(Gen.String[Gen.Char['a', 'z'], 0, 40].Array[0, 6], Gen.Int[1, 9], Gen.Bool, Gen.Bool).Sample((parts, piece, trailer, after) =>
    {
        var body = string.Concat(parts.Where(part => part.Length > 0).Select(part => $"{part.Length:x};e=1\r\n{part}\r\n")) + "0\r\n" + (trailer ? "T: v\r\n" : "") + "\r\n";
        var bytes = Encoding.ASCII.GetBytes(body + (after ? "HTTP/1.1 200 OK" : ""));
        var scanner = new ChunkScanner();
        var taken = 0;
        for (var at = 0; at < bytes.Length; at += piece)
        {
            taken += scanner.Scan(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)));
        }
        Assert.True(scanner.IsOver);
        Assert.Equal(body.Length, taken);
    });

    [Theory]
    [InlineData("x\r\n")]
    [InlineData("\r\n")]
    [InlineData("5\r5\nabcde")]
    [InlineData("2\r\nabc")]
    [InlineData("ffffffffffffffffff\r\n")]
    public void Chunks_Malformed_AreNoticed(string body) => Assert.Equal(-1, new ChunkScanner().Scan(Encoding.ASCII.GetBytes(body)));

    // Server's words; what the client gets, without the date; whether the server is asked again on the same connection.
    public static TheoryData<string, string, bool> Answers => new()
    {
        { "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX: y\r\n\r\nab", "HTTP/1.1 200 Fine\r\nX: y\r\nContent-Length: 2\r\n\r\nab", true },
        { "HTTP/1.1 200 Fine\nContent-Length: 2\n\nab", "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nab", true },
        { "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n", "HTTP/1.1 204 None\r\n\r\n", true },
        { "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", true },
        { "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: v\r\n\r\n", "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: v\r\n\r\n", true },
        { "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true },
        { "HTTP/1.1 200 Fine\r\nConnection: close\r\nKeep-Alive: 5\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 Fine\r\nContent-Length: 1\r\n\r\na", false },
        { "HTTP/1.0 200 Fine\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 Fine\r\nContent-Length: 1\r\n\r\na", false },
        { "HTTP/1.1 200 Fine\r\nContent-Length: 1\r\n\r\nabc", "HTTP/1.1 200 Fine\r\nContent-Length: 1\r\n\r\na", false },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Answer_InAnyPieces_ComesThroughAndTheConnectionIsKept(string said, string heard, bool kept)
    {
        using var server = new RawServer(said);
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port);
        using var client = await ConnectAsync(balancer);
        foreach (var piece in (int[])[1000, 1, 7])
        {
            server.Piece = piece;
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            Assert.Equal(heard, await ReadAsync(client, heard));
        }
        Assert.Equal(kept ? 1 : 3, server.Connections);
    }

    [Fact]
    public async Task Answer_WithoutALength_EndsWithTheConnection()
    {
        using var server = new RawServer("HTTP/1.1 200 Fine\r\n\r\nall of it") { Closes = true };
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port);
        using var client = await ConnectAsync(balancer);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        var answer = await ToEndAsync(client);
        Assert.StartsWith("HTTP/1.1 200 Fine\r\nDate: ", answer);
        Assert.EndsWith("GMT\r\nConnection: close\r\n\r\nall of it", answer);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 Fine\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 Fine\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 Fine\r\nbroken line\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Other\r\nUpgrade: x\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH\r\n")]
    public async Task Answer_ThatMakesNoSense_Gets502(string said)
    {
        using var server = new RawServer(said);
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port);
        using var client = await ConnectAsync(balancer);
        await client.GetStream().WriteAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"u8.ToArray());
        var answer = await ToEndAsync(client);
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", answer);
        Assert.Contains("Connection: close\r\n", answer);
        Assert.EndsWith("</html>\n", answer);
    }

    [Fact]
    public async Task Answer_TooLate_Gets504AndTheServerIsLeft()
    {
        using var server = new RawServer("");
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h", "PACER_LB_0_TIMEOUT=1s"], server.Port);
        using var client = await ConnectAsync(balancer);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 504 Gateway Timeout\r\n", await ToEndAsync(client));
        await HttpTests.UntilAsync(() => Task.FromResult(balancer.Host.Routes.Current.Pools["/web:0"].Servers[0].Load.Active == 0));
    }

    [Fact]
    public async Task Client_ThatLeaves_LeavesTheServerToo()
    {
        using var server = new RawServer("");
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port);
        var load = balancer.Host.Routes.Current.Pools["/web:0"].Servers[0].Load;
        using (var client = await ConnectAsync(balancer))
        {
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            await HttpTests.UntilAsync(() => Task.FromResult(server.Requests.Count == 1));
            Assert.Equal(1, load.Active);
        }
        await HttpTests.UntilAsync(() => Task.FromResult(load.Active == 0 && server.Left == 1));
    }

    [Fact]
    public async Task Requests_Pipelined_AreAnsweredInTheirOrder_TheUnusualOnesToo()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = await ConnectAsync(balancer);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
            + "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
            + "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            + "GET /%34 HTTP/1.1\r\nHost: h\r\n\r\n"
            + "GET /5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        await ToEndAsync(client);
        Assert.Equal(["GET /1", "POST /2", "POST /3", "GET /%34", "GET /5"], backend.Requests);
    }

    [Fact]
    public async Task Request_InPieces_IsServed()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = await ConnectAsync(balancer);
        client.NoDelay = true;
        foreach (var b in "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"u8.ToArray())
        {
            await client.GetStream().WriteAsync((byte[])[b]);
        }
        Assert.EndsWith("\n\nabc\r\n0\r\n\r\n", await ToEndAsync(client));
    }

    [Fact]
    public async Task Server_ThatClosesKeptConnections_CostsNoRequest()
    {
        using var server = new RawServer("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nab") { ClosesLater = true };
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port);
        using var client = balancer.Client(host: "h");
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal("ab", await client.GetStringAsync(i.ToString()));
        }
    }

    [Fact]
    public async Task Server_ThatDrains_IsLeftAtOnce()
    {
        using var server = new RawServer("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nab");
        await using var balancer = await TestBalancer.StartAsync();
        var task = balancer.Put("/web", ["HAPROXY_0_VHOST=h"], server.Port)[0];
        var idle = balancer.Host.Routes.Current.Pools["/web:0"].Servers[0].Load.Idle;
        using var client = balancer.Client(host: "h");
        await client.GetStringAsync("");
        await HttpTests.UntilAsync(() => Task.FromResult(idle.Count == 1));
        task.Draining = true;
        balancer.Apply();
        Assert.Equal(0, idle.Count);
        await HttpTests.UntilAsync(() => Task.FromResult(server.Left == 1));
        await client.GetStringAsync(""); // the only one there is: it still serves
        await HttpTests.UntilAsync(() => Task.FromResult(server.Left == 2));
        task.Draining = false;
        balancer.Apply();
        await client.GetStringAsync("");
        await HttpTests.UntilAsync(() => Task.FromResult(idle.Count == 1));
    }

    [Fact]
    public async Task LongAnswers_ToAClientThatReadsSlowly_AreWhole()
    {
        await using var backend = await TestBackend.StartAsync("a");
        await using var balancer = await TestBalancer.StartAsync();
        balancer.Put("/web", ["HAPROXY_0_VHOST=h"], backend.Port);
        using var client = balancer.Client(host: "h");
        using var answer = await client.GetAsync("bytes?20000000", HttpCompletionOption.ResponseHeadersRead);
        var stream = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[100_000];
        long sum = 0;
        for (int count; (count = await stream.ReadAsync(buffer)) > 0; sum += count)
        {
            await Task.Yield();
        }
        Assert.Equal(20_000_000, sum);
    }

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static async Task<TcpClient> ConnectAsync(TestBalancer balancer)
    {
        var client = new TcpClient();
        await client.ConnectAsync(balancer["http"]);
        return client;
    }

    private static async Task<string> ToEndAsync(TcpClient client)
    {
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>As many bytes as expected, without the date.</summary>
    private static async Task<string> ReadAsync(TcpClient client, string expected)
    {
        var date = $"Date: {DateTimeOffset.UtcNow:R}\r\n".Length;
        var buffer = new byte[expected.Length + date];
        await client.GetStream().ReadExactlyAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        var text = Encoding.ASCII.GetString(buffer);
        var start = text.IndexOf("Date: ", StringComparison.Ordinal);
        Assert.True(start > 0, text);
        return text.Remove(start, date);
    }

    /// <summary>Answers each request with the same bytes.</summary>
    private sealed class RawServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly byte[] _answer;
        private int _connections;
        private int _left;

        public RawServer(string answer)
        {
            _answer = Encoding.ASCII.GetBytes(answer);
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>Bytes it writes at a time.</summary>
        public int Piece { get; set; } = 1000;

        public bool Closes { get; init; }

        /// <summary>After each answer, a moment later.</summary>
        public bool ClosesLater { get; init; }

        public int Connections => Volatile.Read(ref _connections);

        /// <summary>Connections that its clients ended.</summary>
        public int Left => Volatile.Read(ref _left);

        public ConcurrentQueue<string> Requests { get; } = new();

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    _ = ServeAsync(await _listener.AcceptTcpClientAsync());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The end.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            Interlocked.Increment(ref _connections);
            using (client)
            {
                client.NoDelay = true;
                var stream = client.GetStream();
                var buffer = new byte[10_000];
                try
                {
                    while (await stream.ReadAsync(buffer) is var count and > 0)
                    {
                        Requests.Enqueue(Encoding.ASCII.GetString(buffer, 0, count));
                        var piece = Piece; // the test may change it as soon as it has the answer
                        for (var at = 0; at < _answer.Length; at += piece)
                        {
                            await stream.WriteAsync(_answer.AsMemory(at, Math.Min(piece, _answer.Length - at)));
                        }
                        if (Closes || ClosesLater)
                        {
                            return;
                        }
                    }
                }
                catch (IOException)
                {
                    // Reset.
                }
                Interlocked.Increment(ref _left);
            }
        }
    }
}
