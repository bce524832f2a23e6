using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing;
using Pacer.Edge.Balancing.Haproxy;
using Pacer.Edge.Balancing.Status;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>A balancer with real sockets on the loopback, fed by a test.</summary>
internal sealed class TestBalancer : IAsyncDisposable
{
    private readonly Dictionary<string, EndpointService> _services = [];
    private readonly List<EndpointTask> _tasks = [];
    private int _ids;

    private readonly string? _directory;
    private bool _ended;

    private TestBalancer(BalancerHost host, string? directory)
    {
        Host = host;
        _directory = directory;
    }

    public BalancerHost Host { get; }

    public IPEndPoint this[string kind] => Host.Addresses.First(address => address.Kind == kind).Address;

    /// <param name="haproxy">HAProxy is the data path.</param>
    public static async Task<TestBalancer> StartAsync(Func<BalancerOptions, BalancerOptions>? change = null, bool haproxy = false)
    {
        Assert.SkipWhen(haproxy && HaproxyProcess.Program is null, "needs haproxy");
        var directory = haproxy ? Directory.CreateTempSubdirectory("pacer-haproxy-").FullName : null;
        var any = new BalancerAddress(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new BalancerOptions { Groups = ["*"], Http = any, Https = any, AppIds = any, Status = any, BindAddress = IPAddress.Loopback, HaproxyDirectory = directory };
        return new TestBalancer(await BalancerHost.StartAsync(change?.Invoke(options) ?? options, TimeProvider.System), directory);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }
        _ended = true;
        await Host.DisposeAsync();
        if (_directory is not null && Directory.Exists(_directory))
        {
            Directory.Delete(_directory, true);
        }
    }

    /// <summary>Puts an app in place, with a task for each port of a server.</summary>
    public List<EndpointTask> Put(string id, string[] labels, params int[] servers)
    {
        var added = PutWithoutWaiting(id, labels, servers);
        Apply();
        return added;
    }

    /// <summary>The balancer knows it, and does it in a moment.</summary>
    public List<EndpointTask> PutWithoutWaiting(string id, string[] labels, params int[] servers)
    {
        _services[id] = new EndpointService
        {
            Id = id,
            ConfigVersion = TestCluster.Config,
            Current = true,
            Networks = [new EndpointNetwork { Mode = "host" }],
            Ports = [new EndpointPort()],
            Labels = labels.Select(label => label.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]),
        };
        _tasks.RemoveAll(task => task.ServiceId == id);
        var added = servers.Select(port => TestCluster.Task(id, string.Create(CultureInfo.InvariantCulture, $"task{++_ids}"), 1, null, (port, port))).ToList();
        _tasks.AddRange(added);
        Tell();
        return added;
    }

    /// <summary>The balancer does what was put so far when this returns.</summary>
    public void Apply()
    {
        Tell();
        if (Host.Haproxy is { } haproxy)
        {
            Assert.True(haproxy.Settled().Wait(TimeSpan.FromSeconds(20)), "HAProxy was not told in time");
        }
    }

    private void Tell()
    {
        Host.Apply(new EndpointUpdate
        {
            Reset = true,
            Services = [.. _services.Values],
            Tasks = [.. _tasks],
            Nodes = [new EndpointNode { Id = "cluster-S1", Hostname = "n1", Address = "127.0.0.1", State = "connected" }],
        });
    }

    public void Remove(EndpointTask task)
    {
        _tasks.Remove(task);
        Apply();
    }

    /// <param name="key">"/app:0".</param>
    public async Task<BackendTraffic> NumbersAsync(string key)
    {
        var traffic = await Host.View.CountAsync();
        return traffic.Backends.Single(backend => Pacer.Edge.Balancing.Servers.LiveRoutes.KeyOf(backend.Key.Backend) == key).Value;
    }

    public HttpClient Client(string kind = "http", string? host = null, Version? version = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        var client = new HttpClient(handler) { BaseAddress = new Uri($"{(kind == "https" ? "https" : "http")}://{this[kind]}/"), Timeout = TimeSpan.FromSeconds(20) };
        client.DefaultRequestHeaders.Host = host;
        if (version is not null)
        {
            client.DefaultRequestVersion = version;
            client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        }
        return client;
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public static string BackendOf(HttpResponseMessage answer) => answer.Headers.TryGetValues("X-Backend", out var values) ? values.First() : "";

    public static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}")));
}
