using System.Collections.Immutable;
using System.Net;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Routes;

/// <summary>Whether a server gets new requests.</summary>
internal enum ServerStanding
{
    Up,

    /// <summary>Its node is out of sight: only while no other is up.</summary>
    Unreachable,

    /// <summary>It was told to end, or gives way to a newer version: only while there is nothing else.</summary>
    Draining,

    /// <summary>Unhealthy, or not ready.</summary>
    Down,
}

/// <summary>One task as a port is reached on it.</summary>
/// <param name="Name">As Marathon-LB names it: host, address and port with underscores.</param>
/// <param name="Number">Marathon-LB's server id.</param>
/// <param name="Cookie">Value of the sticky cookie that leads here.</param>
/// <param name="Reason">Why it is not up; null when it is.</param>
internal sealed record Server(string Name, int Number, string Cookie, string TaskId, IPEndPoint Address, ServerStanding Standing, string? Reason)
{
    public int Weight { get; init; } = 1;
}

/// <summary>One published port of a service, with the tasks behind it.</summary>
/// <param name="Name">As Marathon-LB names it: "shop_web_10004".</param>
/// <param name="ServiceId">"/shop/web", or the deployment group with a slash in front.</param>
internal sealed record Backend(string Name, string ServiceId, int PortIndex, PortSettings Settings, ImmutableArray<Server> Servers)
{
    public bool Listens => Settings.ListenPort > 0 && Listening;

    /// <summary>False when another service has its port.</summary>
    public bool Listening { get; init; } = true;
}

/// <summary>Leads requests for a host, and for paths with a prefix, to a backend.</summary>
/// <param name="Path">Null: all paths.</param>
internal sealed record HostRule(string Host, string? Path, bool IgnoreCase, int Weight, Backend Backend);

/// <summary>Everything a balancer does, as one value: what is to be listened on, and where requests go.</summary>
internal sealed record RoutingTable(
    ImmutableArray<Backend> Backends, HostRouter Hosts, ImmutableDictionary<string, Backend> AppIds, ImmutableArray<BalancerWarning> Warnings)
{
    public static readonly RoutingTable Empty = new([], HostRouter.Empty, ImmutableDictionary<string, Backend>.Empty.WithComparers(StringComparer.OrdinalIgnoreCase), []);
}

/// <summary>How one balancer looks at labels.</summary>
internal sealed record RouteOptions
{
    /// <summary>"*": whatever the groups of apps are.</summary>
    public IReadOnlyList<string> Groups { get; init; } = ["external"];

    /// <summary>Ports need HAPROXY_{n}_ENABLED.</summary>
    public bool Strict { get; init; }

    /// <summary>Marathon-LB's order of paths: weight, then the app's id; a prefix may end within a segment.</summary>
    public bool MarathonLbPaths { get; init; }

    /// <summary>HAProxy is the data path: text of labels that only it understands has an effect.</summary>
    public bool Haproxy { get; init; }

    /// <summary>Ports that the balancer itself listens on, with what for.</summary>
    public IReadOnlyDictionary<int, string> Taken { get; init; } = new Dictionary<int, string>();
}
