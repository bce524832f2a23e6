using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Nodes;

/// <summary>The nodes of the cluster (not part of Marathon's API).</summary>
internal static class NodeEndpoints
{
    private const double MiB = 1024 * 1024;

    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        app.MapRead("/v2/nodes", http => SnapshotRead.AnswerAsync(http, loop, Parts, state =>
        {
            var nodes = state.Agents.Values
                .OrderBy(node => node.Hostname, StringComparer.Ordinal).ThenBy(node => node.Id)
                .Select(node => Render(state, node)).ToList();
            return ApiResponse.WriteAsync(http, 200, new NodeList { Nodes = nodes }, ClusterJson.Plain.NodeList);
        }));
        app.MapRead("/v2/nodes/{id}", http => SnapshotRead.AnswerAsync(http, loop, Parts, state =>
        {
            var id = (string)http.GetRouteValue("id")!;
            return state.Agents.TryGetValue(new AgentId(id), out var node)
                ? ApiResponse.WriteAsync(http, 200, Render(state, node), ClusterJson.Plain.Node)
                : ApiResponse.WriteErrorAsync(http, ApiErrors.NodeNotFound(id));
        }));
        app.MapDelete("/v2/nodes/{id}", ApiRoute.Guard(async http =>
        {
            var result = await loop.SubmitAsync(request => new Input.RemoveNode(request, IdOf(http)), http.RequestAborted);
            await CommandResults.WriteAsync(http, result);
        }));
        app.MapPut("/v2/nodes/{id}/cordon", ApiRoute.Guard(http => ChangeAsync(http, loop, request => new Input.CordonNode(request, IdOf(http), true))));
        app.MapDelete("/v2/nodes/{id}/cordon", ApiRoute.Guard(http => ChangeAsync(http, loop, request => new Input.CordonNode(request, IdOf(http), false))));
        app.MapPut("/v2/nodes/{id}/drain", ApiRoute.Guard(async http =>
        {
            var (deadline, includeResident) = await DrainBody.ReadAsync(http);
            await ChangeAsync(http, loop, request => new Input.DrainNode(request, IdOf(http), deadline, includeResident));
        }));
        app.MapDelete("/v2/nodes/{id}/drain", ApiRoute.Guard(http => ChangeAsync(http, loop, request => new Input.UndrainNode(request, IdOf(http)))));
    }

    private static AgentId IdOf(HttpContext http) => new((string)http.GetRouteValue("id")!);

    private static Task ShowAsync(HttpContext http, IClusterLoop loop, AgentId id)
    {
        var state = loop.State;
        return state.Agents.TryGetValue(id, out var node)
            ? ApiResponse.WriteAsync(http, 200, Render(state, node), ClusterJson.Plain.Node)
            : ApiResponse.WriteErrorAsync(http, ApiErrors.NodeNotFound(id.Value));
    }

    private static async Task ChangeAsync(HttpContext http, IClusterLoop loop, Func<RequestId, Input.Command> command)
    {
        var result = await loop.SubmitAsync(command, http.RequestAborted);
        await (result is CommandResult.Done ? ShowAsync(http, loop, IdOf(http)) : CommandResults.WriteAsync(http, result));
    }

    private static object?[] Parts(ClusterState state) => [state.Agents, state.Usage, state.Instances];

    internal static Node Render(ClusterState state, AgentNode node)
    {
        var usage = state.Usage.GetValueOrDefault(node.Id) ?? AgentUsage.Empty;
        return new Node
        {
            Id = node.Id.Value,
            Hostname = node.Hostname,
            Address = node.Address,
            State = node.Lost ? "lost" : node.Connected ? "connected" : "disconnected",
            Attributes = new Dictionary<string, string>(node.Attributes),
            Region = node.Region,
            Zone = node.Zone,
            Resources = new NodeResources
            {
                Total = Render(node.Resources),
                Used = Render(usage.Resources),
                Free = Render(node.Resources - usage.Resources),
            },
            PortRanges = [.. node.Ports.Select(range => Text(range))],
            UsedPorts = [.. usage.Ports],
            Runtimes = [.. node.Runtimes],
            Reservations = node.Reservations.IsEmpty ? null : Reservations(node, usage),
            Disks = node.Disks.IsEmpty ? null : Disks(state, node, usage),
            Cordoned = node.Cordoned,
            Drain = node.Drain is { } drain ? Render(state, drain, usage) : null,
            Networks = [.. node.Networks],
            VolumeDrivers = [.. node.VolumeDrivers],
            Tasks = usage.Instances.Sum(id => state.Instance(id)?.Tasks.Count(task => !task.Condition.IsTerminal()) ?? 0),
            Version = node.Version,
            RegisteredAt = node.RegisteredAt.ToString(),
            DisconnectedAt = node.DisconnectedAt?.ToString(),
        };
    }

    private static List<NodeReservation> Reservations(AgentNode node, AgentUsage usage)
    {
        var free = FreeShare.Of(node, usage).ToDictionary(share => share.Role, StringComparer.Ordinal);
        return [.. node.Reservations.Select(reservation => new NodeReservation
        {
            Role = reservation.Role,
            Total = Render(reservation.Resources),
            Free = Render(free[reservation.Role].Resources),
            PortRanges = [.. reservation.Ports.Select(Text)],
        })];
    }

    private static List<NodeDiskInfo> Disks(ClusterState state, AgentNode node, AgentUsage usage)
    {
        var used = usage.Instances.SelectMany(id => state.Instance(id)?.Placement?.Disks ?? []).ToLookup(share => share.Path, share => share.SizeBytes, StringComparer.Ordinal);
        return [.. node.Disks.Select(disk => new NodeDiskInfo
        {
            Type = disk.Type == DiskType.Mount ? "mount" : "path",
            Path = disk.Path,
            Profile = disk.Profile,
            Size = disk.SizeBytes >> 20,
            Used = used[disk.Path].Sum() >> 20,
        })];
    }

    private static NodeDrainInfo Render(ClusterState state, NodeDrain drain, AgentUsage usage)
    {
        var there = usage.Instances.Select(state.Instance).OfType<Instance>().ToList();
        var resident = drain.IncludeResident ? 0 : there.Count(instance => NodeDrains.IsResident(state, instance));
        return new NodeDrainInfo
        {
            Since = drain.Since.ToString(),
            Deadline = drain.Until?.ToString(),
            Expired = drain.Expired,
            IncludeResident = drain.IncludeResident,
            InstancesLeft = there.Count - resident,
            ResidentInstances = resident,
        };
    }

    private static string Text(PortRange range) => string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}");

    private static ResourceAmounts Render(Resources resources) => new()
    {
        Cpus = resources.CpuMillis / 1000.0,
        Mem = resources.MemoryBytes / MiB,
        Disk = resources.DiskBytes / MiB,
        Gpus = resources.Gpus,
    };
}
