using System.Net;
using System.Net.Sockets;
using Pacer.Agent.Networks;
using Pacer.Agent.Vips;
using Pacer.Shell.Tests.Networks;

namespace Pacer.Shell.Tests.Vips;

/// <summary>Virtual IPs without the kernel's help, on addresses of the loopback that any process can have.</summary>
public sealed class ProxyVipsTests
{
    [Fact]
    public async Task VirtualIp_PassesOnTcpAndUdp_SkipsDeadBackends_AndKeepsConnections()
    {
        using var one = await TestServer.StartAsync("one");
        using var two = await TestServer.StartAsync("two");
        var vip = $"127.{130 + (Environment.ProcessId % 100)}.7.1";
        var trouble = new List<string?>();
        await using var vips = new ProxyVips(new NetworkTools(), new NetworkNaming($"/tmp/pacer-vips-{Environment.ProcessId}"), TimeProvider.System, trouble.Add);
        // The first of TCP's backends listens nowhere.
        await vips.ApplyAsync(VipPlanTests.Plan((vip, "tcp", 7080, ["127.0.0.1:1", one.Place]), (vip, "udp", 7080, [one.Place])));
        for (var i = 0; i < 4; i++)
        {
            Assert.StartsWith("one", await NetworkLab.AskAsync(null, vip, 7080));
            Assert.StartsWith("one", await NetworkLab.AskAsync(null, vip, 7080, ProtocolType.Udp));
        }
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(new IPEndPoint(IPAddress.Parse(vip), 7080));
        var greeting = new byte[100];
        Assert.NotEqual(0, await client.ReceiveAsync(greeting));

        await vips.ApplyAsync(VipPlanTests.Plan((vip, "tcp", 7080, [two.Place]), (vip, "udp", 7080, [two.Place])));
        Assert.StartsWith("two", await NetworkLab.AskAsync(null, vip, 7080));
        Assert.StartsWith("two", await NetworkLab.AskAsync(null, vip, 7080, ProtocolType.Udp));
        await client.SendAsync("still there?"u8.ToArray());
        Assert.NotEqual(0, await client.ReceiveAsync(greeting));

        await vips.ApplyAsync(VipPlanTests.Plan((vip, "tcp", 7080, []), (vip, "udp", 7080, [])));
        Assert.Null(await NetworkLab.AskAsync(null, vip, 7080, patienceMs: 500));
        Assert.All(trouble, Assert.Null);
    }

    [Fact]
    public async Task AddressInUse_IsSaid_AndHadLater()
    {
        var vip = $"127.{130 + (Environment.ProcessId % 100)}.7.2";
        using var squatter = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        squatter.Bind(new IPEndPoint(IPAddress.Parse(vip), 7081));
        squatter.Listen();
        var trouble = new List<string?>();
        await using var vips = new ProxyVips(new NetworkTools(), new NetworkNaming($"/tmp/pacer-vips-{Environment.ProcessId}"), TimeProvider.System, trouble.Add);
        using var one = await TestServer.StartAsync("one");
        await vips.ApplyAsync(VipPlanTests.Plan((vip, "tcp", 7081, [one.Place])));
        Assert.Contains("another process listens there", trouble[^1]);
        squatter.Dispose();
        await vips.CheckAsync();
        Assert.Null(trouble[^1]);
        Assert.StartsWith("one", await NetworkLab.AskAsync(null, vip, 7081));
    }

    /// <summary>Greets each connection, and answers each message and datagram, with its name.</summary>
    private sealed class TestServer : IDisposable
    {
        private readonly Socket _tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        public string Place => _udp.LocalEndPoint!.ToString()!;

        public static Task<TestServer> StartAsync(string name)
        {
            var server = new TestServer();
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    server._tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                    server._udp.Bind(server._tcp.LocalEndPoint!);
                    break;
                }
                catch (SocketException) when (attempt < 10)
                {
                    server.Dispose();
                    server = new TestServer();
                }
            }
            server._tcp.Listen();
            var text = System.Text.Encoding.ASCII.GetBytes(name);
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    var connection = await server._tcp.AcceptAsync();
                    _ = Task.Run(async () =>
                    {
                        using (connection)
                        {
                            var buffer = new byte[100];
                            do
                            {
                                await connection.SendAsync(text);
                            }
                            while (await connection.ReceiveAsync(buffer) > 0);
                        }
                    });
                }
            });
            _ = Task.Run(async () =>
            {
                var buffer = new byte[100];
                while (true)
                {
                    var got = await server._udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                    await server._udp.SendToAsync(text, got.RemoteEndPoint);
                }
            });
            return Task.FromResult(server);
        }

        public void Dispose()
        {
            _tcp.Dispose();
            _udp.Dispose();
        }
    }
}
