using System.Net;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>What a configuration of HAProxy is made of beside the routes.</summary>
internal sealed record HaproxySetup
{
    /// <summary>Absolute; sockets and files are in it.</summary>
    public required string Directory { get; init; }

    public IPEndPoint? Http { get; init; }
    public IPEndPoint? Https { get; init; }
    public IPEndPoint? AppIds { get; init; }

    /// <summary>The shared listeners expect the PROXY protocol.</summary>
    public bool AcceptProxy { get; init; }
    public bool ServicePorts { get; init; } = true;

    /// <summary>Of services whose labels do not say; null: all addresses.</summary>
    public IPAddress? BindAddress { get; init; }

    /// <summary>All addresses are those of IPv6 too.</summary>
    public bool HasIpv6 { get; init; }

    /// <summary>Binds of services, as <see cref="HaproxyRenderer.BindOf"/> writes them, that can't be had.</summary>
    public IReadOnlySet<string> Unavailable { get; init; } = new HashSet<string>();
    public bool MarathonLbPaths { get; init; }
    public int MaxConnections { get; init; } = 50_000;
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(15);
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A line for each request goes to the socket "log" of the directory.</summary>
    public bool Logs { get; init; }

    /// <summary>User and group that serve; null: the one that starts it.</summary>
    public string? User { get; init; }

    /// <summary>The page of answers with 503, HTML.</summary>
    public string ErrorPage { get; init; } = "";
    public HaproxyCertificates Certificates { get; init; } = HaproxyCertificates.None;
}
