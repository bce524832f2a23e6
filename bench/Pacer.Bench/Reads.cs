using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Pacer.Bench;

/// <summary>(f) Reads of a state with 10,000 apps and 100,000 running instances, against a bare Kestrel that writes the same number of bytes.</summary>
internal sealed class Reads : IAsyncDisposable
{
    private const int Apps = 10_000;
    private const int InstancesPerApp = 10;

    private readonly Report _report;
    private readonly BareKestrel _bare;
    private readonly Process _process;
    private readonly HttpClient _http;

    private Reads(Report report, BareKestrel bare, Process process, string url)
    {
        _report = report;
        _bare = bare;
        _process = process;
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(5) };
    }

    public static async Task MeasureAsync(Report report, string executable)
    {
        var data = Directory.CreateDirectory($"/var/tmp/pacer-bench-reads-{Environment.ProcessId}").FullName;
        try
        {
            LargeState.Write(data, Apps, InstancesPerApp);
            await using var bare = await BareKestrel.StartAsync();
            var started = Stopwatch.StartNew();
            // The nodes are only in the store: their silence must not count during the run.
            var process = Process.Start(new ProcessStartInfo(executable, ["server", "--http", "127.0.0.1:0", "--data-dir", data, "--agent-timeout", "1000000"])
            {
                RedirectStandardOutput = true,
            })!;
            var line = await process.StandardOutput.ReadLineAsync() ?? "";
            var url = Regex.Match(line, @"http://\S+").Value;
            _ = process.StandardOutput.ReadToEndAsync();
            report.Add("(f) start with 10,000 apps and 100,000 instances", $"{started.Elapsed.TotalSeconds:0.0} s", "", null, "");
            await using var reads = new Reads(report, bare, process, url);
            await reads.MeasureAsync();
        }
        finally
        {
            Directory.Delete(data, true);
        }
    }

    private async Task MeasureAsync()
    {
        var number = 0;
        await MeasureAsync("one app", () => "v2/apps" + LargeState.Id(number++ % Apps), 1, 4000, "p99 < 5 ms");
        await MeasureAsync("one app, 8 clients", () => "v2/apps" + LargeState.Id(Interlocked.Increment(ref number) % Apps), 8, 8000, "p99 < 5 ms");
        await MeasureAsync("all apps with counts", () => "v2/apps?embed=apps.counts", 1, 40, "< 200 ms");
        await MeasureAsync("all apps with counts, gzip", () => "v2/apps?embed=apps.counts", 1, 20, "", gzip: true);
        await MeasureAsync("all tasks", () => "v2/tasks", 1, 15, "");
        await UnchangedAsync("v2/apps", "all apps, unchanged tag");
        await UnchangedAsync("v2/tasks", "all tasks, unchanged tag");
        await WritesAsync();
        var resident = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        _report.Add("(f) resident memory after that", $"{int.Parse(Regex.Match(resident, @"\d+").Value, CultureInfo.InvariantCulture) / 1024} MB", "", null, "");
    }

    private async Task MeasureAsync(string what, Func<string> path, int clients, int requests, string aim, bool gzip = false)
    {
        await TimeAsync(_http, path, 1, Math.Max(3, requests / 20), gzip); // what is made once, on the first time, is no cost of a read
        if (clients == 1 && requests > 1000)
        {
            await TimeAsync(_http, path, 8, Apps, gzip);
        }
        var before = await AllocatedAsync();
        var (size, times, elapsed) = await TimeAsync(_http, path, clients, requests, gzip);
        var allocated = (await AllocatedAsync() - before) / requests;
        var (_, bare, bareElapsed) = await TimeAsync(_bare.Http, () => size.ToString(CultureInfo.InvariantCulture), clients, requests, false);
        Add($"{what} ({size / 1024.0:0.#} KB)", times, elapsed, bare, bareElapsed, aim, $", {allocated / 1024.0:0.#} KB allocated each");
    }

    private async Task UnchangedAsync(string path, string what)
    {
        const int requests = 4000;
        string tag;
        using (var first = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead))
        {
            tag = first.Headers.ETag!.ToString();
        }
        await TimeAsync(_http, () => path, 1, 500, false, tag);
        var before = await AllocatedAsync();
        var (_, times, elapsed) = await TimeAsync(_http, () => path, 1, requests, false, tag);
        var allocated = (await AllocatedAsync() - before) / requests;
        var (_, bare, bareElapsed) = await TimeAsync(_bare.Http, () => "0", 1, requests, false);
        Add(what, times, elapsed, bare, bareElapsed, "p99 < 1 ms", $", {allocated / 1024.0:0.#} KB allocated each");
    }

    private void Add(string what, List<double> times, TimeSpan elapsed, List<double> bare, TimeSpan bareElapsed, string aim, string more)
    {
        _report.Add($"(f) {what}", $"p50 {At(times, 0.5):0.00} ms, p99 {At(times, 0.99):0.00} ms, {times.Count / elapsed.TotalSeconds:0}/s{more}",
            $"p50 {At(bare, 0.5):0.00} ms, p99 {At(bare, 0.99):0.00} ms, {bare.Count / bareElapsed.TotalSeconds:0}/s (Kestrel, same bytes)",
            At(times, 0.5) / At(bare, 0.5), aim);
    }

    /// <summary>Durable writes alone, and while one client reads all apps and one all tasks without a pause.</summary>
    private async Task WritesAsync()
    {
        var alone = await PostAsync("alone");
        using var end = new CancellationTokenSource();
        var readers = new[] { "v2/apps?embed=apps.counts", "v2/tasks" }.Select(async path =>
        {
            var count = 0;
            for (; !end.IsCancellationRequested; count++)
            {
                await GetAsync(_http, path, false, null);
            }
            return count;
        }).ToList();
        var read = await PostAsync("read");
        await end.CancelAsync();
        await Task.WhenAll(readers);
        _report.Add("(f) POST /v2/apps while all apps and all tasks are read without a pause",
            $"p50 {At(read.Times, 0.5):0.00} ms, p99 {At(read.Times, 0.99):0.00} ms, {read.Times.Count / read.Elapsed.TotalSeconds:0}/s",
            $"p50 {At(alone.Times, 0.5):0.00} ms, p99 {At(alone.Times, 0.99):0.00} ms, {alone.Times.Count / alone.Elapsed.TotalSeconds:0}/s (without readers)",
            At(read.Times, 0.5) / At(alone.Times, 0.5), "");
        // What the server itself needed for each: readers and writers share two cores here, and that share is not the loop's doing.
        var metrics = JsonNode.Parse(await _http.GetStringAsync("metrics"))!["timers"]!;
        foreach (var (name, what) in new[] { ("loop.steps", "step of the loop"), ("persistence.commits", "commit") })
        {
            var timer = metrics[$"marathon.{name}.duration.timer.seconds"]!;
            _report.Add($"(f) {what}, during the last minutes", $"p50 {1000 * (double)timer["p50"]!:0.00} ms, p99 {1000 * (double)timer["p99"]!:0.00} ms", "", null, "");
        }
    }

    private async Task<(List<double> Times, TimeSpan Elapsed)> PostAsync(string name)
    {
        var times = new List<double>();
        var since = Stopwatch.StartNew();
        for (var number = 0; since.Elapsed < TimeSpan.FromSeconds(5); number++)
        {
            var started = Stopwatch.GetTimestamp();
            using var content = new StringContent($$"""{"id":"/written/{{name}}{{number}}","cmd":"true","instances":0,"portDefinitions":[]}""", Encoding.UTF8, "application/json");
            using var answer = await _http.PostAsync("v2/apps", content);
            answer.EnsureSuccessStatusCode();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return (times, since.Elapsed);
    }

    private static async Task<(int Size, List<double> Times, TimeSpan Elapsed)> TimeAsync(
        HttpClient http, Func<string> path, int clients, int requests, bool gzip, string? tag = null)
    {
        var size = 0;
        var since = Stopwatch.StartNew();
        var all = await Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            var times = new List<double>();
            for (var i = 0; i < requests / clients; i++)
            {
                var started = Stopwatch.GetTimestamp();
                size = await GetAsync(http, path(), gzip, tag);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
            return times;
        }));
        return (size, [.. all.SelectMany(times => times).Order()], since.Elapsed);
    }

    private static async Task<int> GetAsync(HttpClient http, string path, bool gzip, string? tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (gzip)
        {
            request.Headers.AcceptEncoding.ParseAdd("gzip");
        }
        if (tag is not null)
        {
            request.Headers.IfNoneMatch.ParseAdd(tag);
        }
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (answer.StatusCode != (tag is null ? System.Net.HttpStatusCode.OK : System.Net.HttpStatusCode.NotModified))
        {
            throw new InvalidOperationException($"{path}: {(int)answer.StatusCode}");
        }
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(256 * 1024);
        var size = 0;
        while (await body.ReadAsync(buffer) is > 0 and var read)
        {
            size += read;
        }
        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        return size;
    }

    private async Task<long> AllocatedAsync() =>
        (long)JsonNode.Parse(await _http.GetStringAsync("metrics"))!["counters"]!["marathon.process.allocated.counter.bytes"]!["count"]!;

    private static double At(List<double> times, double share)
    {
        var sorted = times.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
