using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Pacer.Server;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.ServerLink;

/// <summary>A whole server on a free port, with its own data directory, and a client for it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly TempDirectory _dir = new();
    private readonly Func<ServerOptions, ServerOptions> _configure;
    private readonly TimeProvider _time;

    private RunningServer(Func<ServerOptions, ServerOptions> configure, TimeProvider time)
    {
        _configure = configure;
        _time = time;
    }

    public ServerHost Host { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string DataDir => _dir.Path;

    public string Socket => Host.AgentSocketPath;

    public static async Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? configure = null, TimeProvider? time = null)
    {
        var server = new RunningServer(configure ?? (options => options), time ?? TimeProvider.System);
        await server.StartAgainAsync();
        return server;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public async Task<JsonElement> GetJsonAsync(string path) => await Http.GetFromJsonAsync<JsonElement>(path);

    public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(string method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }

    /// <summary>State names of an app's tasks.</summary>
    public async Task<string[]> TaskStatesAsync(string app) =>
        [.. (await GetJsonAsync($"/v2/apps{app}/tasks")).GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("state").GetString()!)];

    public async Task<string> NodeStateAsync(string id = "agent-1")
    {
        var nodes = (await GetJsonAsync("/v2/nodes")).GetProperty("nodes").EnumerateArray();
        return nodes.Where(node => node.GetProperty("id").GetString() == id)
            .Select(node => node.GetProperty("state").GetString()!).FirstOrDefault() ?? "";
    }

    public Task UntilNodeAsync(string state, string id = "agent-1") =>
        Eventually.TrueAsync(async () => await NodeStateAsync(id) == state, $"node {id} is {state}");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _dir.Dispose();
    }

    private async Task StartAgainAsync()
    {
        Host = await ServerHost.StartAsync(
            _configure(new ServerOptions { Http = "127.0.0.1:0", DataDir = _dir.Path, LogLevel = "error" }), _time, CancellationToken.None);
        Http = new HttpClient { BaseAddress = new Uri($"http://{Host.HttpAddress}") };
    }

    private async Task StopAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
    }
}
