using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Requests through a balancer while the tasks behind it come and go.</summary>
public sealed class LoadBalancerTests
{
    /// <summary>Ends in order at SIGTERM: takes no new connections, finishes what it has.</summary>
    private const string Server = """
        import http.server, os, signal, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def answer(self):
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                body = ('version ' + os.environ['VERSION']).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_GET = do_POST = answer
            def log_message(self, *_): pass
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = False
            request_queue_size = 128
        server = Server(('', int(os.environ['PORT0'])), Handler)
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
        server.server_close()
        """;

    [Fact]
    [Trait("main-job", "yes")]
    public async Task TasksComeAndGo_UnderLoad_NoRequestFails()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        await using var cluster = await Cluster.StartAsync("--lb", "off");
        var script = System.Text.Json.JsonSerializer.Serialize(Server);
        using var balancer = PacerProcess.Start("lb", "--server", cluster.Api.Url, "--lb-http", "127.0.0.1:0", "--lb-https", "off", "--lb-appid", "off", "--lb-status", "127.0.0.1:0", "--lb-service-ports", "off");
        var address = (await balancer.WaitForAsync(@"Load balancer for group external: (http \S+); statistics")).Split(' ')[1];
        await cluster.Api.PostAppAsync($$$"""
            {"id":"/web","cmd":"exec python3 -c \"$SERVER\"","cpus":0.01,"mem":64,"instances":4,"env":{"VERSION":"1","SERVER":{{{script}}}},"taskKillGracePeriodSeconds":20,
             "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test"},"portDefinitions":[{"port":0}],
             "healthChecks":[{"protocol":"HTTP","portIndex":0,"intervalSeconds":1,"delaySeconds":0,"gracePeriodSeconds":30}]}
            """);
        await cluster.Api.WaitUntilSettledAsync();
        using var load = new Load(address, "web.test");
        await load.UntilAsync("version 1");

        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", $$$"""{"env":{"VERSION":"2","SERVER":{{{script}}}}}""");
        await cluster.Api.WaitUntilSettledAsync();
        await load.UntilAsync("version 2");
        load.Check("rolling upgrade");

        await cluster.Api.SendAsync(HttpMethod.Put, "v2/apps/web", """{"instances":2}""");
        await cluster.Api.WaitForRunningAsync("/web", 2);
        load.Check("scale down");

        var task = (await cluster.Api.TasksAsync("TASK_RUNNING"))[0];
        await cluster.Api.SendAsync(HttpMethod.Delete, $"v2/apps/web/tasks/{task}");
        await Api.Until(async () => !(await cluster.Api.TasksAsync("TASK_RUNNING")).Contains(task), "the task is gone");
        await cluster.Api.WaitUntilSettledAsync();
        load.Check("kill of a task");

        cluster.Up.KillAtOnce();
        await cluster.StartAgainAsync();
        await cluster.Api.WaitUntilSettledAsync();
        load.Check("kill -9 of server and agent");

        await load.StopAsync();
        load.Check("the whole test");
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Served} requests");
        await balancer.TerminateAsync();
    }

    [Fact]
    public async Task Up_ItsOwnBalancer_ServesAnAppAndTellsItsStatus()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        await using var cluster = await Cluster.StartAsync("--lb-http", "127.0.0.1:0", "--lb-https", "127.0.0.1:0", "--lb-appid", "127.0.0.1:0", "--lb-status", "127.0.0.1:0");
        var places = await cluster.Up.WaitForAsync(@"Load balancer for group external: (.*)");
        var http = Regex.Match(places, @"http (\S+),").Groups[1].Value;
        var status = Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value;
        await cluster.Api.PostAppAsync("""
            {"id":"/web","cmd":"exec python3 -m http.server $PORT0","cpus":0.01,"mem":64,"portDefinitions":[{"port":0}],
             "labels":{"HAPROXY_GROUP":"external","HAPROXY_0_VHOST":"web.test","HAPROXY_0_BACKEND_HEAD":"  acl internal src 10.0.0.0/8"}}
            """);
        using var load = new Load(http, "web.test", clients: 0);
        await Api.Until(async () => (await load.GetAsync()).Contains("Directory listing", StringComparison.Ordinal), "the app answers");
        var shown = (await cluster.PacerAsync("lb", "status", "--lb-status", status)).Expect(0).Output;
        Assert.Matches(@"/web +web\.test :\d+ +web\.instance-\S+ +127\.0\.0\.1:\d+ +UP", shown);
        Assert.Contains("warning: /web: HAPROXY_0_BACKEND_HEAD: 'acl internal src 10.0.0.0/8' has no effect: it is raw text for HAProxy and can't be translated.", shown);
    }

    [Fact]
    public async Task LoadBalancingPage_ItsExamples_Work()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3") && File.Exists("/usr/bin/curl"), "needs python3 and curl");
        await using var cluster = await Cluster.StartAsync("--lb-http", "127.0.0.1:0", "--lb-https", "127.0.0.1:0", "--lb-appid", "127.0.0.1:0", "--lb-status", "127.0.0.1:0");
        var places = await cluster.Up.WaitForAsync(@"Load balancer for group external: (.*)");
        var page = await File.ReadAllTextAsync(Path.Combine(PacerProgram.Repository, "docs/load-balancing.md"));
        var folder = Directory.CreateDirectory(Path.Combine(cluster.DataDirectory, "examples")).FullName;
        foreach (Match file in Regex.Matches(page, "`(?<file>[a-z-]+\\.json)`:\n\n```json\n(?<json>.*?)```", RegexOptions.Singleline))
        {
            await File.WriteAllTextAsync(Path.Combine(folder, file.Groups["file"].Value), file.Groups["json"].Value);
        }
        var scripts = Regex.Matches(page, "```sh\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value).ToList();
        Assert.True(scripts.Count >= 2);
        var script = string.Concat(scripts)
            .Replace("127.0.0.1:80", Regex.Match(places, @"http (\S+),").Groups[1].Value, StringComparison.Ordinal)
            .Replace("127.0.0.1:9090", Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value, StringComparison.Ordinal)
            .Replace("10104", Cluster.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var start = PacerProgram.StartInfo(cluster.Api.Url);
        (start.FileName, start.WorkingDirectory) = ("/bin/bash", folder);
        start.Environment["PACER_LB_STATUS"] = Regex.Match(places, @"statistics http://([^/]+)/").Groups[1].Value;
        start.ArgumentList.Add("-ec");
        start.ArgumentList.Add($"pacer() {{ '{PacerProgram.Path}' \"$@\" </dev/null; }}\nset -x\n{script}");
        using var shell = Process.Start(start)!;
        shell.StandardInput.Close();
        var output = shell.StandardOutput.ReadToEndAsync();
        var error = shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        Assert.True(shell.ExitCode == 0, $"{await output}\n{await error}");
    }

    /// <summary>Clients that ask without a pause, half of them with a body that must not be sent twice.</summary>
    private sealed class Load : IDisposable
    {
        private readonly HttpClient _http;
        private readonly CancellationTokenSource _over = new();
        private readonly List<Task> _clients;
        private readonly ConcurrentQueue<string> _failures = new();
        private long _served;
        private volatile string _last = "";

        public Load(string address, string host, int clients = 6)
        {
            _http = new HttpClient { BaseAddress = new Uri($"http://{address}/"), Timeout = TimeSpan.FromSeconds(30) };
            _http.DefaultRequestHeaders.Host = host;
            _clients = [.. Enumerable.Range(0, clients).Select(client => Task.Run(() => AskAsync(client % 2 == 0)))];
        }

        public long Served => Volatile.Read(ref _served);

        public async Task<string> GetAsync() => await (await _http.GetAsync("")).Content.ReadAsStringAsync();

        public Task UntilAsync(string text) => Api.Until(() => Task.FromResult(_last == text), $"an answer is '{text}'", () => Task.FromResult($"last: {_last}; failures: {string.Join("; ", _failures.Take(5))}"));

        public void Check(string during)
        {
            Assert.True(_failures.IsEmpty, $"{during}: {_failures.Count} of {Served} requests failed: {string.Join("; ", _failures.Take(10))}");
            Assert.True(Served > 50, $"{during}: only {Served} requests");
        }

        public async Task StopAsync()
        {
            await _over.CancelAsync();
            await Task.WhenAll(_clients);
        }

        public void Dispose()
        {
            _over.Cancel();
            _http.Dispose();
        }

        private async Task AskAsync(bool posts)
        {
            while (!_over.IsCancellationRequested)
            {
                try
                {
                    using var answer = posts ? await _http.PostAsync("", new StringContent("some data")) : await _http.GetAsync("");
                    var text = await answer.Content.ReadAsStringAsync();
                    if (answer.StatusCode == HttpStatusCode.OK)
                    {
                        Interlocked.Increment(ref _served);
                        _last = text;
                    }
                    else
                    {
                        _failures.Enqueue($"{DateTime.UtcNow:mm:ss.fff} {(posts ? "POST" : "GET")} {(int)answer.StatusCode}");
                    }
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException or ObjectDisposedException)
                {
                    if (!_over.IsCancellationRequested)
                    {
                        _failures.Enqueue($"{DateTime.UtcNow:mm:ss.fff} {(posts ? "POST" : "GET")} {e.Message}");
                    }
                }
                await Task.Delay(5);
            }
        }
    }
}
