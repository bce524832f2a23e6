using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
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
                : ApiResponse.WriteErrorAsync(http, new ApiError(404, $"Node '{id}' does not exist"));
        }));
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
            PortRanges = [.. node.Ports.Select(range => string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}"))],
            UsedPorts = [.. usage.Ports],
            Runtimes = [.. node.Runtimes],
            Tasks = usage.Instances.Sum(id => state.Instance(id)?.Tasks.Count(task => !task.Condition.IsTerminal()) ?? 0),
            Version = node.Version,
            RegisteredAt = node.RegisteredAt.ToString(),
            DisconnectedAt = node.DisconnectedAt?.ToString(),
        };
    }

    private static ResourceAmounts Render(Resources resources) => new()
    {
        Cpus = resources.CpuMillis / 1000.0,
        Mem = resources.MemoryBytes / MiB,
        Disk = resources.DiskBytes / MiB,
        Gpus = resources.Gpus,
    };
}
