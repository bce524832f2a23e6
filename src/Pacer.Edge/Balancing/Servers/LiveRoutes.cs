using System.Collections.Concurrent;
using System.Collections.Frozen;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Servers;

/// <summary>One routing table with its pools; swapped as a whole, read without locks.</summary>
internal sealed record RouteSet(RoutingTable Table, FrozenDictionary<string, Pool> Pools, FrozenDictionary<Backend, Pool> ByBackend)
{
    public static readonly RouteSet Empty = new(RoutingTable.Empty, FrozenDictionary<string, Pool>.Empty, FrozenDictionary<Backend, Pool>.Empty);
}

/// <summary>The routes in force, and the state of backends and servers that outlasts each of them.</summary>
internal sealed class LiveRoutes(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, BackendState> _states = new(StringComparer.Ordinal);
    private volatile RouteSet _current = RouteSet.Empty;

    public RouteSet Current => _current;

    public static string KeyOf(Backend backend) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{backend.ServiceId}:{backend.PortIndex}");

    public void Swap(RoutingTable table)
    {
        var now = time.GetUtcNow();
        var pools = new Dictionary<string, Pool>(StringComparer.Ordinal);
        foreach (var backend in table.Backends)
        {
            pools[KeyOf(backend)] = new Pool(backend, _states.GetOrAdd(KeyOf(backend), _ => new BackendState()), time);
        }
        _current = new RouteSet(table, pools.ToFrozenDictionary(StringComparer.Ordinal), pools.Values.ToFrozenDictionary<Pool, Backend>(pool => pool.Backend, ReferenceEqualityComparer.Instance));
        foreach (var (key, state) in _states)
        {
            var pool = pools.GetValueOrDefault(key);
            var serving = pool?.Servers.Where(server => server.Server.Standing != ServerStanding.Draining).Select(server => (server.Server.TaskId, server.Server.Address)).ToHashSet() ?? [];
            foreach (var (server, load) in state.Loads)
            {
                load.DrainingSince = serving.Contains(server) ? null : load.DrainingSince ?? now;
                load.Idle.Keep(load.DrainingSince is null); // many servers end only when the last connection has
            }
            state.WakeAll(); // a server that is new may have room
        }
    }

    /// <summary>Cuts what has drained for too long, forgets what is gone and idle.</summary>
    public void Sweep(TimeSpan longest)
    {
        var now = time.GetUtcNow();
        var routes = _current;
        foreach (var (key, state) in _states)
        {
            var pool = routes.Pools.GetValueOrDefault(key);
            foreach (var (server, load) in state.Loads)
            {
                if (load.DrainingSince is { } since && now - since >= longest)
                {
                    load.CutTunnels();
                }
                load.Idle.Sweep(Environment.TickCount64);
                if (load.Active == 0 && pool?.Servers.Any(other => ReferenceEquals(other.Load, load)) != true)
                {
                    state.Loads.TryRemove(server, out _);
                    load.Idle.Keep(false);
                }
            }
            if (pool is null && state.Loads.IsEmpty && state.Queued == 0)
            {
                _states.TryRemove(key, out _);
            }
        }
    }
}
