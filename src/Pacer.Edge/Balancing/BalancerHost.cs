using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Haproxy;
using Pacer.Edge.Balancing.Http;
using Pacer.Edge.Balancing.Http1;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Status;
using Pacer.Edge.Balancing.Tcp;
using Pacer.Edge.Balancing.Tls;
using Pacer.Edge.Endpoints;
using Yarp.ReverseProxy.Forwarder;

namespace Pacer.Edge.Balancing;

/// <summary>A running load balancer: its routes follow the endpoints feed of a Pacer server.</summary>
public sealed class BalancerHost : IAsyncDisposable
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(2);

    private readonly BalancerOptions _options;
    private readonly TimeProvider _time;
    private readonly EndpointSet _endpoints = new();
    private readonly Lock _applying = new();
    private readonly LiveRoutes _routes;
    private readonly CertificateStore _certificates;
    private readonly ServerClients _clients = new();
    private readonly ListenerDoors _doors;
    private readonly ListenerSet _serviceListeners;
    private readonly List<PortListener> _own = [];
    private readonly List<string> _notes = [];
    private readonly List<string> _replaced = [];
    private readonly BalancerView _view;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<int, string> _taken = [];
    private AccessLog? _accessLog;
    private WebApplication? _http;
    private HttpFront? _front;
    private EndpointSource? _source;
    private Task _sweeping = Task.CompletedTask;
    private Lanes? _lanes;
    private Task _watching = Task.CompletedTask;
    private HaproxyDataPath? _haproxy;
    private bool _known;

    private BalancerHost(BalancerOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _routes = new LiveRoutes(time);
        _certificates = new CertificateStore(options.Certificates, time);
        var tcp = new TcpFront(_routes, time);
        // Nothing here blocks a thread for long, and each hop between threads costs a busy balancer a part of its requests.
        var sockets = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { UnsafePreferInlineScheduling = true }, NullLogger.Instance);
        _doors = new ListenerDoors(new Doorway(), sockets, options.MaxConnections, options.HeadTimeout, tcp.ServeAsync);
        _serviceListeners = new ListenerSet(_doors, options.BindAddress);
        _view = new BalancerView(_routes, _serviceListeners, _doors, _certificates, time);
    }

    /// <summary>Where it listens itself, apart from ports of services: "http", "https", "appid" and "status".</summary>
    public IReadOnlyList<(string Kind, IPEndPoint Address)> Addresses => [.. _view.Addresses.Select(address => (address.Kind.ToString().ToLowerInvariant(), address.Address))];

    /// <summary>What did not come out as asked for, in words for users.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Completes when the services of the cluster are known.</summary>
    public Task Ready => _source?.FirstSnapshot ?? Task.CompletedTask;

    /// <summary>Why there is no contact to the server; null while there is.</summary>
    public string? Trouble => _source?.Trouble;

    /// <summary>With HAProxy as data path: it goes on when this ends, and the next balancer of its directory takes it over.</summary>
    public void LeaveHaproxy()
    {
        if (_haproxy is not null)
        {
            _haproxy.Engine.Leaves = true;
        }
    }

    internal HaproxyEngine? Haproxy => _haproxy?.Engine;

    internal LiveRoutes Routes => _routes;

    internal BalancerView View => _view;

    /// <param name="server">Base address of the REST API whose services are published.</param>
    public static async Task<BalancerHost> StartAsync(BalancerOptions options, Uri server, ILogger log)
    {
        var host = await StartAsync(options, TimeProvider.System);
        host._source = new EndpointSource(server, host.Apply, TimeProvider.System, log);
        host._view.Trouble = () => host._source.Trouble;
        return host;
    }

    internal static async Task<BalancerHost> StartAsync(BalancerOptions options, TimeProvider time)
    {
        var host = new BalancerHost(options, time);
        try
        {
            await host.StartAsync();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_source is not null)
        {
            await _source.DisposeAsync();
        }
        await Task.WhenAll(_sweeping, _watching);
        if (_haproxy is not null)
        {
            await _haproxy.DisposeAsync();
        }
        // No new connections; those there are may finish what they do.
        _own.ForEach(listener => listener.Dispose());
        lock (_applying)
        {
            _serviceListeners.Dispose();
        }
        if (_lanes is not null)
        {
            await _lanes.StopAsync(TimeSpan.FromSeconds(5));
        }
        if (_http is not null)
        {
            await _http.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token);
            await _http.DisposeAsync();
        }
        if (_accessLog is not null)
        {
            await _accessLog.DisposeAsync();
        }
        _clients.Dispose();
        _stopping.Dispose();
    }

    internal void Apply(EndpointUpdate update)
    {
        lock (_applying)
        {
            _endpoints.Apply(update);
            _known = true;
            Rebuild();
        }
    }

    private void Rebuild()
    {
        if (!_known)
        {
            return; // an adopted data path goes on with what it has
        }
        var table = RouteBuilder.Build(_endpoints, new RouteOptions
        {
            Groups = _options.Groups,
            Strict = _options.Strict,
            MarathonLbPaths = _options.MarathonLbPaths,
            Taken = _taken,
            Haproxy = _haproxy is not null,
        });
        _routes.Swap(table);
        _certificates.Touch(table.Backends.SelectMany(backend => backend.Settings.Certificates));
        if (_stopping.IsCancellationRequested)
        {
            return;
        }
        if (_haproxy is not null)
        {
            _haproxy.Engine.Post(table);
        }
        else if (_options.ServicePorts)
        {
            _serviceListeners.Apply(table);
        }
    }

    private async Task StartAsync()
    {
        try
        {
            _accessLog = _options.AccessLog is { } file ? new AccessLog(file) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BalancerStartException($"--lb-access-log {_options.AccessLog} can't be written: {e.Message} Choose another file, or off.");
        }
        Pages pages;
        try
        {
            pages = new Pages(_options.ErrorPage);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BalancerStartException($"--lb-error-page {_options.ErrorPage} can't be read: {e.Message} Name a file that holds a page.");
        }
        _certificates.Refresh();
        _lanes = new Lanes(_routes, _accessLog, _time);
        _watching = _lanes.WatchAsync(_stopping.Token);
        _doors.Plain = connection => _lanes.ServeAsync(connection, connection.Features.Get<Arrival>()!);
        await StartHttpAsync(pages);
        if (_options.HaproxyDirectory is not null)
        {
            _haproxy = new HaproxyDataPath(_options, _certificates, _accessLog, pages.Unavailable, _time);
            _view.Haproxy = _haproxy.Engine;
        }
        Listen(_options.Http, ListenerKind.Http, "--lb-http");
        Listen(_options.Https, ListenerKind.Https, "--lb-https");
        Listen(_options.AppIds, ListenerKind.AppId, "--lb-appid");
        Listen(_options.Status, ListenerKind.Status, "--lb-status");
        if (_haproxy is not null)
        {
            await _haproxy.StartAsync();
            if (_haproxy.Engine.Adopted)
            {
                _notes.Add($"Goes on with the HAProxy (process {_haproxy.Engine.Process.Master}) that works in {_options.HaproxyDirectory}.");
            }
        }
        if (_replaced.Count > 0)
        {
            _notes.Add($"The load balancer can't have {string.Join("; ", _replaced)}. --lb-http, --lb-https, --lb-appid and --lb-status ADDRESS:PORT choose others.");
        }
        _sweeping = SweepAsync();
    }

    private async Task StartHttpAsync(Pages pages)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddHttpForwarder();
        var tls = new TlsChoice(_certificates, _routes);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            var limits = kestrel.Limits;
            limits.MaxRequestBodySize = null; // that is for the servers to say
            limits.RequestHeadersTimeout = _options.HeadTimeout;
            limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            limits.MinRequestBodyDataRate = new MinDataRate(100, TimeSpan.FromSeconds(30));
            limits.MinResponseDataRate = new MinDataRate(100, TimeSpan.FromSeconds(30));
            kestrel.Listen(_doors.Doorway.Plain, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(_doors.Doorway.Http2, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(_doors.Doorway.Tls, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = context => new(tls.Options(context.Connection, context.ClientHelloInfo.ServerName, true)),
                    HandshakeTimeout = TimeSpan.FromSeconds(10),
                });
            });
            kestrel.Listen(_doors.Doorway.RawTls, listen =>
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = context => new(tls.Options(context.Connection, context.ClientHelloInfo.ServerName, false)),
                    HandshakeTimeout = TimeSpan.FromSeconds(10),
                });
                listen.Run(connection => _doors.Raw(connection));
            });
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(_doors.Doorway);
        _http = builder.Build();
        var front = _front = new HttpFront(_routes, _http.Services.GetRequiredService<IHttpForwarder>(), _clients, pages, _accessLog, _time);
        var status = new StatusApi(_view, Refresh);
        _http.Run(http => http.Features.Get<Arrival>() switch
        {
            null => Task.CompletedTask,
            { Purpose.Kind: ListenerKind.Status } => status.HandleAsync(http),
            var arrival => front.HandleAsync(http, arrival),
        });
        await _http.StartAsync();
    }

    private void Refresh()
    {
        _certificates.Refresh();
        lock (_applying)
        {
            Rebuild();
        }
    }

    private void Listen(BalancerAddress? address, ListenerKind kind, string flag)
    {
        if (address is null)
        {
            return;
        }
        var purpose = new Purpose(kind) { AcceptProxy = _options.AcceptProxy && kind != ListenerKind.Status };
        var trouble = TryListen(address.Wanted, purpose);
        if (trouble is null)
        {
            return;
        }
        foreach (var port in address.Fallback is { } fallback ? [fallback, 0] : Array.Empty<int>())
        {
            if (TryListen(new IPEndPoint(address.Wanted.Address, port), purpose) is null)
            {
                _replaced.Add($"{address.Wanted} for {Words(kind)} ({trouble}), so that is on {_view.Addresses[^1].Address}");
                return;
            }
        }
        if (!_options.Lenient)
        {
            throw new BalancerStartException($"{flag} {address.Wanted} can't be used: {trouble}. Choose another address with {flag} ADDRESS:PORT, or off.");
        }
        _notes.Add($"The load balancer can't have {address.Wanted} ({trouble}) and goes without {Words(kind)}. {flag} ADDRESS:PORT chooses another.");
    }

    private string? TryListen(IPEndPoint wanted, Purpose purpose)
    {
        if (_haproxy is not null && purpose.Kind != ListenerKind.Status)
        {
            var trouble = _haproxy.TryListen(wanted, purpose.Kind, out var address);
            if (trouble is null)
            {
                Took(purpose.Kind, address);
            }
            return trouble;
        }
        try
        {
            var listener = new PortListener(wanted.Address.Equals(IPAddress.IPv6Any) ? null : wanted.Address, wanted.Port, purpose, _doors);
            _own.Add(listener);
            Took(purpose.Kind, listener.LocalEndPoint);
            if (purpose.Kind == ListenerKind.Https)
            {
                _front!.HttpsPort = listener.LocalEndPoint.Port;
            }
            return null;
        }
        catch (SocketException e)
        {
            return ListenerSet.ReasonOf(e);
        }
    }

    private void Took(ListenerKind kind, IPEndPoint address)
    {
        _view.Addresses.Add((kind, address));
        _taken[address.Port] = Words(kind);
    }

    private static string Words(ListenerKind kind) => kind switch
    {
        ListenerKind.Http => "HTTP",
        ListenerKind.Https => "HTTPS",
        ListenerKind.AppId => "apps by id",
        _ => "its status",
    };

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(SweepPeriod, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                _routes.Sweep(_options.DrainTimeout);
                _certificates.Refresh();
                if (_haproxy is not null)
                {
                    await SweepAsync(_haproxy);
                }
                if (_serviceListeners.Warnings.Count > 0)
                {
                    lock (_applying)
                    {
                        _serviceListeners.Apply(_routes.Current.Table); // the port may be free by now
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task SweepAsync(HaproxyDataPath haproxy)
    {
        await haproxy.Engine.CutAsync(_options.DrainTimeout);
        lock (_applying)
        {
            if (_known && haproxy.IsOutdated())
            {
                haproxy.Engine.Post(_routes.Current.Table);
            }
        }
    }

    // The role that runs the balancer listens to signals, not this.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
