using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Pacer.Bench;

/// <summary>A 'pacer up' with a data directory of its own, on a disk rather than in memory.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _executable;

    private BenchCluster(Process process, string executable, string dataDirectory, string url)
    {
        _process = process;
        _executable = executable;
        DataDirectory = dataDirectory;
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(2) };
    }

    public string DataDirectory { get; }

    public HttpClient Http { get; }

    /// <param name="agentApart">Whether the agent is a process of its own: then the server's memory can be told apart.</param>
    public static async Task<BenchCluster> StartAsync(string executable, bool agentApart = false)
    {
        var data = Directory.CreateDirectory($"/var/tmp/pacer-bench-{Environment.ProcessId}").FullName;
        var process = agentApart
            ? Process.Start(new ProcessStartInfo(executable, ["server", "--http", "127.0.0.1:0", "--data-dir", data]) { RedirectStandardOutput = true })!
            : Launch(executable, data, "127.0.0.1:0");
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var match = Regex.Match(line, @" is up: (http://\S+)");
            if (match.Success)
            {
                _ = process.StandardOutput.ReadToEndAsync();
                var cluster = new BenchCluster(process, executable, data, match.Groups[1].Value + "/");
                if (agentApart)
                {
                    var agent = Process.Start(new ProcessStartInfo(executable,
                        ["agent", "--join", $"unix:{data}/agent.sock", "--data-dir", data, "--cpus", "32", "--isolation", "oci", "--no-install"]) { RedirectStandardOutput = true })!;
                    _ = agent.StandardOutput.ReadToEndAsync();
                }
                await cluster.WaitForNodeAsync();
                return cluster;
            }
        }
        throw new InvalidOperationException("pacer ended before it was up");
    }

    public static Process Launch(string executable, string data, string http)
    {
        var start = new ProcessStartInfo(executable, ["up", "--http", http, "--data-dir", data, "--cpus", "32", "--ports", "40000-49999", "--isolation", "oci", "--no-install"])
        {
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    public int ResidentKilobytes()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(Regex.Match(line, @"\d+").Value, CultureInfo.InvariantCulture);
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(path))!;

    public async Task SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{method} {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
    }

    /// <summary>Posts an app and returns how long it took until that many TASK_RUNNING were told on the event stream.</summary>
    /// <param name="more">Members of the app's JSON, each with a comma before it.</param>
    public async Task<TimeSpan> TimeToRunningAsync(string id, int instances, string more = "", string cpus = "0.01")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "v2/events?event_type=status_update_event");
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync());
        var since = Stopwatch.StartNew();
        var posting = SendAsync(HttpMethod.Post, "v2/apps", $$"""{"id":"{{id}}","cmd":"exec sleep 100000","cpus":{{cpus}},"mem":32,"instances":{{instances}}{{more}}}""");
        for (var running = 0; running < instances;)
        {
            var line = await events.ReadLineAsync() ?? throw new InvalidOperationException("the event stream ended");
            if (line.StartsWith("data:", StringComparison.Ordinal) && line.Contains("TASK_RUNNING", StringComparison.Ordinal) && line.Contains($"\"{id}\"", StringComparison.Ordinal))
            {
                running++;
            }
        }
        var took = since.Elapsed;
        await posting;
        return took;
    }

    /// <summary>Removes an app and waits until nothing of it is left, so that the next measurement starts from the same place.</summary>
    public async Task RemoveAsync(string id)
    {
        await SendAsync(HttpMethod.Delete, "v2/apps" + id);
        while ((await GetAsync("v2/tasks"))["tasks"]!.AsArray().Any(task => (string)task!["appId"]! == id) || (await GetAsync("v2/deployments")).AsArray().Count > 0)
        {
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        using var down = Process.Start(new ProcessStartInfo(_executable, ["down", "--data-dir", DataDirectory]) { RedirectStandardOutput = true })!;
        await down.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(DataDirectory, true);
    }

    private async Task WaitForNodeAsync()
    {
        while ((await GetAsync("v2/nodes"))["nodes"]!.AsArray().Count == 0)
        {
            await Task.Delay(10);
        }
    }
}
