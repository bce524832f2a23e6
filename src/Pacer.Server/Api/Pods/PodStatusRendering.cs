using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Pods;

/// <summary>How a pod and its instances fare (marathon-behaviour.md §9).</summary>
internal static class PodStatusRendering
{
    public static ReadOnlyMemory<byte> Json(RunSpec spec, ClusterState state, Timestamp now) =>
        JsonSerializer.SerializeToUtf8Bytes(Of(spec, state, now), WireJson.Plain.PodStatus);

    /// <param name="spec">The version to show; the instances are today's.</param>
    public static PodStatus Of(RunSpec spec, ClusterState state, Timestamp now)
    {
        var seen = state.InstancesOf(spec.Id).Values
            .Where(instance => instance.Placement is not null)
            .OrderBy(instance => instance.Id)
            .Select(instance => PodInstanceRendering.Of(instance, state.RunSpecOf(instance) ?? spec, now))
            .ToList();
        var stable = seen.Count(instance => instance.Status == PodInstanceRendering.Stable);
        var isRemoved = state.DeploymentOf(spec.Id)?.Transitions.Any(t => t.Id == spec.Id && t.Target is null) == true;
        var since = seen.Select(instance => instance.StatusSince!).Append(spec.Version.ToString()).Max(StringComparer.Ordinal)!;
        return new PodStatus
        {
            Id = spec.Id.Path,
            Spec = PodRendering.Read(spec),
            Status = isRemoved ? "TERMINAL" : stable >= spec.Instances ? "STABLE" : "DEGRADED",
            StatusSince = since,
            Message = isRemoved || stable >= spec.Instances ? null : $"{stable} of {spec.Instances} instances are stable",
            Instances = seen,
            TerminationHistory = state.TaskFailures.TryGetValue(spec.Id, out var failure) ? [Ended(failure, state)] : [],
            LastUpdated = now.ToString(),
            LastChanged = since,
        };
    }

    // Only the last failure is kept; what its instance's other containers did is known while it still shows them.
    private static TerminationHistory Ended(TaskFailure failure, ClusterState state)
    {
        var task = state.Instance(failure.InstanceId)?.Tasks.FirstOrDefault(t => t.Id == failure.TaskId);
        return new TerminationHistory
        {
            InstanceID = failure.InstanceId.Value,
            StartedAt = (task?.StartedAt ?? task?.StagedAt ?? failure.At).ToString(),
            TerminatedAt = failure.At.ToString(),
            Message = failure.Message,
            Containers =
            [
                new ContainerTerminationHistory
                {
                    ContainerId = failure.TaskId.Value,
                    LastKnownState = failure.State,
                    Termination = new ContainerTermination { ExitCode = task?.ExitCode, Message = failure.Message },
                },
            ],
        };
    }
}
