namespace Pacer.Contracts.Wire;

public sealed class Network
{
    public string? Name { get; set; }

    /// <summary>"host", "container" or "container/bridge".</summary>
    public string? Mode { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
}

/// <summary>A port of an app on the host's network.</summary>
public sealed class PortDefinition
{
    /// <summary>The service port; 0 in a request asks for one.</summary>
    public int? Port { get; set; }

    /// <summary>"tcp", "udp" or "udp,tcp".</summary>
    public string? Protocol { get; set; }
    public string? Name { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
}

/// <summary>A port of an app on a network of its own.</summary>
public sealed class PortMapping
{
    public int? ContainerPort { get; set; }
    public int? HostPort { get; set; }
    public int? ServicePort { get; set; }
    public string? Protocol { get; set; }
    public string? Name { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public List<string>? NetworkNames { get; set; }
}

/// <summary>Deprecated form of <see cref="Network"/>.</summary>
public sealed class IpAddressConfig
{
    public IpDiscovery? Discovery { get; set; }
    public List<string>? Groups { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public string? NetworkName { get; set; }
}

public sealed class IpDiscovery
{
    public List<IpDiscoveryPort>? Ports { get; set; }
}

public sealed class IpDiscoveryPort
{
    public int? Number { get; set; }
    public string? Name { get; set; }
    public string? Protocol { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
}
