using System.Net;
using Pacer.Contracts.Names;

namespace Pacer.Edge.Dns;

/// <summary>Where the address of a task's name comes from.</summary>
public enum AddressSource
{
    /// <summary>The task's own addresses.</summary>
    NetInfo,

    /// <summary>The node's address.</summary>
    Host,
}

/// <summary>Settings of the DNS server. Each has a command-line flag and an environment variable (docs/configuration.md).</summary>
public sealed record DnsOptions
{
    /// <summary>Where it listens, UDP and TCP.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new IPEndPoint(IPAddress.Loopback, 53)];

    /// <summary>Another address where it listens on port 53, or on the one after it, if it can. The machine need not have it yet. Null: none.</summary>
    public IPAddress? Resolver { get; init; }

    /// <summary>Used with the same addresses when a port can't be had; null: that is an error.</summary>
    public int? FallbackPort { get; init; }

    /// <summary>Where the HTTP API listens; null: nowhere.</summary>
    public IPEndPoint? HttpListen { get; init; }

    /// <summary>The domain of Mesos-DNS' names.</summary>
    public string Domain { get; init; } = "mesos";

    /// <summary>Seconds that answers about services may be kept.</summary>
    public int Ttl { get; init; } = 5;

    /// <summary>The first that has an address wins; null: the address that the task's ports are reached on.</summary>
    public IReadOnlyList<AddressSource>? IpSources { get; init; }

    /// <summary>Tasks that are unhealthy, not ready or draining are named although others could serve.</summary>
    public bool PublishUnhealthy { get; init; }

    /// <summary>Servers for names that are not ours; empty: those of /etc/resolv.conf.</summary>
    public IReadOnlyList<IPEndPoint> Upstreams { get; init; } = [];

    /// <summary>Servers for a domain and what is below it, instead of the upstreams.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<IPEndPoint>> ZoneUpstreams { get; init; } = new Dictionary<string, IReadOnlyList<IPEndPoint>>();

    /// <summary>Whether names that are not ours are forwarded at all; if not they are refused.</summary>
    public bool Forward { get; init; } = true;

    internal LabelRules Labels { get; init; } = LabelRules.Rfc1123;

    internal int SrvWeight { get; init; } = 1;
}
