using System.Net;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;
using Pacer.Edge.Dns.Names;

namespace Pacer.Edge.Dns.Zones;

/// <summary>The records that a task has: Mesos-DNS' and DC/OS' names of it.</summary>
internal sealed class TaskRecords(RecordTable table, DnsOptions options, EndpointCluster cluster)
{
    /// <summary>Label of an app or pod that says what to do with tasks that should get no new traffic: "publish" or "leave-out".</summary>
    public const string UnhealthyLabel = "PACER_DNS_UNHEALTHY";

    private readonly string _domain = options.Domain;
    private readonly string _frameworkLabel = DnsName.Label(cluster.Framework, options.Labels);

    /// <summary>The scheduler's part of the names.</summary>
    public string Framework { get; } = DnsName.Fragment(cluster.Framework, options.Labels);

    public RecordOwner Put(EndpointTask task, EndpointService? service, EndpointNode? node)
    {
        var (standing, reason) = Judge(task, service, node);
        var owner = new RecordOwner(task.Id, task.ServiceId, standing, reason);
        if (service is null || node is null || !IPAddress.TryParse(node.Address, out var nodeAddress))
        {
            return owner; // nothing to say where it is
        }
        var discoveryName = DnsName.OfRunSpec(task.ServiceId);
        var label = DnsName.Label(discoveryName, options.Labels);
        if (label.Length == 0)
        {
            return owner;
        }
        // Ids in groups have two forms, and both are in use.
        var dotted = discoveryName.ToLowerInvariant();
        string[] names = dotted == label ? [label] : [label, dotted];
        var canonical = DnsName.Canonical(label, task.Id, node.Id);
        var own = OwnAddresses(task, service, nodeAddress);
        var reached = ReachedOnNode(task, service) ? [nodeAddress] : own.Count > 0 ? own : [nodeAddress];
        var addresses = FromSources(own, nodeAddress) ?? reached;

        foreach (var name in names.Append(canonical))
        {
            AddAddresses($"{name}.{Framework}.{_domain}", addresses);
            AddAddresses($"{name}.{Framework}.slave.{_domain}", [nodeAddress]);
        }
        if (own.Count > 0)
        {
            AddAddresses($"{canonical}.{Framework}.container.{_domain}", own);
        }
        AddAddresses($"{label}.{_frameworkLabel}.agentip.{ZoneSet.Tasks}", [nodeAddress]);
        AddAddresses($"{label}.{_frameworkLabel}.containerip.{ZoneSet.Tasks}", own.Count > 0 ? own : [nodeAddress]);
        AddAddresses($"{label}.{_frameworkLabel}.autoip.{ZoneSet.Tasks}", reached);
        AddServices(names, canonical, task, service, addresses.Contains(nodeAddress), own.Count > 0);
        AddTexts();
        return owner;

        void AddAddresses(string name, IReadOnlyList<IPAddress> values)
        {
            foreach (var value in values)
            {
                table.Add(name, owner, RecordKind.Address, value);
            }
        }

        void AddTexts()
        {
            table.Add($"{label}.{Framework}.{_domain}", owner, RecordKind.Txt, $"app={task.ServiceId}");
            var own = $"{canonical}.{Framework}.{_domain}";
            var health = service.HealthChecks == 0 ? "none" : task.Healthy switch { true => "healthy", false => "unhealthy", null => "unknown" };
            foreach (var text in new[] { $"app={task.ServiceId}", $"version={task.ConfigVersion}", $"task={task.Id}", $"health={health}" })
            {
                table.Add(own, owner, RecordKind.Txt, text);
            }
            foreach (var address in OwnAddresses(task, service, nodeAddress))
            {
                table.Add(ReverseName.Of(address), owner, RecordKind.Ptr, table.SlotOf(own));
            }
        }

        void AddServices(string[] names, string canonical, EndpointTask task, EndpointService service, bool nameIsNode, bool hasOwn)
        {
            var target = table.SlotOf($"{canonical}.{Framework}.{_domain}");
            var onNode = table.SlotOf($"{canonical}.{Framework}.slave.{_domain}");
            foreach (var hostPort in task.Ports.Select(port => port.HostPort).Where(port => port > 0).Distinct())
            {
                foreach (var name in names)
                {
                    table.Add($"_{name}._tcp.{Framework}.slave.{_domain}", owner, RecordKind.Srv, onNode, hostPort);
                    table.Add($"_{name}._udp.{Framework}.slave.{_domain}", owner, RecordKind.Srv, onNode, hostPort);
                }
            }
            foreach (var port in task.Ports)
            {
                var number = port.HostPort > 0 ? port.HostPort : port.ContainerPort;
                if (number == 0 || port.Port >= service.Ports.Count)
                {
                    continue;
                }
                // With sources given in so many words the name's own address counts, right or wrong. Otherwise the target is one whose
                // address has the port.
                var reachable = options.IpSources is not null || nameIsNode == port.HostPort > 0 || !hasOwn ? target
                    : port.HostPort > 0 ? onNode
                    : table.SlotOf($"{canonical}.{Framework}.container.{_domain}");
                var declared = service.Ports[port.Port];
                var portLabel = declared.Name is { Length: > 0 } portName ? DnsName.Label(portName, options.Labels) : "";
                foreach (var protocol in declared.Protocol.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                {
                    foreach (var name in names)
                    {
                        table.Add($"_{name}._{protocol}.{Framework}.{_domain}", owner, RecordKind.Srv, reachable, number);
                        if (portLabel.Length > 0)
                        {
                            table.Add($"_{portLabel}._{name}._{protocol}.{Framework}.{_domain}", owner, RecordKind.Srv, reachable, number);
                        }
                    }
                }
            }
        }
    }

    private (Standing Standing, string? Reason) Judge(EndpointTask task, EndpointService? service, EndpointNode? node)
    {
        if (task.State != "TASK_RUNNING")
        {
            return (Standing.LeftOut, $"it is {task.State}");
        }
        if (node is null || service is null)
        {
            return (Standing.LeftOut, node is null ? "its node is unknown" : "its definition is unknown");
        }
        var reason = task.Draining ? "it is being ended"
            : !task.Ready ? "it is not ready yet"
            : service.HealthChecks > 0 && task.Healthy != true ? (task.Healthy is null ? "its health is not known yet" : "it is unhealthy")
            : null;
        var publish = service.Labels.TryGetValue(UnhealthyLabel, out var wish) ? wish == "publish" : options.PublishUnhealthy;
        return reason is null || publish ? (Standing.Serving, null) : (Standing.Spare, reason);
    }

    /// <summary>Addresses that are the task's alone.</summary>
    private static List<IPAddress> OwnAddresses(EndpointTask task, EndpointService service, IPAddress node)
    {
        var own = new List<IPAddress>();
        if (!IsHostMode(service))
        {
            foreach (var text in task.Addresses)
            {
                if (IPAddress.TryParse(text, out var address) && !address.Equals(node))
                {
                    own.Add(address);
                }
            }
        }
        return own;
    }

    private static bool ReachedOnNode(EndpointTask task, EndpointService service) => IsHostMode(service) || task.Ports.Exists(port => port.HostPort > 0);

    private static bool IsHostMode(EndpointService service) => !service.Networks.Exists(network => network.Mode != "host");

    private List<IPAddress>? FromSources(List<IPAddress> own, IPAddress node)
    {
        foreach (var source in options.IpSources ?? [])
        {
            if (source == AddressSource.Host)
            {
                return [node];
            }
            if (own.Count > 0)
            {
                return own;
            }
        }
        return options.IpSources is null ? null : [node];
    }
}
