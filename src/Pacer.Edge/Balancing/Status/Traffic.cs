using Pacer.Edge.Balancing.Servers;

namespace Pacer.Edge.Balancing.Status;

/// <summary>What goes on at one server.</summary>
/// <param name="Status">UP, DOWN, MAINT, NOLB: HAProxy's words.</param>
/// <param name="Reason">Why it is not up; null when it is.</param>
internal readonly record struct ServerTraffic(string Status, string? Reason, long Active, long Total, long Failures);

/// <param name="Answers">By hundreds of the status, from 0 (others) to 5.</param>
/// <param name="Unserved">Requests that no server could take.</param>
internal sealed record BackendTraffic(IReadOnlyList<long> Answers, long Retries, long Unserved, long Queued, long Received, long Sent, IReadOnlyList<ServerTraffic> Servers)
{
    public long Requests => Answers.Sum();
}

/// <summary>The numbers of a balancer at one moment, wherever its data path keeps them.</summary>
/// <param name="Backends">One for each pool, its servers in the pool's order.</param>
internal sealed record Traffic(long Open, long Total, long Refused, IReadOnlyDictionary<Pool, BackendTraffic> Backends)
{
    /// <summary>Those of the data path in this process.</summary>
    public static Traffic Of(BalancerView view)
    {
        var now = view.Now;
        return new Traffic(view.Doors.Open, view.Doors.Total, view.Doors.Refused, view.Routes.Pools.Values.ToDictionary(pool => pool, pool => new BackendTraffic(
            [.. Enumerable.Range(0, 6).Select(pool.State.Answers)], pool.State.Retries, pool.State.Unserved, pool.State.Queued, pool.State.Received, pool.State.Sent,
            [.. pool.Servers.Select(server => new ServerTraffic(BalancerView.StatusOf(server, now), BalancerView.ReasonOf(server, now), server.Load.Active, server.Load.Total, server.Load.Failures))])));
    }
}
