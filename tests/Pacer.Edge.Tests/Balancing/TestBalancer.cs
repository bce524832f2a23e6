using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>A balancer with real sockets on the loopback, fed by a test.</summary>
internal sealed class TestBalancer : IAsyncDisposable
{
    private readonly Dictionary<string, EndpointService> _services = [];
    private readonly List<EndpointTask> _tasks = [];
    private int _ids;

    private TestBalancer(BalancerHost host) => Host = host;

    public BalancerHost Host { get; }

    public IPEndPoint this[string kind] => Host.Addresses.First(address => address.Kind == kind).Address;

    public static async Task<TestBalancer> StartAsync(Func<BalancerOptions, BalancerOptions>? change = null)
    {
        var any = new BalancerAddress(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new BalancerOptions { Groups = ["*"], Http = any, Https = any, AppIds = any, Status = any, BindAddress = IPAddress.Loopback };
        return new TestBalancer(await BalancerHost.StartAsync(change?.Invoke(options) ?? options, TimeProvider.System));
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();

    /// <summary>Puts an app in place, with a task for each port of a server.</summary>
    public List<EndpointTask> Put(string id, string[] labels, params int[] servers)
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
        Apply();
        return added;
    }

    public void Apply() => Host.Apply(new EndpointUpdate
    {
        Reset = true,
        Services = [.. _services.Values],
        Tasks = [.. _tasks],
        Nodes = [new EndpointNode { Id = "cluster-S1", Hostname = "n1", Address = "127.0.0.1", State = "connected" }],
    });

    public void Remove(EndpointTask task)
    {
        _tasks.Remove(task);
        Apply();
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
