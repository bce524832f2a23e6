using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Tests.Balancing;

/// <summary>A cluster of apps with labels, and the routing table that a balancer makes of it.</summary>
internal sealed class Balanced
{
    private int _tasks;

    public TestCluster Cluster { get; } = new();

    /// <summary>An app in host mode with one port for each service port and two tasks, t1 on 10.0.1.1 and t2 on 10.0.1.2.</summary>
    /// <param name="labels">"NAME=VALUE".</param>
    public EndpointService App(string id, int[] servicePorts, params string[] labels)
    {
        var service = Bare(id, servicePorts, labels);
        Task(id, 1, servicePorts.Length);
        Task(id, 2, servicePorts.Length);
        return service;
    }

    public EndpointService Bare(string id, int[] servicePorts, params string[] labels)
    {
        var service = Cluster.AddService(id, "host", [.. servicePorts.Select(port => new EndpointPort { ServicePort = port })]);
        service.Labels = labels.Select(label => label.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
        return service;
    }

    public EndpointTask Task(string id, int node, int ports = 1)
    {
        var first = 31001 + (10 * _tasks++);
        return Cluster.AddTask(id, $"t{_tasks}", node, null, [.. Enumerable.Range(0, ports).Select(i => (first + i, first + i))]);
    }

    public RoutingTable Table(RouteOptions? options = null)
    {
        var endpoints = new EndpointSet();
        endpoints.Apply(Cluster.Snapshot());
        return RouteBuilder.Build(endpoints, options ?? new RouteOptions());
    }
}
