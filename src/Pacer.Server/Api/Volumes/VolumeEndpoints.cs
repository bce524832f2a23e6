using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;
using Pacer.Server.Api.Responses;
using Pacer.Server.Loop;

namespace Pacer.Server.Api.Volumes;

/// <summary>The persistent volumes of the cluster (not part of Marathon's API).</summary>
internal static class VolumeEndpoints
{
    private const double MiB = 1024 * 1024;

    public static void Map(WebApplication app)
    {
        var loop = app.Services.GetRequiredService<IClusterLoop>();
        app.MapRead("/pacer/volumes", http => SnapshotRead.AnswerAsync(http, loop, static state => [state.RunSpecs, state.Instances, state.Agents],
            state => ApiResponse.WriteAsync(http, 200, new VolumeList { Volumes = All(state) }, ClusterJson.Plain.VolumeList)));
    }

    private static List<VolumeInfo> All(ClusterState state)
    {
        var volumes = new List<VolumeInfo>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var spec in state.RunSpecs.Values)
        {
            IReadOnlyDictionary<string, PersistentVolume>? definitions = null;
            foreach (var instance in state.InstancesOf(spec.Id).Values)
            {
                foreach (var volume in instance.Volumes)
                {
                    known.Add(volume.Id);
                    volumes.Add(Render(state, spec, instance, volume, definitions ??= Definitions(spec)));
                }
            }
        }
        foreach (var node in state.Agents.Values)
        {
            foreach (var id in node.Wiping.Concat(node.Volumes).Where(known.Add))
            {
                volumes.Add(new VolumeInfo
                {
                    Id = id,
                    NodeId = node.Id.Value,
                    Hostname = node.Hostname,
                    NodeState = StateOf(node),
                    State = node.Wiping.Contains(id) ? "wiping" : "unclaimed",
                });
            }
        }
        return [.. volumes.OrderBy(volume => volume.App ?? volume.Pod ?? "~", StringComparer.Ordinal).ThenBy(volume => volume.Id, StringComparer.Ordinal)];
    }

    private static VolumeInfo Render(
        ClusterState state, RunSpec spec, Instance instance, Core.Model.LocalVolume volume, IReadOnlyDictionary<string, PersistentVolume> definitions)
    {
        var definition = definitions.GetValueOrDefault(volume.Name);
        var share = instance.Placement?.Disks.FirstOrDefault(disk => disk.Volume == volume.Name);
        return new VolumeInfo
        {
            Id = volume.Id,
            App = spec.Kind == RunSpecKind.App ? spec.Id.Path : null,
            Pod = spec.Kind == RunSpecKind.Pod ? spec.Id.Path : null,
            Name = volume.Name,
            Instance = instance.Id.Value,
            Task = instance.Tasks.IsEmpty ? null : instance.Tasks[0].Id.Value,
            NodeId = instance.Placement?.AgentId.Value,
            Hostname = instance.Placement?.Hostname,
            NodeState = instance.Placement is { } place ? StateOf(state.Agents.GetValueOrDefault(place.AgentId)) : null,
            Size = share is not null ? share.SizeBytes / MiB : definition?.Size,
            Type = definition?.Type ?? "root",
            Disk = share?.Path,
            State = instance switch
            {
                { Goal: Goal.Decommissioned } => "wiping",
                { IsActive: true } => "in-use",
                { IsSuspended: true } => "suspended",
                _ => "waiting",
            },
        };
    }

    private static Dictionary<string, PersistentVolume> Definitions(RunSpec spec) => spec.Kind == RunSpecKind.Pod
        ? (PodConversion.ToPod(spec).Volumes ?? []).Where(volume => volume.Persistent is not null)
            .ToDictionary(volume => volume.Name!, volume => volume.Persistent!, StringComparer.Ordinal)
        : (AppConversion.ToApp(spec).Container?.Volumes ?? []).Where(volume => volume.Persistent is not null)
            .ToDictionary(volume => volume.ContainerPath!, volume => volume.Persistent!, StringComparer.Ordinal);

    private static string StateOf(AgentNode? node) => node switch
    {
        null => "removed",
        { Lost: true } => "lost",
        { Connected: true } => "connected",
        _ => "disconnected",
    };
}
