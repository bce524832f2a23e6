using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pacer.Agent;
using Pacer.Server;
using Pacer.Shell.Tests.Contract;
using Pacer.Shell.Tests.Gpus;

namespace Pacer.Scenarios.Support;

internal sealed record Answer(HttpStatusCode Status, JsonNode? Body, HttpResponseMessage Response)
{
    public Answer Expect(HttpStatusCode status)
    {
        Assert.True(Status == status, $"{(int)Status} instead of {(int)status}: {Body?.ToJsonString()}");
        return this;
    }

    /// <summary>The one deployment that the answer speaks of.</summary>
    public string Deployment => Body!["deploymentId"]?.ToString() ?? Assert.Single(Body["deployments"]!.AsArray())!["id"]!.ToString();
}

/// <summary>A server and its agents in this process, with containers as real as this machine allows; shared by the tests of a class.</summary>
public abstract class TestCluster(int nodes) : IAsyncLifetime
{
    private const int PortsPerNode = 40;
    private static int s_nextPort = 24000;

    private readonly string _root = Directory.CreateTempSubdirectory("pacer-scenarios-").FullName;
    private readonly List<TestNode> _nodes = [];
    private ServerHost? _server;

    internal HttpClient Http { get; private set; } = null!;

    internal EventLog Events { get; private set; } = null!;

    internal IReadOnlyList<TestNode> Nodes => _nodes;

    /// <summary>What is special about the server.</summary>
    private protected virtual ServerOptions Tune(ServerOptions options) => options;

    /// <summary>What is special about the node with this number, from 1.</summary>
    private protected virtual AgentOptions Tune(int number, AgentOptions options) => options;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerHost.StartAsync(
            Tune(new ServerOptions { Http = "127.0.0.1:0", DataDir = Path.Combine(_root, "server"), AgentTimeout = TimeSpan.FromSeconds(1), LogLevel = "error" }),
            CancellationToken.None);
        Http = new HttpClient { BaseAddress = new Uri("http://" + _server.HttpAddress) };
        Events = await EventLog.OpenAsync(Http);
        for (var i = 1; i <= nodes; i++)
        {
            var port = Interlocked.Add(ref s_nextPort, PortsPerNode) - PortsPerNode;
            var node = new TestNode(Tune(i, new AgentOptions
            {
                Join = "unix:" + _server.AgentSocketPath,
                WorkDir = Path.Combine(_root, $"node{i}"),
                RunDir = Path.Combine(_root, $"run{i}"),
                Hostname = $"node{i}",
                SeccompProfiles = Path.Combine(_root, "seccomp"),
                Cpus = 8,
                MemoryMiB = 8192,
                DiskMiB = 8192,
                Ports = $"{port}-{port + PortsPerNode - 1}",
                Attributes = new Dictionary<string, string> { ["rack"] = $"r{i}" },
                LogLevel = "error",
            }));
            _nodes.Add(node);
            await node.StartAsync();
        }
        await Waiting.UntilAsync(
            () => Task.FromResult(_server.Loop.State.Agents.Values.Count(agent => agent.Connected) == nodes), "every node has joined");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.RemoveAsync();
        }
        if (Events is not null)
        {
            await Events.DisposeAsync();
        }
        Http?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
        Directory.Delete(_root, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Brings every node back and removes every app, whatever a test left behind.</summary>
    internal async Task ClearAsync()
    {
        foreach (var node in _nodes.Where(node => !node.IsUp))
        {
            await node.StartAsync();
        }
        foreach (var node in (await SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray().Where(node => (bool)node!["cordoned"]! || node["drain"] is not null))
        {
            await SendAsync("DELETE", $"/v2/nodes/{node!["id"]}/cordon");
            await SendAsync("DELETE", $"/v2/nodes/{node["id"]}/drain");
        }
        await SendAsync("DELETE", "/v2/groups?force=true");
        await Waiting.UntilAsync(async () =>
            (await SendAsync("GET", "/v2/apps")).Body!["apps"]!.AsArray().Count == 0
            && (await SendAsync("GET", "/v2/pods")).Body!.AsArray().Count == 0
            && (await DeploymentsAsync()).Count == 0, "everything is removed");
    }

    internal async Task<Answer> SendAsync(string method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }
        var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
        var body = isJson && text.Length > 0 ? JsonNode.Parse(text) : null;
        // Whatever else a scenario is about: what it is answered is what the API's document says.
        Assert.Empty(AnswerContract.Problems(method, path, (int)response.StatusCode, body?.Deserialize<JsonElement>()));
        return new Answer(response.StatusCode, body, response);
    }

    /// <summary>The server gives up the lead and takes it again, as nobody else could; events are read from a new stream.</summary>
    internal async Task AbdicateAsync()
    {
        var loop = _server!.Loop;
        (await SendAsync("DELETE", "/v2/leader")).Expect(HttpStatusCode.OK);
        await Waiting.UntilAsync(async () =>
        {
            try
            {
                return !ReferenceEquals(loop, _server.Loop) && (await Http.GetAsync("/ping")).IsSuccessStatusCode
                    && _server.Loop.State.Agents.Values.All(agent => agent.Connected);
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the server leads again and its agents are back");
        await Events.DisposeAsync();
        Events = await EventLog.OpenAsync(Http);
    }

    /// <summary>A small app of one command; <paramref name="more"/> is JSON members.</summary>
    internal static string App(string id, string cmd, string more = "") =>
        $$"""{"id":"{{id}}","cmd":{{System.Text.Json.JsonSerializer.Serialize(cmd)}},"cpus":0.01,"mem":16,"taskKillGracePeriodSeconds":1{{(more.Length > 0 ? "," + more : "")}}}""";

    internal async Task<string> CreateAsync(string app) => (await SendAsync("POST", "/v2/apps", app)).Expect(HttpStatusCode.Created).Deployment;

    /// <summary>Creates an app and waits until its deployment has succeeded.</summary>
    internal async Task DeployAsync(string app) => await SucceedsAsync(await CreateAsync(app));

    internal async Task<string> CreateGroupAsync(string group) =>
        (await SendAsync("POST", "/v2/groups", group)).Expect(HttpStatusCode.Created).Deployment;

    internal async Task<string> ChangeAsync(string method, string path, string? json = null) =>
        (await SendAsync(method, path, json)).Expect(HttpStatusCode.OK).Deployment;

    internal Task<SeenEvent> SucceedsAsync(string deployment) => Events.WaitAsync("deployment_success", e => e.Deployment == deployment);

    internal Task<SeenEvent> FailsAsync(string deployment) => Events.WaitAsync("deployment_failed", e => e.Deployment == deployment);

    internal Task<SeenEvent> StatusAsync(string app, string status, int after = 0) =>
        Events.WaitAsync("status_update_event", e => e.Text("appId") == app && e.Text("taskStatus") == status, after);

    internal async Task<JsonNode> GetAppAsync(string id) =>
        (await SendAsync("GET", "/v2/apps" + id)).Expect(HttpStatusCode.OK).Body!["app"]!;

    internal async Task<JsonArray> DeploymentsAsync() => (await SendAsync("GET", "/v2/deployments")).Expect(HttpStatusCode.OK).Body!.AsArray();

    internal async Task<List<JsonNode>> TasksAsync(string app) =>
        [.. (await SendAsync("GET", $"/v2/apps{app}/tasks")).Expect(HttpStatusCode.OK).Body!["tasks"]!.AsArray().Select(task => task!)];

    internal async Task<string[]> RunningAsync(string app) =>
        [.. (await TasksAsync(app)).Where(task => task["state"]!.ToString() == "TASK_RUNNING").Select(task => task["id"]!.ToString()).Order(StringComparer.Ordinal)];

    /// <summary>Ids of the running tasks, once there are so many of them.</summary>
    internal Task<string[]> RunningAsync(string app, int count, params string[] except) => Waiting.ForAsync(
        async () => (await RunningAsync(app)) is var ids && ids.Length == count && !ids.Intersect(except).Any() ? ids : null,
        $"{count} new tasks of {app} run");

    internal Task UntilAppAsync(string id, Func<JsonNode, bool> condition, string what) =>
        Waiting.UntilAsync(async () => condition(await GetAppAsync(id)), $"{id}: {what}");

    internal async Task<List<JsonNode>> QueueAsync() =>
        [.. (await SendAsync("GET", "/v2/queue")).Expect(HttpStatusCode.OK).Body!["queue"]!.AsArray().Select(item => item!)];

    internal Task<JsonNode> QueuedAsync(string app, Func<JsonNode, bool> condition) => Waiting.ForAsync(
        async () => (await QueueAsync()).FirstOrDefault(item => (item["app"] ?? item["pod"])!["id"]!.ToString() == app && condition(item)), $"{app} waits in the queue");
}

public sealed class OneNode() : TestCluster(1);

public sealed class TwoNodes() : TestCluster(2);

/// <summary>Nodes 1 and 2 at home, 3 and 4 far away.</summary>
public sealed class TwoRegions() : TestCluster(4)
{
    private protected override ServerOptions Tune(ServerOptions options) => options with { HomeRegion = "home" };

    private protected override AgentOptions Tune(int number, AgentOptions options) => options with { Region = number <= 2 ? "home" : "remote", Zone = $"z{number}" };
}

/// <summary>Each node has a network "overlay" of its own beside the bridge.</summary>
public sealed class NamedNetworks() : TestCluster(2)
{
    private protected override AgentOptions Tune(int number, AgentOptions options) => options with
    {
        Networks = new Dictionary<string, string> { ["overlay"] = $"10.231.{number}.0/24" },
    };
}

/// <summary>Every node has a GPU, by what its driver would show, and they are kept for those who need one.</summary>
public sealed class GpuNodes() : TestCluster(2)
{
    private protected override AgentOptions Tune(int number, AgentOptions options)
    {
        var gpus = MadeUpGpus.In(Directory.CreateDirectory($"{Path.GetDirectoryName(options.WorkDir)}/gpus{number}").FullName, 1);
        return gpus is null ? options : options with { GpuRoot = gpus.Root };
    }
}

/// <summary>Tests on a cluster of their class, which each finds empty.</summary>
public abstract class Scenario<TCluster>(TCluster cluster) : IClassFixture<TCluster>, IAsyncLifetime where TCluster : TestCluster
{
    private protected TestCluster Cluster { get; } = cluster;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Cluster.ClearAsync();
        GC.SuppressFinalize(this);
    }

    private protected static string App(string id, string cmd = "exec sleep 1000", string more = "") => TestCluster.App(id, cmd, more);
}
