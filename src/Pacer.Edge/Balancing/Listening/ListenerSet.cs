using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Listening;

/// <summary>The listeners of services: they come and go with the routes. Not for several threads, reading apart.</summary>
internal sealed class ListenerSet(ListenerDoors doors, IPAddress? bindAddress) : IDisposable
{
    private readonly Dictionary<(IPAddress? Address, int Port), PortListener> _listeners = [];
    private readonly Dictionary<(IPAddress? Address, int Port), BalancerWarning> _troubles = [];
    private volatile IReadOnlyList<BalancerWarning> _warnings = [];

    /// <summary>Ports that can't be had.</summary>
    public IReadOnlyList<BalancerWarning> Warnings => _warnings;

    /// <summary>Ports that could not be had are tried again each time.</summary>
    public void Apply(RoutingTable table)
    {
        var wanted = new Dictionary<(IPAddress? Address, int Port), (Purpose Purpose, Backend Backend)>();
        foreach (var backend in table.Backends.Where(backend => backend.Listens))
        {
            var settings = backend.Settings;
            var purpose = new Purpose(ListenerKind.Service, LiveRoutes.KeyOf(backend))
            {
                Raw = settings.Mode == ServiceMode.Tcp,
                AcceptProxy = settings.AcceptProxy,
                Certificates = settings.Certificates,
            };
            wanted[(settings.BindAddress ?? bindAddress, settings.ListenPort)] = (purpose, backend);
        }
        foreach (var (place, listener) in _listeners.Where(listener => !wanted.ContainsKey(listener.Key)).ToList())
        {
            listener.Dispose();
            _listeners.Remove(place);
        }
        _troubles.Clear();
        foreach (var (place, (purpose, backend)) in wanted)
        {
            if (_listeners.TryGetValue(place, out var listener))
            {
                if (!listener.Purpose.Equals(purpose))
                {
                    listener.Purpose = purpose;
                }
                continue;
            }
            try
            {
                _listeners[place] = new PortListener(place.Address, place.Port, purpose, doors);
            }
            catch (SocketException e)
            {
                _troubles[place] = new BalancerWarning(backend.ServiceId, null, string.Create(CultureInfo.InvariantCulture,
                    $"Port {backend.PortIndex}: {place.Address?.ToString() ?? "*"}:{place.Port} can't be listened on: {ReasonOf(e)}. HAPROXY_{backend.PortIndex}_PORT chooses another."));
            }
        }
        _warnings = [.. _troubles.Values];
    }

    public void Dispose()
    {
        foreach (var listener in _listeners.Values)
        {
            listener.Dispose();
        }
        _listeners.Clear();
    }

    public static string ReasonOf(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another process listens there",
        SocketError.AccessDenied => "ports below 1024 are for root",
        SocketError.AddressNotAvailable => "this machine has no such address",
        _ => string.Create(CultureInfo.InvariantCulture, $"the system refused it, error {e.NativeErrorCode}"),
    };
}
