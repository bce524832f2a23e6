using System.Globalization;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Ports of services that somebody else has: HAProxy would take none at all for one of them. Safe for many threads.</summary>
internal sealed class UnavailablePorts
{
    private volatile IReadOnlyList<BalancerWarning> _warnings = [];

    public IReadOnlyList<BalancerWarning> Warnings => _warnings;

    /// <summary>Tries those that are not listened on yet. Returns the binds that can't be had.</summary>
    /// <param name="held">Binds of what runs.</param>
    public HashSet<string> Probe(RoutingTable table, HaproxySetup setup, IReadOnlySet<string> held)
    {
        var missing = new Dictionary<string, BalancerWarning>();
        foreach (var backend in table.Backends.Where(backend => backend.Listens && setup.ServicePorts))
        {
            var bind = HaproxyRenderer.BindOf(backend, setup);
            if (held.Contains(bind))
            {
                continue;
            }
            var address = backend.Settings.BindAddress ?? setup.BindAddress;
            if (PortProbe.Try(address, backend.Settings.ListenPort, out _) is { } reason)
            {
                missing[bind] = new BalancerWarning(backend.ServiceId, null, string.Create(CultureInfo.InvariantCulture,
                    $"Port {backend.PortIndex}: {address?.ToString() ?? "*"}:{backend.Settings.ListenPort} can't be listened on: {reason}. HAPROXY_{backend.PortIndex}_PORT chooses another."));
            }
        }
        _warnings = [.. missing.Values];
        return [.. missing.Keys];
    }
}
