using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Edge.Dns;

namespace Pacer.Scenarios;

public sealed class DiscoveryScenarios(TwoNodes cluster) : Scenario<TwoNodes>(cluster)
{
    [Fact(DisplayName = "SYS-NET-03: an app reaches another by its DNS name")]
    public async Task SYS_NET_03()
    {
        var options = new DnsOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Forward = false };
        await using var dns = await DnsHost.StartAsync(options, Cluster.Http.BaseAddress!, NullLogger.Instance);
        await dns.Ready;
        await Cluster.DeployAsync(App("/pong", "printf pong > ping && exec python3 -m http.server $PORT0", "\"portDefinitions\":[{\"port\":0}]"));
        // Asks for the service by name for each request, and passes it on to where the answer says.
        var relay = $$"""
            exec python3 -c '
            import http.server, os, socket, struct, urllib.request
            name = "_pong._tcp.marathon.mesos"
            class Relay(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    asking.settimeout(5)
                    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"
                    asking.sendto(struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + labels + struct.pack(">HH", 33, 1), ("127.0.0.1", {{dns.Addresses[0].Port}}))
                    answer = asking.recv(512)
                    port = struct.unpack(">H", answer[12 + len(labels) + 4 + 16:][:2])[0]
                    address = socket.inet_ntoa(answer[-4:])
                    body = urllib.request.urlopen("http://%s:%d/ping" % (address, port)).read()
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(body)
            http.server.HTTPServer(("", int(os.environ["PORT0"])), Relay).serve_forever()
            '
            """;
        await Cluster.DeployAsync(App("/relay", relay, "\"portDefinitions\":[{\"port\":0}]"));
        var port = (await Cluster.TasksAsync("/relay"))[0]["ports"]![0]!.GetValue<int>();
        using var http = new HttpClient();
        await Waiting.UntilAsync(async () =>
        {
            try
            {
                return await http.GetStringAsync($"http://127.0.0.1:{port}/") == "pong";
            }
            catch (HttpRequestException)
            {
                return false; // it runs, but does not listen yet
            }
        }, "pong comes back");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)] // its DNS server is on the loopback only
    public async Task NamesOfApps_AreKnownInContainersOnTheNodesNetwork(int number)
    {
        var node = Cluster.Nodes[number - 1];
        Assert.SkipWhen(node.Agent.ResolverAddress is null, "networks need root and nftables");
        var options = new DnsOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Resolver = number == 1 ? node.Agent.ResolverAddress : null, Forward = false };
        await using var dns = await DnsHost.StartAsync(options, Cluster.Http.BaseAddress!, NullLogger.Instance);
        Assert.Equal(number == 1, dns.ResolverAddress is not null);
        await dns.Ready;
        await node.Agent.UseDnsAsync(dns.Addresses[0], dns.ResolverAddress);
        await Cluster.DeployAsync(App("/named", "exec sleep 1000"));
        await Cluster.DeployAsync(App("/asking", """
            until python3 -c 'import socket; print(socket.gethostbyname("named.marathon.mesos"))' > answer; do sleep 0.2; done; mv answer answered; exec sleep 1000
            """, $$""" "constraints":[["hostname","CLUSTER","{{node.Name}}"]] """));
        var answered = Path.Combine(node.Options.WorkDir, "sandboxes", Assert.Single(await Cluster.RunningAsync("/asking")), "answered");
        await Waiting.UntilAsync(() => Task.FromResult(File.Exists(answered)), "the name was found");
        Assert.Equal(IPAddress.Loopback.ToString(), (await File.ReadAllTextAsync(answered)).Trim());
    }

    [Fact(DisplayName = "SYS-NET-01: an app with a VIP label on its port definition answers on the name of its virtual IP")]
    public async Task SYS_NET_01()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/nft"), "virtual IPs with addresses of their own need root and nftables");
        await using var dns = await DnsHost.StartAsync(new DnsOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Forward = false }, Cluster.Http.BaseAddress!, NullLogger.Instance);
        var name = $"scenario{Environment.ProcessId}";
        await Cluster.DeployAsync(App("/vip", "printf pong > ping && exec python3 -m http.server $PORT0", $$$"""
            "portDefinitions":[{"port":0,"labels":{"VIP_0":"/{{{name}}}:7080"}}]
            """));
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(await LookUpAsync(dns.Addresses[0], context.DnsEndPoint.Host), context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        await Waiting.UntilAsync(async () =>
        {
            try
            {
                return await http.GetStringAsync($"http://{name}.marathon.l4lb.thisdcos.directory:7080/ping") == "pong";
            }
            catch (HttpRequestException)
            {
                return false; // it runs, but does not listen yet, or the node has not heard of it
            }
        }, "pong comes back");
    }

    /// <summary>The first address of a name.</summary>
    private static async Task<IPAddress> LookUpAsync(IPEndPoint server, string name)
    {
        using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        byte[] question = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. label.Select(c => (byte)c)]), 0, 0, 1, 0, 1];
        await socket.SendToAsync(question, server, limit.Token);
        var answer = new byte[512];
        var length = await socket.ReceiveAsync(answer, limit.Token);
        return answer[7] == 0 ? throw new HttpRequestException($"{name} has no address") : new IPAddress(answer.AsSpan(length - 4, 4));
    }
}
