using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Pacer.Bench;

/// <summary>
/// (g) The load balancer against HAProxy, and both against the server behind them, under wrk: the same requests in turns. Pacer's route
/// comes over the endpoints feed, as from a server.
/// </summary>
internal static partial class LoadBalancers
{
    private const int Rounds = 3;
    private const int Seconds = 5;
    private const int Connections = 64;
    private const int Terminate = 15;

    public static bool ArePossible => File.Exists("/usr/sbin/haproxy") && File.Exists("/usr/bin/wrk");

    public static async Task MeasureAsync(Report report, string published)
    {
        var directory = Directory.CreateDirectory($"/var/tmp/pacer-bench-lb-{Environment.ProcessId}").FullName;
        try
        {
            using var group = new OneCpuGroup();
            await using var server = await BareKestrel.StartAsync();
            using var feed = new Feed(server.Http.BaseAddress!.Port);
            var (ours, driven, theirs) = (FreePort(), FreePort(), FreePort());
            Process Balancer(int port, params string[] flags) => Process.Start(new ProcessStartInfo(published,
                ["lb", "--server", feed.Url, "--lb-http", $"127.0.0.1:{port}", "--lb-https", "off", "--lb-appid", "off", "--lb-status", "off", "--lb-service-ports", "off", .. flags]) { RedirectStandardOutput = true })!;
            using var pacer = Balancer(ours);
            using var driver = Balancer(driven, "--lb-engine", "haproxy", "--lb-dir", Path.Combine(directory, "lb"));
            var configuration = Path.Combine(directory, "haproxy.cfg");
            await File.WriteAllTextAsync(configuration, $$"""
                global
                  maxconn 4000
                defaults
                  mode http
                  timeout connect 3s
                  timeout client 30s
                  timeout server 30s
                frontend web
                  bind 127.0.0.1:{{theirs}}
                  use_backend web if { hdr(host) -i web.test }
                backend web
                  option forwardfor
                  http-request set-header X-Forwarded-Port %[dst_port]
                  server s1 127.0.0.1:{{server.Http.BaseAddress!.Port}}

                """);
            using var haproxy = Process.Start(new ProcessStartInfo("/usr/sbin/haproxy", ["-db", "-f", configuration]))!;
            try
            {
                foreach (var port in new[] { ours, driven, theirs })
                {
                    await UntilAnswersAsync(port);
                }
                foreach (var size in new[] { 1024, 100 * 1024 })
                {
                    foreach (var keep in new[] { true, false })
                    {
                        await CompareAsync(report, size, keep, server.Http.BaseAddress!.Port, ours, driven, theirs);
                    }
                }
                report.Add("(g) load balancer, resident memory after it", $"{ResidentMegabytes(pacer):0} MB", $"{ResidentMegabytes(haproxy):0} MB (HAProxy)", null, "");
            }
            finally
            {
                foreach (var process in new[] { pacer, driver, haproxy })
                {
                    Kill(process.Id, Terminate);
                    await process.WaitForExitAsync();
                }
            }
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    private static async Task CompareAsync(Report report, int size, bool keep, int direct, int ours, int driven, int theirs)
    {
        var results = new Dictionary<int, List<(double Rate, double Tail)>> { [direct] = [], [ours] = [], [driven] = [], [theirs] = [] };
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (port, list) in results)
            {
                list.Add(await AskAsync(port, size, keep));
            }
        }
        var (pacer, haproxy, bare) = (Medians(results[ours]), Medians(results[theirs]), Medians(results[direct]));
        var engine = Medians(results[driven]);
        var what = $"{size / 1024} KB, {(keep ? "keep-alive" : "a connection each")}";
        report.Add($"(g) load balancer, {what}", $"{pacer.Rate:0}/s", $"{haproxy.Rate:0}/s (HAProxy)", pacer.Rate / haproxy.Rate, "≥ 0.70×");
        report.Add($"(g) load balancer, {what}, 99 % within", $"{pacer.Tail:0.0} ms", $"{haproxy.Tail:0.0} ms (HAProxy)", pacer.Tail / haproxy.Tail, "");
        report.Add($"(g) load balancer with --lb-engine haproxy, {what}", $"{engine.Rate:0}/s", $"{haproxy.Rate:0}/s (HAProxy)", engine.Rate / haproxy.Rate, "≥ 0.95×");
        report.Add($"(g) load balancer with --lb-engine haproxy, {what}, 99 % within", $"{engine.Tail:0.0} ms", $"{haproxy.Tail:0.0} ms (HAProxy)", engine.Tail / haproxy.Tail, "");
        report.Add($"(g) load balancer, {what}, against the server itself", $"{pacer.Rate:0}/s", $"{bare.Rate:0}/s (direct)", pacer.Rate / bare.Rate, "");
    }

    private static (double Rate, double Tail) Medians(List<(double Rate, double Tail)> results) =>
        (Report.Median(results.Select(result => result.Rate)), Report.Median(results.Select(result => result.Tail)));

    private static async Task<(double Rate, double Tail)> AskAsync(int port, int size, bool keep)
    {
        using var wrk = Process.Start(new ProcessStartInfo("/usr/bin/wrk",
            ["-t1", $"-c{Connections}", $"-d{Seconds}s", "--latency", "-H", "Host: web.test", .. keep ? Array.Empty<string>() : ["-H", "Connection: close"], $"http://127.0.0.1:{port}/{size}"])
        { RedirectStandardOutput = true })!;
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || Regex.Match(output, @"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)") is { Success: true } errors
            && errors.Groups.Values.Skip(1).Any(count => count.Value != "0"))
        {
            throw new InvalidOperationException("not every request was answered:\n" + output);
        }
        var tail = Regex.Match(output, @"99%\s+([\d.]+)(us|ms|s)");
        return (Number(Regex.Match(output, @"Requests/sec:\s+([\d.]+)").Groups[1].Value),
            Number(tail.Groups[1].Value) * tail.Groups[2].Value switch { "us" => 0.001, "s" => 1000, _ => 1 });
    }

    private static async Task UntilAnswersAsync(int port)
    {
        using var http = new HttpClient { DefaultRequestHeaders = { Host = "web.test" } };
        for (var patience = 0; patience < 200; patience++)
        {
            try
            {
                if ((await http.GetAsync($"http://127.0.0.1:{port}/1")).IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not yet there.
            }
            await Task.Delay(50);
        }
        throw new InvalidOperationException($"nothing answers on port {port}");
    }

    private static double ResidentMegabytes(Process process) => Number(
        Regex.Match(File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)), @"\d+").Value) / 1024;

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);

    /// <summary>The endpoints of a server with one app of one task.</summary>
    private sealed class Feed : IDisposable
    {
        private readonly HttpListener _http = new();
        private readonly int _port;

        public Feed(int port)
        {
            _port = port;
            Url = $"http://127.0.0.1:{FreePort()}/";
            _http.Prefixes.Add(Url);
            _http.Start();
            _ = ServeAsync();
        }

        public string Url { get; }

        public void Dispose() => _http.Close();

        private async Task ServeAsync()
        {
            const string Version = "2026-01-01T00:00:00.000Z";
            var update = $$$"""data: {"cursor":"1","reset":true,"partial":false,"cluster":{"id":"bench","framework":"marathon","servers":[]},"nodes":[{"id":"n","hostname":"n","address":"127.0.0.1","state":"connected"}],"services":[{"id":"/web","configVersion":"{{{Version}}}","kind":"app","current":true,"labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test"},"networks":[{"mode":"host"}],"ports":[{"protocol":"tcp","servicePort":10000}],"healthChecks":0}],"tasks":[{"id":"web.1","serviceId":"/web","configVersion":"{{{Version}}}","nodeId":"n","state":"TASK_RUNNING","ready":true,"draining":false,"addresses":[],"ports":[{"port":0,"hostPort":{{{_port}}},"containerPort":{{{_port}}}}]}]}""" + "\n\n";
            try
            {
                while (true)
                {
                    var context = await _http.GetContextAsync();
                    context.Response.ContentType = "text/event-stream";
                    context.Response.SendChunked = true;
                    await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(update));
                    await context.Response.OutputStream.FlushAsync();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The measurement is over.
            }
        }
    }
}
