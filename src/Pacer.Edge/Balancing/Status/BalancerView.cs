using System.Net;
using Pacer.Edge.Balancing.Haproxy;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Listening;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Tls;

namespace Pacer.Edge.Balancing.Status;

/// <summary>What the status pages show, read at the moment they are asked.</summary>
internal sealed class BalancerView(LiveRoutes routes, ListenerSet listeners, ListenerDoors doors, CertificateStore certificates, TimeProvider time)
{
    public DateTimeOffset StartedAt { get; } = time.GetUtcNow();

    /// <summary>The balancer's own listeners.</summary>
    public List<(ListenerKind Kind, IPEndPoint Address)> Addresses { get; } = [];

    /// <summary>Why there is no contact to the server; null while there is.</summary>
    public Func<string?> Trouble { get; set; } = () => null;

    /// <summary>The data path; null: it is this process.</summary>
    public HaproxyEngine? Haproxy { get; set; }

    public RouteSet Routes => routes.Current;

    public ListenerDoors Doors => doors;

    public CertificateStore Certificates => certificates;

    public DateTimeOffset Now => time.GetUtcNow();

    public bool ServesHttps => Addresses.Exists(address => address.Kind == ListenerKind.Https);

    public IReadOnlyList<BalancerWarning> Warnings =>
    [
        .. routes.Current.Table.Warnings, .. listeners.Warnings, .. Haproxy?.Warnings ?? [], .. Uncovered(),
        .. certificates.Troubles.Select(trouble => new BalancerWarning("", null, trouble)),
    ];

    /// <summary>The numbers of now.</summary>
    public async Task<Traffic> CountAsync(CancellationToken cancellationToken = default) =>
        Haproxy is null ? Traffic.Of(this) : HaproxyTraffic.Of(Routes, Haproxy, await Haproxy.CountAsync(cancellationToken));

    // Only where TLS is meant: by a redirect to it, or because there are certificates for others.
    private IEnumerable<BalancerWarning> Uncovered() => !ServesHttps ? [] :
        from backend in routes.Current.Table.Backends
        where backend.Settings.Certificates.Count == 0 && (backend.Settings.RedirectToHttps || certificates.Certificates.Count > 0)
        from host in backend.Settings.Hosts
        where !host.StartsWith('*') && !certificates.Covers(host)
        select new BalancerWarning(backend.ServiceId, $"HAPROXY_{backend.PortIndex}_VHOST", $"HAPROXY_{backend.PortIndex}_VHOST: no certificate is good for {host}; browsers get a self-signed one and warn.");

    public static string StatusOf(PoolServer server, DateTimeOffset now) => server.Server.Standing switch
    {
        ServerStanding.Up when server.Load.Rests(now) => "DOWN",
        ServerStanding.Up => "UP",
        ServerStanding.Draining => "MAINT",
        ServerStanding.Unreachable => "NOLB",
        _ => "DOWN",
    };

    public static string? ReasonOf(PoolServer server, DateTimeOffset now) =>
        server.Server.Reason ?? (server.Load.Rests(now) ? "it could not be connected to; it is tried again in a moment" : null);
}
