namespace Pacer.Contracts.Endpoints;

/// <summary>
/// An app or a pod in one configuration: what all its tasks have in common. While a deployment replaces tasks there is a row for the
/// old configuration and one for the new.
/// </summary>
public sealed class EndpointService
{
    /// <summary>"/shop/cart".</summary>
    public string Id { get; set; } = "";

    /// <summary>When this configuration was made; differs from the version of the definition, which scaling changes too.</summary>
    public string ConfigVersion { get; set; } = "";

    /// <summary>"app" or "pod".</summary>
    public string Kind { get; set; } = "app";

    /// <summary>It is what new instances are made from; false for the configuration that is being replaced.</summary>
    public bool Current { get; set; }
    public Dictionary<string, string> Labels { get; set; } = [];
    public List<EndpointNetwork> Networks { get; set; } = [];

    /// <summary>In the definition's order; a pod's by container, in its order.</summary>
    public List<EndpointPort> Ports { get; set; } = [];

    /// <summary>Number of health checks; with 0 a task's health is never known.</summary>
    public int HealthChecks { get; set; }

    /// <summary>Indexes of the ports whose health check speaks HTTP; null: none.</summary>
    public List<int>? HttpPorts { get; set; }

    /// <summary>Unique in the feed.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Key => KeyOf(Id, ConfigVersion);

    public static string KeyOf(string id, string configVersion) => id + "@" + configVersion;
}

public sealed class EndpointNetwork
{
    /// <summary>"host", "container" or "container/bridge".</summary>
    public string Mode { get; set; } = "host";

    /// <summary>With mode "container".</summary>
    public string? Name { get; set; }
}

/// <summary>A port as its definition declares it.</summary>
public sealed class EndpointPort
{
    public string? Name { get; set; }

    /// <summary>"tcp", "udp" or "udp,tcp".</summary>
    public string Protocol { get; set; } = "tcp";

    /// <summary>0 when it has none.</summary>
    public int ServicePort { get; set; }

    /// <summary>The container of a pod that listens on it; null for apps.</summary>
    public string? Container { get; set; }
    public Dictionary<string, string>? Labels { get; set; }

    /// <summary>Networks it is reached on; null: all of the service's.</summary>
    public List<string>? NetworkNames { get; set; }
}
