using System.Text.Json;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Launching;

namespace Pacer.Server.Endpoints;

/// <summary>Rows of the endpoints table, each from the part of the state that it follows from.</summary>
internal static class EndpointRows
{
    public static EndpointService Service(RunSpec spec, bool current) => spec.Kind == RunSpecKind.Pod ? PodService(spec, current) : AppService(spec, current);

    public static EndpointNode Node(AgentNode node) => new()
    {
        Id = node.Id.Value,
        Hostname = node.Hostname,
        Address = node.Address,
        State = node.Lost ? "lost" : node.Connected ? "connected" : "disconnected",
        Region = node.Region,
        Zone = node.Zone,
    };

    /// <summary>One row for each task that has not ended; none while the instance waits for a place.</summary>
    public static List<EndpointTask> Tasks(Instance instance, RunSpec? spec)
    {
        var rows = new List<EndpointTask>(instance.Tasks.Count);
        if (instance.Placement is not { } placement)
        {
            return rows;
        }
        foreach (var task in instance.Tasks)
        {
            if (task.Condition.IsTerminal())
            {
                continue;
            }
            var container = ContainerOf(task.Id);
            rows.Add(new EndpointTask
            {
                Id = task.Id.Value,
                ServiceId = instance.RunSpecId.Path,
                ConfigVersion = instance.ConfigVersion.ToString(),
                Container = container,
                NodeId = placement.AgentId.Value,
                State = task.Condition.ToMesosState(),
                Healthy = instance.Healthy,
                Ready = instance.Ready,
                Draining = instance.KillSentAt is not null || instance.Goal != Goal.Running || task.Condition == Condition.Killing,
                Addresses = [.. task.IpAddresses],
                Ports = spec is null ? [] : container is null ? AppPorts(spec, placement, task.Id) : PodPorts(spec, placement, container),
            });
        }
        return rows;
    }

    private static string? ContainerOf(TaskId id) =>
        id.TryGetInstance(out _, out var container, out _) && container != TaskId.AppContainer ? container : null;

    private static EndpointService AppService(RunSpec spec, bool current)
    {
        var app = AppRendering.Read(spec);
        var ports = AppDefaults.IsHostMode(app)
            ? (app.PortDefinitions ?? []).Select(port => Port(port.Name, port.Labels, null))
            : (app.Container?.PortMappings ?? []).Select(port => Port(port.Name, port.Labels, port.NetworkNames));
        var row = NewService(spec, current, "app");
        row.Labels = app.Labels ?? [];
        row.Networks = [.. (app.Networks ?? []).Select(network => new EndpointNetwork { Mode = network.Mode ?? "host", Name = network.Name })];
        row.Ports = [.. ports.Zip(spec.Ports, (port, effective) =>
        {
            port.Protocol = effective.Protocol;
            port.ServicePort = effective.ServicePort;
            return port;
        })];
        row.HttpPorts = HttpPorts(app, row.Ports.Count);
        return row;
    }

    // A check with a port of its own speaks for all; others for the port with their index, the first where they have none.
    private static List<int>? HttpPorts(App app, int ports)
    {
        var checks = app.HealthChecks ?? [];
        var fixedPort = checks.Find(check => check.Port is > 0);
        var http = Enumerable.Range(0, ports).Where(index => (fixedPort ?? checks.Find(check => (check.PortIndex ?? 0) == index))?.Protocol
            is "HTTP" or "HTTPS" or "MESOS_HTTP" or "MESOS_HTTPS").ToList();
        return http.Count > 0 ? http : null;
    }

    private static EndpointPort Port(string? name, Dictionary<string, string>? labels, List<string>? networks) => new()
    {
        Name = name,
        Labels = labels is { Count: > 0 } ? labels : null,
        NetworkNames = networks is { Count: > 0 } ? networks : null,
    };

    private static List<EndpointTaskPort> AppPorts(RunSpec spec, Placement placement, TaskId task) =>
        spec.Ports.IsEmpty ? [] : [.. EffectivePorts.Resolve(spec, placement, task).Select((port, index) =>
            new EndpointTaskPort { Port = index, HostPort = port.HostPort ?? 0, ContainerPort = port.ContainerPort })];

    // The core keeps a pod's definition as text; of it only the parts that matter here are read.
    private static EndpointService PodService(RunSpec spec, bool current)
    {
        var row = NewService(spec, current, "pod");
        using var definition = JsonDocument.Parse(spec.Definition);
        var pod = definition.RootElement;
        row.Labels = Texts(pod, "labels") ?? [];
        foreach (var network in Items(pod, "networks"))
        {
            row.Networks.Add(new EndpointNetwork { Mode = Text(network, "mode") ?? "host", Name = Text(network, "name") });
        }
        foreach (var (container, endpoint) in PodEndpoints(pod))
        {
            row.Ports.Add(new EndpointPort
            {
                Name = Text(endpoint, "name"),
                Protocol = endpoint.TryGetProperty("protocol", out var protocol) && protocol.ValueKind == JsonValueKind.Array
                    ? string.Join(',', protocol.EnumerateArray().Select(item => item.GetString()))
                    : Text(endpoint, "protocol") ?? "tcp",
                Container = container,
                Labels = Texts(endpoint, "labels"),
                NetworkNames = Items(endpoint, "networkNames").Select(name => name.GetString()!).ToList() is { Count: > 0 } names ? names : null,
            });
        }
        return row;
    }

    private static List<EndpointTaskPort> PodPorts(RunSpec spec, Placement placement, string container)
    {
        using var definition = JsonDocument.Parse(spec.Definition);
        var ports = new List<EndpointTaskPort>();
        var index = 0;
        var nextHostPort = 0;
        foreach (var (owner, endpoint) in PodEndpoints(definition.RootElement))
        {
            var hostPort = endpoint.TryGetProperty("hostPort", out var asked) && asked.ValueKind == JsonValueKind.Number
                && nextHostPort < placement.HostPorts.Count ? placement.HostPorts[nextHostPort++] : 0;
            var containerPort = endpoint.TryGetProperty("containerPort", out var inside) && inside.TryGetInt32(out var number) && number != 0 ? number : hostPort;
            if (owner == container)
            {
                ports.Add(new EndpointTaskPort { Port = index, HostPort = hostPort, ContainerPort = containerPort });
            }
            index++;
        }
        return ports;
    }

    private static EndpointService NewService(RunSpec spec, bool current, string kind) => new()
    {
        Id = spec.Id.Path,
        ConfigVersion = spec.LastConfigChangeAt.ToString(),
        Kind = kind,
        Current = current,
        HealthChecks = spec.HealthChecks,
    };

    private static IEnumerable<(string Container, JsonElement Endpoint)> PodEndpoints(JsonElement pod)
    {
        foreach (var container in Items(pod, "containers"))
        {
            foreach (var endpoint in Items(container, "endpoints"))
            {
                yield return (Text(container, "name") ?? "", endpoint);
            }
        }
    }

    private static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : [];

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static Dictionary<string, string>? Texts(JsonElement element, string name) =>
        element.TryGetProperty(name, out var texts) && texts.ValueKind == JsonValueKind.Object
            ? texts.EnumerateObject().Where(text => text.Value.ValueKind == JsonValueKind.String).ToDictionary(text => text.Name, text => text.Value.GetString()!)
            : null;
}
