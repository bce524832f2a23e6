using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;
using Pacer.Edge.Balancing.Servers;
using Pacer.Edge.Balancing.Status;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>What HAProxy counts, in the words of the status pages.</summary>
internal static class HaproxyTraffic
{
    public static Traffic Of(RouteSet routes, HaproxyEngine engine, HaproxyCounts counts)
    {
        var names = engine.Proxies.ToDictionary(proxy => LiveRoutes.KeyOf(proxy.Backend), proxy => proxy.Name, StringComparer.Ordinal);
        return new Traffic(counts.Open, counts.Total, counts.Refused, routes.Pools.Values.ToDictionary(pool => pool, pool => Of(pool, names.GetValueOrDefault(LiveRoutes.KeyOf(pool.Backend), ""), counts)));
    }

    private static BackendTraffic Of(Pool pool, string proxy, HaproxyCounts counts)
    {
        var sum = counts.Backend(proxy);
        long[] answers = [.. sum.Answers];
        answers[2] += pool.Settings.Mode == ServiceMode.Tcp ? sum.Total : 0;
        return new BackendTraffic(answers, sum.Retries, sum.Failures, sum.Queued, sum.Received, sum.Sent, [.. pool.Servers.Select(server => Of(server.Server, counts.Server(proxy, server.Server.Address)))]);
    }

    private static ServerTraffic Of(Server server, HaproxyCounts.Sum sum)
    {
        // What HAProxy does counts, not what it will be told in a moment.
        var (status, reason) = (server.Standing, sum.Ready) switch
        {
            (ServerStanding.Up, true) => ("UP", null),
            (ServerStanding.Up, false) => ("DOWN", "HAProxy has not taken it up yet"),
            (ServerStanding.Draining, _) => ("MAINT", server.Reason),
            (ServerStanding.Unreachable, _) => ("NOLB", server.Reason),
            _ => ("DOWN", server.Reason),
        };
        return new ServerTraffic(status, reason, sum.Current, sum.Total, sum.Failures);
    }
}
