using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>What an update may not change once a pod keeps data on its nodes (marathon-model.md §7.2).</summary>
internal static class PodResidentRules
{
    public static void ValidateUpdate(Pod before, Pod after, bool force, ErrorCollector errors)
    {
        if (!PodDefaults.HasPersistentVolumes(before) && !PodDefaults.HasPersistentVolumes(after))
        {
            return;
        }
        errors.Require(PodConversion.ToRunSpec(before).Resources == PodConversion.ToRunSpec(after).Resources, "/",
            "cpus/mem/disk/gpus cannot be updated if a pod has persistent volumes");
        errors.Require(HostPorts(before).SetEquals(HostPorts(after)), "/", "host ports cannot be updated if a pod has persistent volumes");
        errors.Require(Volumes(before) == Volumes(after), "/volumes", "persistent volumes cannot be updated");
        errors.Require(force || before.Role == after.Role, "/role",
            "changing the role of a pod with persistent volumes leaves reservations with the previous role; retry with force=true to do it");
    }

    private static HashSet<int> HostPorts(Pod pod) =>
        [.. pod.Containers!.SelectMany(container => container.Endpoints ?? []).Select(endpoint => endpoint.HostPort).OfType<int>()];

    private static string Volumes(Pod pod) => JsonSerializer.Serialize(
        new Pod { Volumes = [.. (pod.Volumes ?? []).Where(volume => volume.Persistent is not null)] }, WireJson.Default.Pod);
}
