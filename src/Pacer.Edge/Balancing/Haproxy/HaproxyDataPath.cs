using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Status;
using Pacer.Edge.Balancing.Tls;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>HAProxy in the place of this process' own listeners: where it listens, what its configuration is made of, and its access log.</summary>
internal sealed class HaproxyDataPath : IAsyncDisposable
{
    private readonly BalancerOptions _options;
    private readonly CertificateStore _certificates;
    private readonly AccessLog? _accessLog;
    private readonly string _errorPage;
    private readonly List<(ListenerKind Kind, string Wanted, IPEndPoint Address)> _listeners = [];
    private readonly string? _user = Environment.IsPrivilegedProcess && HasUser("haproxy") ? "haproxy" : null;
    private HaproxyLog? _log;
    private string _loaded = "";

    /// <summary>Throws <see cref="BalancerStartException"/> when there is no HAProxy or its directory can't be had.</summary>
    /// <param name="errorPage">The page of answers with 503, HTML.</param>
    public HaproxyDataPath(BalancerOptions options, CertificateStore certificates, AccessLog? accessLog, string errorPage, TimeProvider time)
    {
        (_options, _certificates, _accessLog, _errorPage) = (options, certificates, accessLog, errorPage);
        Engine = HaproxyEngine.Open(options.HaproxyDirectory!, Setup, time);
    }

    public HaproxyEngine Engine { get; }

    /// <summary>HAProxy will listen there. A port that it has already is its own.</summary>
    /// <returns>Why it can't; null when it can.</returns>
    public string? TryListen(IPEndPoint wanted, ListenerKind kind, out IPEndPoint address)
    {
        if (Engine.Chosen.TryGetValue((kind.ToString(), wanted.ToString()), out var chosen))
        {
            address = chosen;
        }
        else
        {
            var trouble = PortProbe.Try(wanted.Address.Equals(IPAddress.IPv6Any) ? null : wanted.Address, wanted.Port, out var port);
            address = new IPEndPoint(wanted.Address, port);
            if (trouble is not null)
            {
                return trouble;
            }
        }
        _listeners.Add((kind, wanted.ToString(), address));
        return null;
    }

    /// <summary>Begins to serve, on what was given to <see cref="TryListen"/>. What an adopted HAProxy serves stays until the first routes are posted.</summary>
    public async Task StartAsync()
    {
        _log = _accessLog is null ? null : new HaproxyLog(Path.Combine(_options.HaproxyDirectory!, "log"), _accessLog);
        await Engine.StartAsync(_listeners.Select(listener => (listener.Kind.ToString(), listener.Wanted, listener.Address)));
    }

    /// <summary>Looks whether a port is free by now or certificates are others, so that what there is should be posted again.</summary>
    public bool IsOutdated()
    {
        var before = _loaded;
        _loaded = _certificates.AsText().Key;
        return Engine.WaitsForPorts || _loaded != before;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    private HaproxySetup Setup() => new()
    {
        Directory = _options.HaproxyDirectory!,
        Http = AddressOf(ListenerKind.Http),
        Https = AddressOf(ListenerKind.Https),
        AppIds = AddressOf(ListenerKind.AppId),
        AcceptProxy = _options.AcceptProxy,
        ServicePorts = _options.ServicePorts,
        BindAddress = _options.BindAddress,
        HasIpv6 = Socket.OSSupportsIPv6,
        MarathonLbPaths = _options.MarathonLbPaths,
        MaxConnections = _options.MaxConnections,
        HeadTimeout = _options.HeadTimeout,
        DrainTimeout = _options.DrainTimeout,
        Logs = _accessLog is not null,
        User = _user,
        ErrorPage = _errorPage,
        Certificates = _certificates.AsText(),
    };

    private IPEndPoint? AddressOf(ListenerKind kind) => _listeners.Find(listener => listener.Kind == kind).Address;

    private static bool HasUser(string name) => File.Exists("/etc/passwd") && File.ReadLines("/etc/passwd").Any(line => line.StartsWith(name + ":", StringComparison.Ordinal));
}
