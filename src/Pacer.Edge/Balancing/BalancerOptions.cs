using System.Net;

namespace Pacer.Edge.Balancing;

/// <summary>The load balancer can't start as it is set up. <see cref="Exception.Message"/> names the setting and the remedy, fit for users.</summary>
public sealed class BalancerStartException(string message) : Exception(message);

/// <summary>One of the balancer's own listeners.</summary>
/// <param name="Fallback">Tried with the same address when the port can't be had, after it any that is free; null: no other will do.</param>
public sealed record BalancerAddress(IPEndPoint Wanted, int? Fallback = null);

/// <summary>Settings of the load balancer. Each has a command-line flag and an environment variable (docs/configuration.md).</summary>
public sealed record BalancerOptions
{
    /// <summary>Groups of apps that are published; "*": all apps.</summary>
    public IReadOnlyList<string> Groups { get; init; } = ["external"];

    /// <summary>Directory of the HAProxy that is the data path, absolute; null: this process is.</summary>
    public string? HaproxyDirectory { get; init; }

    /// <summary>Virtual hosts; null: none.</summary>
    public BalancerAddress? Http { get; init; }

    /// <summary>Virtual hosts with TLS; null: none.</summary>
    public BalancerAddress? Https { get; init; }

    /// <summary>Apps by their id in a header; null: none.</summary>
    public BalancerAddress? AppIds { get; init; }

    /// <summary>Statistics, metrics and status; null: none.</summary>
    public BalancerAddress? Status { get; init; }

    /// <summary>A listener that can't be had is left out with a note; else that is an error.</summary>
    public bool Lenient { get; init; }

    /// <summary>Whether ports of services are listened on.</summary>
    public bool ServicePorts { get; init; } = true;

    /// <summary>Where services listen whose labels do not say; null: all addresses.</summary>
    public IPAddress? BindAddress { get; init; }

    /// <summary>Directory with certificates and keys; null: none.</summary>
    public string? Certificates { get; init; }

    /// <summary>Ports are published only with HAPROXY_{n}_ENABLED.</summary>
    public bool Strict { get; init; }

    /// <summary>Marathon-LB's order of paths instead of the longest prefix.</summary>
    public bool MarathonLbPaths { get; init; }

    /// <summary>The shared listeners expect the PROXY protocol.</summary>
    public bool AcceptProxy { get; init; }

    /// <summary>Connections at a time, all listeners together.</summary>
    public int MaxConnections { get; init; } = 50_000;

    /// <summary>How long a client may take for the head of a request.</summary>
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection to a server that is draining may go on.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A file that gets a line for each request, "-" for standard output; null: none.</summary>
    public string? AccessLog { get; init; }

    /// <summary>A file with the page that answers with 503 show; null: a built-in one.</summary>
    public string? ErrorPage { get; init; }
}
