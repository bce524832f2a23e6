using Pacer.Contracts.Endpoints;

namespace Pacer.Edge.Tests;

/// <summary>Endpoints of a small cluster, built up by a test: nodes S1 = 10.0.1.1 and S2 = 10.0.1.2 unless it says otherwise.</summary>
internal sealed class TestCluster
{
    public const string Config = "2026-01-01T00:00:00.000Z";

    private readonly List<EndpointService> _services = [];
    private readonly List<EndpointTask> _tasks = [];

    public EndpointCluster Cluster { get; } = new()
    {
        Id = "c1",
        Framework = "marathon",
        Servers = [new EndpointServer { Address = "10.0.0.1", Port = 8080, Leading = true }],
    };

    public List<EndpointNode> Nodes { get; } =
    [
        new EndpointNode { Id = "cluster-S1", Hostname = "n1", Address = "10.0.1.1", State = "connected" },
        new EndpointNode { Id = "cluster-S2", Hostname = "n2", Address = "10.0.1.2", State = "connected" },
    ];

    public EndpointService AddService(string id, string mode = "host", params EndpointPort[] ports)
    {
        var service = new EndpointService
        {
            Id = id,
            ConfigVersion = Config,
            Current = true,
            Networks = [new EndpointNetwork { Mode = mode }],
            Ports = [.. ports],
        };
        _services.Add(service);
        return service;
    }

    public static EndpointPort Port(string? name = null, string protocol = "tcp", string? container = null) =>
        new() { Name = name, Protocol = protocol, Container = container };

    /// <param name="ports">Host port (0: none) and container port of each port, in the service's order.</param>
    public EndpointTask AddTask(string serviceId, string id, int node, string[]? addresses = null, params (int Host, int Container)[] ports)
    {
        var task = Task(serviceId, id, node, addresses, ports);
        _tasks.Add(task);
        return task;
    }

    public static EndpointTask Task(string serviceId, string id, int node, string[]? addresses = null, params (int Host, int Container)[] ports) => new()
    {
        Id = id,
        ServiceId = serviceId,
        ConfigVersion = Config,
        NodeId = $"cluster-S{node}",
        State = "TASK_RUNNING",
        Ready = true,
        Addresses = [.. addresses ?? []],
        Ports = [.. ports.Select((port, index) => new EndpointTaskPort { Port = index, HostPort = port.Host, ContainerPort = port.Container })],
    };

    public EndpointUpdate Snapshot() => new()
    {
        Cursor = "1",
        Reset = true,
        Cluster = Cluster,
        Services = [.. _services],
        Nodes = [.. Nodes],
        Tasks = [.. _tasks],
    };
}
