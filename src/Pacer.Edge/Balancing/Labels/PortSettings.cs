using System.Net;

namespace Pacer.Edge.Balancing.Labels;

internal enum ServiceMode
{
    Tcp,
    Http,
}

internal enum BalanceAlgorithm
{
    RoundRobin,
    LeastConnections,
    First,
    Random,

    /// <summary>The others keep what they look at on one server for as long as the servers stay the same.</summary>
    Source,
    Uri,
    UrlParameter,
    Header,
}

/// <param name="Parameter">Name of the header or of the URL's parameter; null for the others.</param>
internal sealed record Balance(BalanceAlgorithm Algorithm, string? Parameter = null)
{
    public static readonly Balance RoundRobin = new(BalanceAlgorithm.RoundRobin);
}

/// <summary>How servers are spoken to.</summary>
internal enum ServerProtocol
{
    /// <summary>HTTP/1.1; HTTP/2 without TLS for gRPC.</summary>
    Http,
    Http2,
    Https,
}

/// <param name="PasswordHash">As <c>crypt(3)</c> makes it.</param>
internal sealed record BasicAuth(string Realm, string User, string PasswordHash);

internal enum HeaderEdit
{
    Set,
    Add,
    Remove,
}

internal sealed record HeaderRule(HeaderEdit Edit, string Name, string Value);

/// <summary>What the labels of an app say about one of its ports. The defaults are Marathon-LB's.</summary>
internal sealed record PortSettings
{
    public bool Enabled { get; init; } = true;

    /// <summary>Balancers that publish it; empty: only those of group "*".</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Lower case; "*.example.com" stands for all below example.com, "*" for all.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Prefixes; empty: all paths.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];
    public bool PathsIgnoreCase { get; init; }

    /// <summary>0: no listener of its own.</summary>
    public int ListenPort { get; init; }
    public ServiceMode Mode { get; init; }
    public Balance Balance { get; init; } = Balance.RoundRobin;
    public bool Sticky { get; init; }
    public bool RedirectToHttps { get; init; }
    public bool Hsts { get; init; }

    /// <summary>Files; empty: no TLS on the listener.</summary>
    public IReadOnlyList<string> Certificates { get; init; } = [];
    public BasicAuth? Auth { get; init; }

    /// <summary>Null: all addresses.</summary>
    public IPAddress? BindAddress { get; init; }
    public bool AcceptProxy { get; init; }

    /// <summary>Larger ones are asked first on the shared listeners.</summary>
    public int Weight { get; init; }

    /// <summary>Null: everyone.</summary>
    public IReadOnlyList<IPNetwork>? AllowedNetworks { get; init; }
    public string? ProxyPassPath { get; init; }
    public string? ReverseProxyPath { get; init; }

    /// <summary>Where a request for "/" is sent.</summary>
    public string? RootRedirect { get; init; }

    public ServerProtocol ServerProtocol { get; init; }
    public bool VerifyServers { get; init; } = true;

    /// <summary>Version of the PROXY protocol spoken to servers; 0: none.</summary>
    public int SendProxy { get; init; }

    /// <summary>Requests (connections in mode tcp) that one server gets at a time; 0: any number.</summary>
    public int MaxConnections { get; init; }
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);
    public TimeSpan ServerTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan TunnelTimeout { get; init; } = TimeSpan.FromHours(1);
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a server is tried again that can't be connected to, each time another if there is one.</summary>
    public int Retries { get; init; } = 3;
    public IReadOnlyList<HeaderRule> RequestHeaders { get; init; } = [];
    public IReadOnlyList<HeaderRule> ResponseHeaders { get; init; } = [];

    /// <summary>Text that has no meaning but for HAProxy.</summary>
    public RawText Raw { get; init; } = RawText.None;

    /// <summary>All requests are answered with 503.</summary>
    public bool Maintenance { get; init; }

    /// <summary>Share of the requests among servers of several apps; 0: none while others have some.</summary>
    public int ServerWeight { get; init; } = 1;
}
