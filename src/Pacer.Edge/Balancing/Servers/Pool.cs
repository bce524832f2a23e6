using System.Net;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;
using Yarp.ReverseProxy.Forwarder;

namespace Pacer.Edge.Balancing.Servers;

/// <summary>A server together with its load.</summary>
internal sealed record PoolServer(Server Server, ServerLoad Load);

/// <summary>A backend as one routing table has it: chooses servers. Safe for all threads.</summary>
internal sealed class Pool
{
    private readonly PoolServer[] _up;
    private readonly PoolServer[] _turns;
    private readonly PoolServer[] _unreachable;
    private readonly PoolServer[] _draining;
    private readonly TimeProvider _time;

    public Pool(Backend backend, BackendState state, TimeProvider time)
    {
        Backend = backend;
        State = state;
        _time = time;
        Servers = [.. backend.Servers.Select(server => new PoolServer(server, state.Loads.GetOrAdd((server.TaskId, server.Address), _ => new ServerLoad())))];
        _up = [.. Servers.Where(server => server.Server is { Standing: ServerStanding.Up, Weight: > 0 })];
        if (_up.Length == 0)
        {
            _up = [.. Servers.Where(server => server.Server.Standing == ServerStanding.Up)];
        }
        _unreachable = [.. Servers.Where(server => server.Server.Standing == ServerStanding.Unreachable)];
        _draining = [.. Servers.Where(server => server.Server.Standing == ServerStanding.Draining)];
        _turns = Turns(_up);
        IsPlain = Backend.Settings is
            {
                ServerProtocol: ServerProtocol.Http, Sticky: false, RedirectToHttps: false, Hsts: false, Auth: null, AllowedNetworks: null, ProxyPassPath: null,
                ReverseProxyPath: null, RootRedirect: null, Maintenance: false, RequestHeaders.Count: 0, ResponseHeaders.Count: 0,
                Balance.Algorithm: BalanceAlgorithm.RoundRobin or BalanceAlgorithm.LeastConnections or BalanceAlgorithm.First or BalanceAlgorithm.Random,
            };
        Plain = Config(backend.Settings.ServerProtocol == ServerProtocol.Http2, backend.Settings.ServerTimeout);
        Tunnel = Config(backend.Settings.ServerProtocol == ServerProtocol.Http2, backend.Settings.TunnelTimeout);
        Grpc = Config(true, backend.Settings.TunnelTimeout);
    }

    public Backend Backend { get; }

    public BackendState State { get; }

    public IReadOnlyList<PoolServer> Servers { get; }

    public PortSettings Settings => Backend.Settings;

    /// <summary>Requests go to servers and answers come back as they are, but for what says where they came from.</summary>
    public bool IsPlain { get; }

    /// <summary>How requests are forwarded that end when their answer does.</summary>
    public ForwarderRequestConfig Plain { get; }

    /// <summary>Those that may be silent for long: WebSockets and streams of events.</summary>
    public ForwarderRequestConfig Tunnel { get; }

    public ForwarderRequestConfig Grpc { get; }

    /// <summary>Some server can be tried at all.</summary>
    public bool HasServers => _up.Length + _unreachable.Length + _draining.Length > 0;

    /// <param name="key">What algorithms that keep things together go by; empty for others.</param>
    /// <param name="cookie">The client's sticky cookie; null: none.</param>
    /// <param name="tried">Servers to avoid; if only they are left, they are tried again.</param>
    /// <returns>
    /// Entered: leave it. Null with <paramref name="full"/>: all have as many as they may. Null without: there is none.
    /// </returns>
    public PoolServer? Choose(ReadOnlySpan<char> key, string? cookie, List<PoolServer>? tried, out bool full)
    {
        var now = _time.GetUtcNow();
        full = false;
        if (cookie is not null)
        {
            foreach (var server in _up)
            {
                if (server.Server.Cookie == cookie && !server.Load.Rests(now) && tried?.Contains(server) != true && Enter(server))
                {
                    return server;
                }
            }
        }
        foreach (var tier in (ReadOnlySpan<PoolServer[]>)[_up, _unreachable, _draining])
        {
            if (tier.Length == 0)
            {
                continue;
            }
            // First those in good order; then those that could not be connected to a moment ago; at last those tried for this request.
            for (var patience = 0; patience < 3; patience++)
            {
                if (Choose(tier, key, new Wish(now, patience, tried), ref full) is { } chosen)
                {
                    return chosen;
                }
                if (full)
                {
                    return null; // waiting for a good one is better than a bad one
                }
                if (patience == 0 && tier.Length == 1 && tried is null)
                {
                    patience++;
                }
            }
        }
        return null;
    }

    public void Leave(PoolServer server)
    {
        server.Load.Leave();
        if (State.Queued > 0)
        {
            State.WakeNext();
        }
    }

    /// <summary>Which servers will do.</summary>
    private readonly record struct Wish(DateTimeOffset Now, int Patience, List<PoolServer>? Tried)
    {
        public bool Fits(PoolServer server) => (Patience > 0 || !server.Load.Rests(Now)) && (Patience > 1 || Tried?.Contains(server) != true);
    }

    private static ForwarderRequestConfig Config(bool http2, TimeSpan silence) => new()
    {
        Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = silence,
    };

    private bool Enter(PoolServer server) => server.Load.TryEnter(Settings.MaxConnections);

    private PoolServer? Choose(PoolServer[] tier, ReadOnlySpan<char> key, Wish wish, ref bool full)
    {
        switch (Settings.Balance.Algorithm)
        {
            case BalanceAlgorithm.First:
                return FirstFrom(tier, 0, wish, ref full);
            case BalanceAlgorithm.Random:
                return FirstFrom(tier, Random.Shared.Next(tier.Length), wish, ref full);
            case BalanceAlgorithm.LeastConnections:
                return Best(tier, wish, ref full, static (server, turn) => -((double)server.Load.Active / Math.Max(1, server.Server.Weight)), State.NextTurn());
            case BalanceAlgorithm.RoundRobin:
                var order = ReferenceEquals(tier, _up) ? _turns : tier;
                return FirstFrom(order, (int)(State.NextTurn() % (uint)order.Length), wish, ref full);
            default:
                var hash = Hash(key, 14695981039346656037);
                return Best(tier, wish, ref full, static (server, hash) => Score(server.Server, hash), hash);
        }
    }

    private PoolServer? FirstFrom(PoolServer[] order, int start, Wish wish, ref bool full)
    {
        for (var i = 0; i < order.Length; i++)
        {
            var server = order[(start + i) % order.Length];
            if (wish.Fits(server))
            {
                if (Enter(server))
                {
                    return server;
                }
                full = true;
            }
        }
        return null;
    }

    private PoolServer? Best(PoolServer[] tier, Wish wish, ref bool full, Func<PoolServer, ulong, double> rate, ulong with)
    {
        List<PoolServer>? passed = null;
        while (true)
        {
            PoolServer? best = null;
            var highest = double.NegativeInfinity;
            var start = (int)(with % (uint)tier.Length);
            for (var i = 0; i < tier.Length; i++)
            {
                var server = tier[(start + i) % tier.Length];
                if (passed?.Contains(server) != true && wish.Fits(server) && rate(server, with) is var value && value > highest)
                {
                    (best, highest) = (server, value);
                }
            }
            if (best is null || Enter(best))
            {
                return best;
            }
            full = true;
            (passed ??= []).Add(best);
        }
    }

    /// <summary>Each key rates the servers in an order of its own, so a server that goes takes only its own keys along.</summary>
    private static double Score(Server server, ulong hash)
    {
        var mixed = Hash(server.Name, hash);
        mixed ^= mixed >> 33;
        mixed *= 0xff51afd7ed558ccd;
        mixed ^= mixed >> 33;
        mixed *= 0xc4ceb9fe1a85ec53;
        mixed ^= mixed >> 33;
        return -Math.Max(1, server.Weight) / Math.Log(((mixed >> 11) + 1) * (1.0 / (1UL << 53)) * 0.9999999);
    }

    private static ulong Hash(ReadOnlySpan<char> text, ulong hash)
    {
        foreach (var c in text)
        {
            hash = (hash ^ c) * 1099511628211;
        }
        return hash;
    }

    /// <summary>A round of turns, each server as often as its weight says, spread evenly.</summary>
    private static PoolServer[] Turns(PoolServer[] servers)
    {
        if (servers.Length < 2 || servers.All(server => server.Server.Weight == servers[0].Server.Weight))
        {
            return servers;
        }
        var divisor = servers.Aggregate(0, (common, server) => Gcd(common, Math.Max(1, server.Server.Weight)));
        var weights = servers.Select(server => Math.Max(1, server.Server.Weight) / divisor).ToArray();
        var total = weights.Sum();
        var credit = new int[servers.Length];
        var turns = new PoolServer[total];
        for (var turn = 0; turn < total; turn++)
        {
            var best = 0;
            for (var i = 0; i < servers.Length; i++)
            {
                credit[i] += weights[i];
                if (credit[i] > credit[best])
                {
                    best = i;
                }
            }
            credit[best] -= total;
            turns[turn] = servers[best];
        }
        return turns;
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
