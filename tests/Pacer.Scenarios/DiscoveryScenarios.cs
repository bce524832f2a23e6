using System.Net;
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
}
