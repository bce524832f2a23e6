using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;

namespace Pacer.Server.Api.Pods;

/// <summary>One instance of a pod: its state, its containers, and where they are reached.</summary>
internal static class PodInstanceRendering
{
    public const string Stable = "STABLE";
    private const double MiB = 1024 * 1024;

    /// <param name="spec">The version that the instance runs.</param>
    public static PodInstanceStatus Of(Instance instance, RunSpec spec, Timestamp now)
    {
        var pod = PodRendering.Read(spec);
        var place = instance.Placement!;
        var containers = Containers(instance, spec, pod, now);
        var (status, message) = Status(instance, containers);
        return new PodInstanceStatus
        {
            Id = instance.Id.Value,
            Status = status,
            StatusSince = instance.Since.ToString(),
            Message = message,
            Conditions = [],
            AgentHostname = place.Hostname,
            AgentId = place.AgentId.Value,
            AgentRegion = place.Region,
            AgentZone = place.Zone,
            Resources = ToWire(place.Resources),
            Networks = Networks(instance, pod),
            Containers = containers,
            SpecReference = $"/v2/pods{spec.Id}::versions/{instance.RunSpecVersion}",
            LocalVolumes = TaskRendering.Volumes(instance),
            LastUpdated = now.ToString(),
            LastChanged = instance.Since.ToString(),
            Role = instance.Role,
        };
    }

    /// <summary>The instance as the answer to its deletion shows it.</summary>
    public static InstanceInfo Info(Instance instance, RunSpec spec, ClusterState state) => new()
    {
        InstanceId = instance.Id.Value,
        State = new InstanceState
        {
            Condition = instance.Condition.ToString(),
            Since = instance.Since.ToString(),
            ActiveSince = instance.ActiveSince?.ToString(),
            Healthy = instance.Healthy,
            Goal = instance.Goal.ToString(),
        },
        AgentInfo = instance.Placement is { } place
            ? new AgentInfo
            {
                Host = place.Hostname,
                AgentId = place.AgentId.Value,
                Region = place.Region,
                Zone = place.Zone,
                Attributes = state.Agents.GetValueOrDefault(place.AgentId) is { } node
                    ? [.. node.Attributes.Select(attribute => new OfferValue { Name = attribute.Key, Text = attribute.Value })]
                    : [],
            }
            : null,
        RunSpecVersion = instance.RunSpecVersion.ToString(),
        UnreachableStrategy = PodRendering.Read(spec).Scheduling!.UnreachableStrategy,
    };

    private static (string Status, string? Message) Status(Instance instance, List<ContainerStatus> containers)
    {
        switch (instance.Condition)
        {
            case Condition.Scheduled when instance.Goal == Goal.Stopped:
                return ("TERMINAL", null);
            case Condition.Scheduled or Condition.Provisioned:
                return ("PENDING", null);
            case Condition.Staging or Condition.Starting:
                return ("STAGING", null);
            case Condition.Unreachable or Condition.UnreachableInactive:
                return ("DEGRADED", "pod instance has become unreachable");
            case Condition.Running:
                return containers.Any(c => c.Conditions!.Any(condition => condition.Value == "false"))
                    ? ("DEGRADED", "at least one container is not healthy")
                    : (Stable, null);
            default:
                return ("TERMINAL", null);
        }
    }

    private static List<ContainerStatus> Containers(Instance instance, RunSpec spec, Pod pod, Timestamp now)
    {
        var ports = HostPorts(instance.Placement!, spec);
        var statuses = new List<ContainerStatus>(instance.Tasks.Count);
        foreach (var task in instance.Tasks)
        {
            task.Id.TryGetInstance(out _, out var name, out _);
            var container = pod.Containers!.FirstOrDefault(c => c.Name == name);
            var isTerminal = task.Condition.IsTerminal();
            bool? healthy = container?.HealthCheck is null || isTerminal ? null : task.IsHealthy(1) ?? false;
            statuses.Add(new ContainerStatus
            {
                Name = name,
                Status = task.Condition.ToMesosState(),
                StatusSince = task.Since.ToString(),
                Message = task.Message,
                Conditions = healthy is { } value ? [Healthy(task, value, now)] : [],
                ContainerId = task.Id.Value,
                Endpoints = [.. (container?.Endpoints ?? []).Select(endpoint => new EndpointStatus
                {
                    Name = endpoint.Name,
                    AllocatedHostPort = ports.TryGetValue(endpoint.Name!, out var port) ? port : null,
                    Healthy = IsWatched(container!.HealthCheck!, endpoint) ? healthy : null,
                })],
                Resources = container?.Resources,
                Termination = isTerminal ? new ContainerTermination { ExitCode = task.ExitCode, Message = task.Message } : null,
                LastUpdated = now.ToString(),
                LastChanged = task.Since.ToString(),
            });
        }
        return statuses;
    }

    private static bool IsWatched(PodHealthCheck? check, PodEndpoint endpoint) =>
        (check?.Http?.Endpoint ?? check?.Tcp?.Endpoint) == endpoint.Name;

    private static StatusCondition Healthy(TaskInfo task, bool value, Timestamp now)
    {
        var result = task.Health.FirstOrDefault();
        var changed = result is null ? task.Since : (value ? result.FirstSuccess : result.LastFailure) ?? task.Since;
        var updated = Timestamp.Max(result?.LastSuccess ?? changed, result?.LastFailure ?? changed);
        return new StatusCondition
        {
            Name = "healthy",
            Value = value ? "true" : "false",
            Reason = result is null ? "health-unreported-by-mesos" : "health-reported-by-mesos",
            LastChanged = changed.ToString(),
            LastUpdated = (result is null ? now : updated).ToString(),
        };
    }

    /// <summary>The ports of the node that endpoints got, by their names.</summary>
    public static Dictionary<string, int> HostPorts(Placement placement, RunSpec spec)
    {
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        var next = 0;
        foreach (var port in spec.Ports.Where(port => port.HostPort is not null))
        {
            if (next < placement.HostPorts.Count)
            {
                ports[port.Name!] = placement.HostPorts[next++];
            }
        }
        return ports;
    }

    private static List<NetworkStatus> Networks(Instance instance, Pod pod)
    {
        var addresses = instance.Tasks.Where(task => !task.Condition.IsTerminal()).SelectMany(task => task.IpAddresses).Distinct().ToList();
        // The agent names one address for each network, in their order.
        return pod.Networks is { Count: > 1 } networks && networks.Count == addresses.Count
            ? [.. networks.Select((network, index) => new NetworkStatus { Name = network.Name, Addresses = [addresses[index]] })]
            : addresses.Count == 0 ? [] : [new NetworkStatus { Name = pod.Networks is [{ } only, ..] ? only.Name : null, Addresses = addresses }];
    }

    private static PodResources ToWire(Resources resources) => new()
    {
        Cpus = resources.CpuMillis / 1000d,
        Mem = resources.MemoryBytes / MiB,
        Disk = resources.DiskBytes / MiB,
        Gpus = resources.Gpus,
    };
}
