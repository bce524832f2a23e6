using Pacer.Core.Model;
using Pacer.Core.Scheduling.Deployments;
using Pacer.Core.Scheduling.Victims;

namespace Pacer.Core.Scheduling.Scaling;

/// <summary>What brings the number of instances to the wanted one.</summary>
/// <param name="Kill">Instances to end.</param>
/// <param name="Create">Instances to queue.</param>
/// <param name="Settled">The number is right and nothing that was told to end is still there.</param>
internal sealed record ScaleDecision(IReadOnlyList<Instance> Kill, int Create, bool Settled)
{
    public static ScaleDecision For(
        RunSpec spec, IReadOnlyCollection<Instance> instances, ValueList<InstanceId> sentenced, Func<Instance, string, string?> fieldValue)
    {
        var considered = new List<Instance>(instances.Count);
        var leaving = 0;
        foreach (var instance in instances)
        {
            if (instance.Goal != Goal.Running)
            {
                // One that keeps its data may stay; out of reach it ends whenever its node is back.
                leaving += instance.Goal == Goal.Decommissioned || (instance.IsActive && instance.Condition != Condition.Unreachable) ? 1 : 0;
            }
            else if (instance.Condition != Condition.UnreachableInactive)
            {
                considered.Add(instance);
            }
        }
        if (considered.Count > spec.Instances)
        {
            return new(VictimOrder.Choose(considered, considered.Count - spec.Instances, sentenced, spec, fieldValue), 0, false);
        }
        return new([], spec.Instances - considered.Count, considered.Count == spec.Instances && leaving == 0);
    }

    /// <summary>Whether all instances that were created since <paramref name="since"/> are healthy and ready.</summary>
    public static bool NewOnesAreUp(RunSpec spec, IEnumerable<Instance> instances, Timestamp since)
    {
        foreach (var instance in instances)
        {
            if (instance.Goal == Goal.Running && (instance.CreatedAt >= since || (!instance.Volumes.IsEmpty && instance.ScheduledAt >= since)) && !InstanceHealth.IsHealthyAndReady(instance, spec))
            {
                return false;
            }
        }
        return true;
    }
}
