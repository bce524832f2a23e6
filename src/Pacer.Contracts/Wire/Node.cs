namespace Pacer.Contracts.Wire;

/// <summary>Nodes by hostname, then by id.</summary>
public sealed class NodeList
{
    public List<Node>? Nodes { get; set; }
}

/// <summary>A node of the cluster.</summary>
public sealed class Node
{
    public string? Id { get; set; }
    public string? Hostname { get; set; }

    /// <summary>IP address that other machines reach it by.</summary>
    public string? Address { get; set; }

    /// <summary>"connected", "disconnected" (silent, its tasks still count as running) or "lost" (its tasks are unreachable).</summary>
    public string? State { get; set; }
    public Dictionary<string, string>? Attributes { get; set; }
    public string? Region { get; set; }
    public string? Zone { get; set; }
    public NodeResources? Resources { get; set; }

    /// <summary>Ranges as "31000-32000".</summary>
    public List<string>? PortRanges { get; set; }
    public List<int>? UsedPorts { get; set; }
    public List<string>? Runtimes { get; set; }

    /// <summary>Tasks that hold resources there.</summary>
    public int Tasks { get; set; }

    /// <summary>Version of its agent.</summary>
    public string? Version { get; set; }
    public string? RegisteredAt { get; set; }
    public string? DisconnectedAt { get; set; }
}

public sealed class NodeResources
{
    public ResourceAmounts? Total { get; set; }
    public ResourceAmounts? Used { get; set; }
    public ResourceAmounts? Free { get; set; }
}

/// <summary>Cores, MiB, MiB, whole GPUs.</summary>
public sealed class ResourceAmounts
{
    public double Cpus { get; set; }
    public double Mem { get; set; }
    public double Disk { get; set; }
    public int Gpus { get; set; }
}
