namespace Pacer.Contracts.Endpoints;

/// <summary>
/// One message of the endpoints feed (<c>GET /pacer/endpoints</c>): rows that are new or changed, and keys of rows that are gone.
/// A snapshot is the same message with <see cref="Reset"/>: what came before does not count any more.
/// </summary>
public sealed class EndpointUpdate
{
    /// <summary>Where in the feed this message ends; give it back as <c>since</c> to get what comes after it.</summary>
    public string Cursor { get; set; } = "";

    /// <summary>Everything known before is void.</summary>
    public bool Reset { get; set; }

    /// <summary>More messages of the same snapshot follow; what has been received so far is not the whole table.</summary>
    public bool Partial { get; set; }

    /// <summary>Null when it did not change.</summary>
    public EndpointCluster? Cluster { get; set; }

    public List<EndpointService>? Services { get; set; }
    public List<EndpointNode>? Nodes { get; set; }
    public List<EndpointTask>? Tasks { get; set; }

    /// <summary><see cref="EndpointService.Key"/> of services that are gone.</summary>
    public List<string>? RemovedServices { get; set; }

    /// <summary>Ids of nodes that are gone.</summary>
    public List<string>? RemovedNodes { get; set; }

    /// <summary>Ids of tasks that are gone.</summary>
    public List<string>? RemovedTasks { get; set; }

    /// <summary>Adds the next message of the same snapshot, and returns this one.</summary>
    public EndpointUpdate Join(EndpointUpdate part)
    {
        Cursor = part.Cursor;
        Partial = part.Partial;
        Cluster = part.Cluster ?? Cluster;
        Services = Join(Services, part.Services);
        Nodes = Join(Nodes, part.Nodes);
        Tasks = Join(Tasks, part.Tasks);
        RemovedServices = Join(RemovedServices, part.RemovedServices);
        RemovedNodes = Join(RemovedNodes, part.RemovedNodes);
        RemovedTasks = Join(RemovedTasks, part.RemovedTasks);
        return this;
    }

    private static List<T>? Join<T>(List<T>? whole, List<T>? part)
    {
        if (whole is null || part is null)
        {
            return whole ?? part;
        }
        whole.AddRange(part);
        return whole;
    }
}

/// <summary>What holds for the whole cluster.</summary>
public sealed class EndpointCluster
{
    public string Id { get; set; } = "";

    /// <summary>The scheduler's name, a part of every service's names.</summary>
    public string Framework { get; set; } = "";

    /// <summary>IPv4 network that named virtual IPs get their addresses from; null: <c>11.0.0.0/8</c>.</summary>
    public string? VipRange { get; set; }

    /// <summary>The servers, in a fixed order.</summary>
    public List<EndpointServer> Servers { get; set; } = [];
}

public sealed class EndpointServer
{
    /// <summary>IP address.</summary>
    public string Address { get; set; } = "";

    /// <summary>Port of the REST API.</summary>
    public int Port { get; set; }
    public bool Leading { get; set; }
}

/// <summary>A node as it is reached.</summary>
public sealed class EndpointNode
{
    public string Id { get; set; } = "";
    public string Hostname { get; set; } = "";

    /// <summary>IP address.</summary>
    public string Address { get; set; } = "";

    /// <summary>"connected", "disconnected" or "lost".</summary>
    public string State { get; set; } = "";
    public string? Region { get; set; }
    public string? Zone { get; set; }
}
