using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Groups;
using Pacer.Server.Api.Pods;

namespace Pacer.Shell.Tests.Api;

/// <summary>The app endpoints on a real socket, over the real state machine.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly HttpClient _client;

    private ApiHost(WebApplication web, StepLoop loop, List<AppPosted> posted)
    {
        _web = web;
        Loop = loop;
        Posted = posted;
        _client = new HttpClient { BaseAddress = new Uri(web.Urls.First()) };
    }

    public StepLoop Loop { get; }

    public List<AppPosted> Posted { get; }

    public required List<PodChanged> PodChanges { get; init; }

    public string BaseAddress => _client.BaseAddress!.ToString().TrimEnd('/');

    public static async Task<ApiHost> StartAsync(StepLoop? loop = null, AppRules? rules = null)
    {
        rules ??= new AppRules();
        loop ??= new StepLoop();
        var posted = new List<AppPosted>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var web = builder.Build();
        AppsEndpoints.Map(web, loop, rules, TimeProvider.System, posted.Add);
        GroupsEndpoints.Map(web, loop, rules, TimeProvider.System);
        var podChanges = new List<PodChanged>();
        PodsEndpoints.Map(web, loop, rules, TimeProvider.System, podChanges.Add);
        await web.StartAsync();
        return new ApiHost(web, loop, posted) { PodChanges = podChanges };
    }

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ApiAnswer> PostAsync(string path, string? body = null) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body);

    public Task<ApiAnswer> PatchAsync(string path, string body) => SendAsync(HttpMethod.Patch, path, body);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }
        using var response = await _client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var headers = response.Headers.ToDictionary(h => h.Key, h => h.Value.ToArray(), StringComparer.OrdinalIgnoreCase);
        return new ApiAnswer(response.StatusCode, text, headers);
    }

    /// <summary>Creates the app and lets its deployment end: without instances there is nothing to wait for.</summary>
    public async Task CreateAsync(string body)
    {
        var answer = await PostAsync("/v2/apps", body);
        Assert.True(answer.Status == HttpStatusCode.Created, answer.Text);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _web.StopAsync();
        await _web.DisposeAsync();
    }
}

internal sealed record ApiAnswer(HttpStatusCode Status, string Text, IReadOnlyDictionary<string, string[]> Headers)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public string? Message => (string?)Json["message"];

    /// <summary>Errors by path.</summary>
    public Dictionary<string, string[]> Details => Json["details"]!.AsArray()
        .ToDictionary(d => (string)d!["path"]!, d => d!["errors"]!.AsArray().Select(e => (string)e!).ToArray());

    public string[] Warnings => Headers.TryGetValue("X-Pacer-Warning", out var values) ? values : [];
}
