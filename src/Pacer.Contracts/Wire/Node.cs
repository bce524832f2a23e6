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

    /// <summary>Parts of the resources and ports that only one role may use.</summary>
    public List<NodeReservation>? Reservations { get; set; }

    /// <summary>Disks for persistent volumes beside the agent's own; absent when there are none.</summary>
    public List<NodeDiskInfo>? Disks { get; set; }

    /// <summary>Takes nothing new; what runs there stays.</summary>
    public bool Cordoned { get; set; }

    /// <summary>Absent when the node is not being emptied.</summary>
    public NodeDrainInfo? Drain { get; set; }

    /// <summary>Networks that tasks can have there instead of the node's own.</summary>
    public List<string>? Networks { get; set; }

    /// <summary>Drivers of external volumes.</summary>
    public List<string>? VolumeDrivers { get; set; }

    /// <summary>Tasks that hold resources there.</summary>
    public int Tasks { get; set; }

    /// <summary>Version of its agent.</summary>
    public string? Version { get; set; }
    public string? RegisteredAt { get; set; }
    public string? DisconnectedAt { get; set; }
}

public sealed class NodeReservation
{
    public string? Role { get; set; }
    public ResourceAmounts? Total { get; set; }
    public ResourceAmounts? Free { get; set; }
    public List<string>? PortRanges { get; set; }
}

public sealed class NodeDiskInfo
{
    /// <summary>"path": volumes share it; "mount": one volume gets it whole.</summary>
    public string? Type { get; set; }
    public string? Path { get; set; }
    public string? Profile { get; set; }

    /// <summary>MiB.</summary>
    public long Size { get; set; }

    /// <summary>MiB that volumes have.</summary>
    public long Used { get; set; }
}

/// <summary>How far a node is with being emptied.</summary>
public sealed class NodeDrainInfo
{
    public string? Since { get; set; }

    /// <summary>When what is left is killed; absent: never.</summary>
    public string? Deadline { get; set; }
    public bool Expired { get; set; }
    public bool IncludeResident { get; set; }

    /// <summary>Instances that still have to leave.</summary>
    public int InstancesLeft { get; set; }

    /// <summary>Instances that stay because their data is there.</summary>
    public int ResidentInstances { get; set; }
}

/// <summary>Body of a drain request; every member may be left out.</summary>
public sealed class NodeDrainRequest
{
    /// <summary>Seconds after which what is left is killed.</summary>
    public double? DeadlineSeconds { get; set; }
    public bool IncludeResident { get; set; }
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
