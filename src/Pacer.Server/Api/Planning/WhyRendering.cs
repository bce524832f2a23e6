using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Server.Api.Planning;

/// <summary>Why instances of an app wait, in plain words.</summary>
internal static class WhyRendering
{
    public static WhyInfo Of(ClusterState state, RunSpec spec, Timestamp now, ClusterSettings settings)
    {
        var waiting = state.Pending.GetValueOrDefault(spec.Id)?.Count ?? 0;
        var delay = state.LaunchDelays.GetValueOrDefault(spec.Id) is { Released: false } held
            && held.ConfigVersion == spec.LastConfigChangeAt && held.Until > now ? (long)Math.Ceiling((held.Until - now).TotalSeconds) : 0;
        return Of(state, spec, waiting, delay, Orchestrator.Explain(state, spec, settings));
    }

    public static WhyInfo Of(ClusterState state, RunSpec spec, int waiting, long delay, PlacementExplanation explanation)
    {
        var info = new WhyInfo
        {
            Id = spec.Id.Path,
            Instances = spec.Instances,
            Waiting = waiting,
            DelaySeconds = waiting > 0 ? delay : 0,
            Nodes = explanation.Nodes,
            Accepting = explanation.Accepting,
            Reasons = [],
            Text = [],
        };
        if (waiting == 0)
        {
            info.Text.Add($"Nothing of {spec.Id} waits for a place.");
            return info;
        }
        info.Text.Add($"{waiting} of {spec.Instances} instances of {spec.Id} wait for a place.");
        if (delay > 0)
        {
            info.Text.Add($"It failed lately, so the next launch is held back for {delay} s.");
        }
        if (explanation.Nodes == 0)
        {
            info.Text.Add("No node is in contact.");
            return info;
        }
        if (explanation.Accepting > 0)
        {
            info.Text.Add($"{Nodes(explanation.Accepting)} would take one{(delay > 0 ? " then" : "")}.");
        }
        foreach (var group in explanation.Rejections.GroupBy(r => (r.Value.Reason, r.Value.Asked)).OrderBy(g => g.Key.Reason).ThenBy(g => g.Key.Asked, StringComparer.Ordinal))
        {
            // The node that comes nearest, by name where several do.
            var (host, best) = group.Select(r => (Host: state.Agents.TryGetValue(r.Key, out var node) ? node.Hostname : r.Key.Value, r.Value))
                .OrderByDescending(r => r.Value.FreeAmount ?? 0).ThenBy(r => r.Host, StringComparer.Ordinal).First();
            var count = group.Count();
            info.Reasons.Add(new WhyReason { Reason = best.Reason.ToString(), Nodes = count, Asked = best.Asked, Free = best.Free, Hostname = host });
            info.Text.Add(Sentence(best, count, host));
        }
        return info;
    }

    private static string Sentence(Rejection best, int count, string host) => best.Reason switch
    {
        RejectReason.UnfulfilledRole => $"{Nodes(count)} without anything for the role {best.Asked}: {host} has {best.Free}.",
        RejectReason.UnfulfilledConstraint => $"{Nodes(count)} outside of '{best.Asked}': {host} has {best.Free}.",
        RejectReason.NoCorrespondingReservationFound => $"{Nodes(count)} without its data.",
        RejectReason.AgentMaintenance => $"{Nodes(count)} closed to new work: {host} is {best.Free}.",
        RejectReason.InsufficientCpus => Scarce("CPU", best, count, host),
        RejectReason.InsufficientMemory => Scarce("memory", best, count, host),
        RejectReason.InsufficientDisk => Scarce("disk", best, count, host),
        RejectReason.InsufficientGpus => Scarce("GPUs", best, count, host),
        RejectReason.InsufficientPorts => $"{Nodes(count)} without the host ports: {best.Asked} asked for, {best.Free} on {host}.",
        _ => $"{Nodes(count)} with free GPUs, which are kept for apps that need one (the label GPU_SCHEDULING_BEHAVIOR=unrestricted opens them to this app).",
    };

    private static string Scarce(string what, Rejection best, int count, string host) =>
        $"{Nodes(count)} with too little {what}: {best.Asked} asked for, at most {best.Free} free ({host}).";

    private static string Nodes(int count) => count == 1 ? "1 node" : $"{count} nodes";
}
