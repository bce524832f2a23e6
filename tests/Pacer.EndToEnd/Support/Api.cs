using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Pacer.EndToEnd.Support;

/// <summary>The REST API as any client sees it.</summary>
internal sealed class Api(string url) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url + "/"), Timeout = TimeSpan.FromSeconds(20) };

    public string Url { get; } = url;

    public void Dispose() => _http.Dispose();

    public async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            request.Headers.ExpectContinue = body.Length > 1_000_000; // so that a refusal comes before the body is sent
        }
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 || text[0] is not ('{' or '[') ? null : JsonNode.Parse(text));
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        var (status, body) = await SendAsync(HttpMethod.Get, path);
        Assert.True(status == HttpStatusCode.OK, $"GET {path}: {status} {body?.ToJsonString()}");
        return body!;
    }

    public async Task PostAppAsync(string json)
    {
        var (status, body) = await SendAsync(HttpMethod.Post, "v2/apps", json);
        Assert.True(status == HttpStatusCode.Created, $"{status} {body?.ToJsonString()}");
    }

    public async Task<IReadOnlyList<JsonNode>> TasksAsync() =>
        [.. (await GetAsync("v2/tasks"))["tasks"]!.AsArray().Select(task => task!)];

    public async Task<IReadOnlyList<string>> TasksAsync(string state) =>
        [.. (await TasksAsync()).Where(task => (string)task["state"]! == state).Select(task => (string)task["id"]!).Order(StringComparer.Ordinal)];

    /// <summary>No deployment runs and every app has as many running tasks as it wants.</summary>
    public async Task<bool> IsSettledAsync()
    {
        if ((await GetAsync("v2/deployments")).AsArray().Count > 0)
        {
            return false;
        }
        return (await GetAsync("v2/apps"))["apps"]!.AsArray().All(app => (int)app!["tasksRunning"]! == (int)app["instances"]!);
    }

    public Task WaitForRunningAsync(string app, int count) => Until(
        async () => (await GetAsync("v2/apps" + app))["app"] is { } node && (int)node["tasksRunning"]! == count && node["deployments"]!.AsArray().Count == 0,
        $"{app} has {count} running tasks", DescribeAsync);

    public Task WaitUntilSettledAsync() => Until(IsSettledAsync, "everything runs as wanted", DescribeAsync);

    public async Task<string> DescribeAsync()
    {
        var text = new StringBuilder();
        foreach (var path in new[] { "v2/apps", "v2/tasks", "v2/deployments", "v2/queue", "v2/nodes" })
        {
            text.Append(path).Append(": ").Append((await SendAsync(HttpMethod.Get, path)).Body?.ToJsonString()).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Waits for a condition that holds sooner or later; refused connections count as "not yet".</summary>
    public static async Task Until(Func<Task<bool>> condition, string what, Func<Task<string>>? describe = null, int seconds = 40)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // The server is just being started again.
            }
            if (since.Elapsed.TotalSeconds > seconds)
            {
                string detail;
                try
                {
                    detail = describe is null ? "" : await describe();
                }
                catch (HttpRequestException e)
                {
                    detail = e.Message;
                }
                Assert.Fail($"not within {seconds} s: {what}\n{detail}");
            }
            await Task.Delay(30);
        }
    }
}
