using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Pacer.Bench;

/// <summary>
/// (f) DNS against dnsmasq under dnsperf: the same names, the same questions, in turns. Pacer's names come over the endpoints feed, as
/// from a server with that many apps.
/// </summary>
internal static partial class DnsServers
{
    private const int Rounds = 3;
    private const int Seconds = 5;
    private const int Terminate = 15;

    public static bool ArePossible => File.Exists("/usr/sbin/dnsmasq") && File.Exists("/usr/bin/dnsperf");

    public static async Task MeasureAsync(Report report, string published)
    {
        var fewest = 0.0;
        // The second has more than 100,000 records, and the third is beyond what anybody has.
        foreach (var apps in new[] { 1_000, 7_000, 100_000 })
        {
            var directory = Directory.CreateDirectory($"/var/tmp/pacer-bench-dns-{Environment.ProcessId}").FullName;
            try
            {
                var rate = await AddressesAsync(report, published, apps, directory);
                if (fewest > 0)
                {
                    report.Add($"(f) DNS, A: {Records(apps)} against {Records(1_000)}", $"{rate:0}/s", $"{fewest:0}/s", rate / fewest, apps == 7_000 ? "flat" : "");
                }
                else
                {
                    fewest = rate;
                    await ServicesAsync(report, published, apps, directory);
                }
            }
            finally
            {
                Directory.Delete(directory, true);
            }
        }
    }

    private static async Task<double> AddressesAsync(Report report, string published, int apps, string directory)
    {
        var hosts = Path.Combine(directory, "hosts");
        File.WriteAllLines(hosts, Enumerable.Range(0, apps).Select(i => $"{AddressOf(i)} {NameOf(i)}.marathon.mesos"));
        var questions = Path.Combine(directory, "a");
        File.WriteAllLines(questions, Sample(apps).Select(i => $"{NameOf(i)}.marathon.mesos A"));
        using var feed = new EndpointsFeed(apps);
        await using var pacer = await Server.PacerAsync(published, feed.Url, $"{NameOf(apps - 1)}.marathon.mesos");
        await using var dnsmasq = await Server.DnsmasqAsync($"{NameOf(apps - 1)}.marathon.mesos", "--addn-hosts=" + hosts);
        var (ours, theirs) = await CompareAsync(pacer, dnsmasq, questions);
        // dnsperf takes most of a machine with two cores: this is what the servers themselves need.
        report.Add($"(f) DNS, A, {Records(apps)}, for a second of CPU time", $"{pacer.AnswersPerCpuSecond():0}", $"{dnsmasq.AnswersPerCpuSecond():0} (dnsmasq)", pacer.AnswersPerCpuSecond() / dnsmasq.AnswersPerCpuSecond(), "");
        report.Add($"(f) DNS, A, {Records(apps)}", $"{ours:0}/s", $"{theirs:0}/s (dnsmasq)", ours / theirs, apps <= 7_000 ? "≥ 1.8×" : "");
        report.Add($"(f) DNS, resident memory, {Records(apps)}", $"{pacer.ResidentMegabytes():0} MB", $"{dnsmasq.ResidentMegabytes():0} MB (dnsmasq, addresses only)", null, "");
        return ours;
    }

    private static async Task ServicesAsync(Report report, string published, int apps, string directory)
    {
        var questions = Path.Combine(directory, "srv");
        File.WriteAllLines(questions, Sample(apps).Select(i => $"_{NameOf(i)}._tcp.marathon.mesos SRV"));
        using var feed = new EndpointsFeed(apps);
        var last = $"{NameOf(apps - 1)}.marathon.mesos";
        await using var pacer = await Server.PacerAsync(published, feed.Url, last);
        await using var dnsmasq = await Server.DnsmasqAsync(last, [.. Enumerable.Range(0, apps).SelectMany(i => new[]
        {
            $"--srv-host=_{NameOf(i)}._tcp.marathon.mesos,{NameOf(i)}.marathon.mesos,31000",
            $"--host-record={NameOf(i)}.marathon.mesos,{AddressOf(i)}",
        })]);
        var (ours, theirs) = await CompareAsync(pacer, dnsmasq, questions);
        report.Add($"(f) DNS, SRV, {Records(apps)}", $"{ours:0}/s", $"{theirs:0}/s (dnsmasq)", ours / theirs, "≥ 1.8×");
    }

    private static async Task<(double Ours, double Theirs)> CompareAsync(Server pacer, Server dnsmasq, string questions)
    {
        var (ours, theirs) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await QueryAsync(pacer, questions));
            theirs.Add(await QueryAsync(dnsmasq, questions));
        }
        return (Report.Median(ours), Report.Median(theirs));
    }

    private static async Task<double> QueryAsync(Server server, string questions)
    {
        server.Measure();
        using var dnsperf = Process.Start(new ProcessStartInfo("/usr/bin/dnsperf",
            ["-s", "127.0.0.1", "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-d", questions, "-l", Seconds.ToString(CultureInfo.InvariantCulture), "-c", "8", "-q", "200", "-T", "2"])
        { RedirectStandardOutput = true })!;
        var output = await dnsperf.StandardOutput.ReadToEndAsync();
        await dnsperf.WaitForExitAsync();
        if (!Regex.IsMatch(output, @"NOERROR \d+ \(100\.00%\)"))
        {
            throw new InvalidOperationException("not every question was answered:\n" + output);
        }
        server.Answered(long.Parse(Regex.Match(output, @"Queries completed:\s+(\d+)").Groups[1].Value, CultureInfo.InvariantCulture));
        return double.Parse(Regex.Match(output, @"Queries per second:\s+([\d.]+)").Groups[1].Value, CultureInfo.InvariantCulture);
    }

    // Seven addresses, three services and five texts for each app.
    private static string Records(int apps) => string.Create(CultureInfo.InvariantCulture, $"{15 * apps:N0} records");

    private static string NameOf(int i) => string.Create(CultureInfo.InvariantCulture, $"service-{i}");

    private static string AddressOf(int i) => string.Create(CultureInfo.InvariantCulture, $"10.{1 + (i % 1000 >> 8)}.{i % 1000 & 255}.1");

    private static IEnumerable<int> Sample(int apps)
    {
        var random = new Random(1);
        return Enumerable.Range(0, Math.Min(apps, 10_000)).Select(_ => random.Next(apps));
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int id, int signal);

    private sealed class Server(Process process, int port) : IAsyncDisposable
    {
        private long _answers;
        private TimeSpan _used;
        private TimeSpan _before;

        public int Port => port;

        public static Task<Server> PacerAsync(string published, string feed, string name)
        {
            var port = FreePort();
            return StartAsync(port, name, new ProcessStartInfo(published,
                ["dns", "--server", feed, "--dns-listen", $"127.0.0.1:{port}", "--dns-http", "off", "--dns-upstreams", "off"]) { RedirectStandardOutput = true });
        }

        public static Task<Server> DnsmasqAsync(string name, params string[] records)
        {
            var port = FreePort();
            return StartAsync(port, name, new ProcessStartInfo("/usr/sbin/dnsmasq",
                ["-k", "-C", "/dev/null", "-p", port.ToString(CultureInfo.InvariantCulture), "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces",
                    "--local-ttl=5", "--user=root", "--pid-file=", "--log-facility=/dev/null", .. records]));
        }

        public double AnswersPerCpuSecond() => _answers / _used.TotalSeconds;

        public void Measure() => _before = CpuTime();

        public void Answered(long answers)
        {
            _answers += answers;
            _used += CpuTime() - _before;
        }

        private TimeSpan CpuTime()
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }

        public double ResidentMegabytes() => double.Parse(
            Regex.Match(File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)), @"\d+").Value, CultureInfo.InvariantCulture) / 1024;

        // What it does after the last name was read is none of the questions' business.
        private async Task SettleAsync()
        {
            for (var patience = 0; patience < 60; patience++)
            {
                var before = process.TotalProcessorTime;
                await Task.Delay(1000);
                process.Refresh();
                if (process.TotalProcessorTime - before < TimeSpan.FromMilliseconds(30))
                {
                    return;
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            Kill(process.Id, Terminate);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        // Ready when it knows the last name.
        private static async Task<Server> StartAsync(int port, string name, ProcessStartInfo start)
        {
            var process = Process.Start(start)!;
            byte[] question = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0, 0, 1, 0, 1];
            var patience = Stopwatch.StartNew();
            while (patience.Elapsed < TimeSpan.FromMinutes(1) && !process.HasExited)
            {
                using var client = new UdpClient();
                client.Client.ReceiveTimeout = 500;
                client.Connect(IPAddress.Loopback, port);
                try
                {
                    IPEndPoint? from = null;
                    await client.SendAsync(question);
                    if (client.Receive(ref from)[7] == 1)
                    {
                        var server = new Server(process, port);
                        await server.SettleAsync();
                        return server;
                    }
                }
                catch (SocketException)
                {
                    // Not yet there.
                }
                await Task.Delay(50);
            }
            throw new InvalidOperationException($"{start.FileName} does not answer");
        }

        private static int FreePort()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
    }

    /// <summary>The endpoints of a server with many apps of one task each, over 1,000 nodes.</summary>
    private sealed class EndpointsFeed : IDisposable
    {
        private readonly HttpListener _http = new();
        private readonly int _apps;

        public EndpointsFeed(int apps)
        {
            _apps = apps;
            using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                Url = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}/";
            }
            _http.Prefixes.Add(Url);
            _http.Start();
            _ = ServeAsync();
        }

        public string Url { get; }

        public void Dispose() => _http.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _http.GetContextAsync();
                    context.Response.ContentType = "text/event-stream";
                    context.Response.SendChunked = true;
                    await WriteAsync(context.Response.OutputStream);
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The measurement is over.
            }
        }

        private async Task WriteAsync(Stream body)
        {
            const string Version = "2026-01-01T00:00:00.000Z";
            await using var text = new StreamWriter(body, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
            var nodes = string.Join(',', Enumerable.Range(0, 1000).Select(i => $$"""{"id":"node-{{i}}","hostname":"n{{i}}","address":"{{AddressOf(i)}}","state":"connected"}"""));
            await text.WriteAsync($$"""data: {"cursor":"","reset":true,"partial":true,"cluster":{"id":"bench","framework":"marathon","servers":[]},"nodes":[{{nodes}}]}""" + "\n\n");
            foreach (var chunk in Enumerable.Range(0, _apps).Chunk(2000))
            {
                var services = string.Join(',', chunk.Select(i =>
                    $$"""{"id":"/{{NameOf(i)}}","configVersion":"{{Version}}","kind":"app","current":true,"labels":{},"networks":[{"mode":"host"}],"ports":[{"protocol":"tcp","servicePort":10000}],"healthChecks":0}"""));
                var tasks = string.Join(',', chunk.Select(i =>
                    $$"""{"id":"{{NameOf(i)}}.instance-{{i:x8}}-0000-0000-0000-000000000000._app.1","serviceId":"/{{NameOf(i)}}","configVersion":"{{Version}}","nodeId":"node-{{i % 1000}}","state":"TASK_RUNNING","ready":true,"draining":false,"addresses":[],"ports":[{"port":0,"hostPort":31000,"containerPort":31000}]}"""));
                await text.WriteAsync($$"""data: {"cursor":"","reset":false,"partial":true,"services":[{{services}}],"tasks":[{{tasks}}]}""" + "\n\n");
            }
            await text.WriteAsync("id: 1\ndata: {\"cursor\":\"1\",\"reset\":false,\"partial\":false}\n\n");
            await text.FlushAsync();
            await body.FlushAsync();
        }
    }
}
