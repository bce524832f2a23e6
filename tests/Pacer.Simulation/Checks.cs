using System.Globalization;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;
using static Pacer.Simulation.SimulatedCluster;

namespace Pacer.Simulation;

/// <summary>What must hold after every commit, what must hold in the world as it really is, and what must be true in the end.</summary>
internal static class Checks
{
    /// <summary>Looks at what the commit touched; the whole state is looked at by <see cref="WholeState"/>.</summary>
    public static void AfterCommit(SimulatedCluster cluster, ClusterState before, StepResult result)
    {
        foreach (var change in result.Changes)
        {
            if (change is not Change.PutInstance { Instance: var put } || cluster.State.Instance(put.Id) is not { } instance)
            {
                continue;
            }
            Require(instance.Goal == Goal.Running || !instance.Condition.IsTerminal() || (instance.Goal == Goal.Stopped && !instance.Volumes.IsEmpty), $"{instance.Id} ended, is unwanted, and is still there");
            if (instance is not { HoldsResources: true, Placement: { } place })
            {
                continue;
            }
            var node = cluster.State.Agents[place.AgentId];
            var used = cluster.State.Usage[place.AgentId];
            var real = cluster.Agents[int.Parse(place.AgentId.Value.AsSpan(1))].Node.Resources;
            Require(used.Resources.CpuMillis <= real.CpuMillis && used.Resources.MemoryBytes <= real.MemoryBytes,
                $"node {node.Id} is over-committed: {used.Resources} of {real}");
            if (instance.Condition == Condition.Provisioned && before.Instance(instance.Id)?.Incarnation != instance.Incarnation)
            {
                Placed(cluster, before, instance, place);
            }
        }
        DataStaysWithItsInstance(before, cluster.State, result);
        NeverBelowMinimumHealth(before, cluster.State, result);
        Tasks.AfterCommit(cluster, before, result);
        DrainsKeepTheBounds(before, cluster, result);
    }

    // From its first launch to its end an instance has the same volumes on the same node.
    private static void DataStaysWithItsInstance(ClusterState before, ClusterState after, StepResult result)
    {
        foreach (var change in result.Changes.OfType<Change.PutInstance>())
        {
            if (before.Instance(change.Instance.Id) is { Volumes.IsEmpty: false } old && after.Instance(old.Id) is { } now)
            {
                Require(now.Volumes.SequenceEqual(old.Volumes) && now.Placement?.AgentId == old.Placement?.AgentId,
                    $"{old.Id} lost its volumes on {old.Placement?.AgentId}: it has {string.Join(", ", now.Volumes)} on {now.Placement?.AgentId}");
            }
        }
    }

    /// <summary>Data is destroyed only when its instance is gone for good.</summary>
    public static void MayBeWiped(SimulatedCluster cluster, string volume) => Require(
        !cluster.State.AllInstances.Any(instance => instance.Volumes.Any(own => own.Id == volume)),
        $"{volume} is wiped, and its instance is still there");

    /// <summary>The same with a strategy that allows everything; what it really wants is noted in its definition.</summary>
    public static RunSpec HideMinimum(RunSpec spec) => spec.Definition.Contains(Hidden, StringComparison.Ordinal) ? spec : spec with
    {
        Definition = $"{{{Hidden}{spec.Upgrade.MinimumHealthCapacity.ToString(CultureInfo.InvariantCulture)},{spec.Definition[1..]}",
        Upgrade = new UpgradeStrategy(0, 1),
    };

    private const string Hidden = "\"min\":";

    private static double MinimumOf(RunSpec spec) => spec.Definition.IndexOf(Hidden, StringComparison.Ordinal) is var at and >= 0
        ? double.Parse(spec.Definition[(at + Hidden.Length)..spec.Definition.IndexOf(',', at)], CultureInfo.InvariantCulture)
        : spec.Upgrade.MinimumHealthCapacity;

    // Replacement first: a drain takes healthy instances only from above the minimum, until its deadline has passed.
    private static void DrainsKeepTheBounds(ClusterState before, SimulatedCluster cluster, StepResult result)
    {
        var after = cluster.State;
        foreach (var ofSpec in result.Changes.OfType<Change.PutInstance>().Select(c => c.Instance)
            .Where(i => i.KillReason == NodeDrains.KillReason && before.Instance(i.Id) is { KillSentAt: null, Condition: Condition.Running } b && IsWell(before, b)
                && IsWell(after, i)) // the same step may have told that it is not well any more
            .DistinctBy(i => i.Id).GroupBy(i => i.RunSpecId))
        {
            if (!after.RunSpecs.TryGetValue(ofSpec.Key, out var spec)
                || ofSpec.Any(i => after.Agents.GetValueOrDefault(i.Placement!.AgentId)?.Drain is not { Expired: false }))
            {
                continue;
            }
            var minimum = (int)Math.Ceiling(spec.Instances * MinimumOf(spec) - 1e-9);
            var left = after.InstancesOf(spec.Id).Values.Count(i => i is { Goal: Goal.Running, KillSentAt: null, Condition: Condition.Running } && IsWell(after, i));
            Require(left >= minimum, $"{spec.Id}: a drain ended {ofSpec.Count()} healthy instances, {left} are left of at least {minimum}");
        }
    }

    private static bool IsWell(ClusterState state, Instance instance) =>
        instance.Ready && ((state.RunSpecOf(instance) ?? state.RunSpecs.GetValueOrDefault(instance.RunSpecId)) is not { HealthChecks: > 0 } || instance.Healthy == true);

    private static void Placed(SimulatedCluster cluster, ClusterState before, Instance instance, Placement place)
    {
        if (before.Instance(instance.Id) is { Volumes.IsEmpty: false })
        {
            Require(cluster.State.Agents[place.AgentId].TakesBack, $"{instance.Id} was launched again on {place.AgentId}, which takes nothing back");
            return; // it goes where its data is, whatever its constraints say by now; its ports were never given up
        }
        Require(cluster.State.Agents[place.AgentId].IsOpen, $"{instance.Id} was placed on {place.AgentId}, which takes nothing");
        var spec = cluster.State.RunSpecs[instance.RunSpecId];
        var siblings = cluster.State.InstancesOf(spec.Id).Values.Where(i =>
            i.Id != instance.Id && i.ConfigVersion == spec.LastConfigChangeAt && i.HoldsResources
            && i.Condition is not (Condition.Unreachable or Condition.UnreachableInactive)).ToList();
        foreach (var constraint in spec.Constraints)
        {
            var value = cluster.State.Agents[place.AgentId].FieldValue(constraint.Field);
            var same = siblings.Count(i => cluster.State.Agents[i.Placement!.AgentId].FieldValue(constraint.Field) == value);
            var holds = constraint.Operator switch
            {
                ConstraintOperator.Unique => same == 0,
                ConstraintOperator.MaxPer => same < int.Parse(constraint.Value!),
                ConstraintOperator.Cluster => constraint.Value is null || value == constraint.Value,
                _ => true,
            };
            Require(holds, $"{instance.Id} was placed on {place.AgentId} against {constraint}");
        }
        var ports = new HashSet<int>(place.HostPorts);
        Require(ports.Count == place.HostPorts.Count, $"{instance.Id} got a port twice");
        foreach (var other in cluster.State.Usage[place.AgentId].Instances)
        {
            Require(other == instance.Id || !cluster.State.Instance(other)!.Placement!.HostPorts.Any(ports.Contains),
                $"a port of {instance.Id} on {place.AgentId} is held by {other} too");
        }
    }

    // A deployment itself never takes healthy instances below what its strategy promises.
    private static void NeverBelowMinimumHealth(ClusterState before, ClusterState after, StepResult result)
    {
        foreach (var id in result.Changes.OfType<Change.PutInstance>().Select(c => c.Instance.RunSpecId).Distinct())
        {
            if (after.DeploymentOf(id)?.Current is not { } step || !step.Actions.Any(a => a.RunSpecId == id && a.Kind == ActionKind.Restart)
                || !after.RunSpecs.TryGetValue(id, out var spec))
            {
                continue;
            }
            var minimum = (int)Math.Ceiling(spec.Instances * MinimumOf(spec) - 1e-9);
            var left = after.InstancesOf(id).Values.Count(i => IsGood(i));
            var taken = after.InstancesOf(id).Values.Count(i => before.Instance(i.Id) is { Goal: Goal.Running, KillSentAt: null }
                && i is { Goal: Goal.Decommissioned, Condition: Condition.Running, KillReason: "replaced by a new version" } && IsHealthy(i));
            Require(taken == 0 || left >= Math.Min(minimum, left + taken), $"{id}: {taken} healthy instances were ended, {left} are left of at least {minimum}");
        }

        bool IsGood(Instance i) => i is { Goal: Goal.Running, KillSentAt: null, Condition: Condition.Running } && IsHealthy(i);

        bool IsHealthy(Instance i) => i.Ready && ((before.RunSpecOf(i) ?? after.RunSpecOf(i)) is not { HealthChecks: > 0 } || i.Healthy == true);
    }

    /// <summary>The derived tables say the same as the instances.</summary>
    public static void WholeState(SimulatedCluster cluster)
    {
        var state = cluster.State;
        var used = new SortedDictionary<AgentId, Resources>();
        foreach (var instance in state.AllInstances)
        {
            if (instance is { HoldsResources: true, Placement: { } place })
            {
                used[place.AgentId] = used.GetValueOrDefault(place.AgentId) + place.Resources;
            }
            Require(instance.IsScheduled == (state.Pending.TryGetValue(instance.RunSpecId, out var waiting) && waiting.Contains(instance.Id)),
                $"{instance.Id}: waiting or not?");
        }
        var open = state.Agents.Values.Where(n => n.IsOpen).Select(n => NodeLoad.Of(n, used.GetValueOrDefault(n.Id)));
        Require(state.NodeIndex.ByLoad.SetEquals(open), "the index of nodes is wrong");
        Require(used.Count == state.Usage.Count && used.All(u => state.Usage[u.Key].Resources == u.Value), "the usage of nodes is wrong");
    }

    /// <summary>What really runs: no instance runs twice, no two tasks of a node share a port, no node runs more than it can.</summary>
    public static void RealWorld(SimulatedCluster cluster)
    {
        var instances = new Dictionary<InstanceId, (SimulatedAgent, int)>();
        foreach (var agent in cluster.Agents)
        {
            var ports = new HashSet<int>();
            var sum = Resources.None;
            foreach (var task in agent.Live)
            {
                task.Id.TryGetInstance(out var instance, out _, out var incarnation);
                if (!instances.TryAdd(instance, (agent, incarnation)))
                {
                    // The containers of a pod run side by side, and share what their instance was given.
                    Require(instances[instance] == (agent, incarnation), $"{instance} runs twice: as {task.Id} and elsewhere or before");
                    continue;
                }
                Require(task.Placement.HostPorts.All(ports.Add), $"two tasks on {agent.Node.Id} hold the same port");
                sum += task.Placement.Resources;
            }
            Require(sum.CpuMillis <= agent.Node.Resources.CpuMillis, $"{agent.Node.Id} runs more than it can: {sum}");
        }
        VolumesHaveOneOwner(cluster);
        DisksHoldTheirVolumes(cluster);
    }

    private static void DisksHoldTheirVolumes(SimulatedCluster cluster)
    {
        foreach (var agent in cluster.Agents)
        {
            var shares = (cluster.State.Usage.GetValueOrDefault(agent.Node.Id)?.Instances ?? []).SelectMany(id => cluster.State.Instance(id)!.Placement!.Disks);
            foreach (var ofDisk in shares.GroupBy(share => share.Path))
            {
                var disk = agent.Node.Disks.FirstOrDefault(disk => disk.Path == ofDisk.Key);
                Require(disk is not null && ofDisk.Sum(share => share.SizeBytes) <= disk.SizeBytes && (disk.Type == DiskType.Path || ofDisk.Count() == 1),
                    $"{agent.Node.Id} does not have the disks that it gave away: {string.Join(", ", ofDisk)}");
            }
        }
    }

    private static void VolumesHaveOneOwner(SimulatedCluster cluster)
    {
        var owners = new Dictionary<string, InstanceId>();
        foreach (var instance in cluster.State.AllInstances)
        {
            foreach (var volume in instance.Volumes)
            {
                Require(owners.TryAdd(volume.Id, instance.Id), $"{volume.Id} belongs to {instance.Id} and to {owners[volume.Id]}");
            }
        }
        foreach (var agent in cluster.Agents)
        {
            foreach (var group in agent.Live.SelectMany(task => task.Volumes.Select(volume => (volume, task))).GroupBy(use => use.volume))
            {
                var users = group.Select(use => use.task.Id.TryGetInstance(out var instance, out _, out var incarnation) ? (instance, incarnation) : default).Distinct().ToList();
                Require(users.Count == 1, $"{group.Key} is used by {string.Join(" and ", users)}");
            }
        }
    }

    private static string Describe(RunSpec spec, List<Instance> instances) => $"{spec.Instances} wanted, {spec.Upgrade}, there are "
        + string.Join("; ", instances.Select(i => $"{(i.ConfigVersion == spec.LastConfigChangeAt ? "new" : "old")} {i.Goal} {i.Condition}"
            + $"{(i.Ready ? " ready" : "")}{(i.Healthy == true ? " healthy" : "")}{(i.KillSentAt is null ? "" : " ending")}"));

    /// <summary>Once faults have stopped: what is wanted runs, or there is a reason; nothing else runs; deployments have ended.</summary>
    public static void Converged(SimulatedCluster cluster)
    {
        var state = cluster.State;
        RealWorld(cluster);
        WholeState(cluster);
        var owned = state.AllInstances.Where(i => i.Tasks.Any(task => !task.Condition.IsTerminal())).SelectMany(i => i.Volumes).Select(volume => volume.Id).ToHashSet();
        var kept = state.AllInstances.SelectMany(i => i.Volumes).Select(volume => volume.Id).ToHashSet();
        var there = cluster.Agents.SelectMany(agent => agent.Volumes).ToHashSet();
        Require(owned.IsSubsetOf(there), $"volumes are lost: {string.Join(", ", owned.Except(there).Take(3))}");
        var left = cluster.Agents.Where(agent => !agent.WasForgotten).SelectMany(agent => agent.Volumes).Except(kept).ToList();
        Require(left.Count == 0, $"volumes are left of instances that are gone: {string.Join(", ", left.Take(3))}");
        var known = state.AllInstances.Where(i => i.IsActive).SelectMany(i => i.Tasks).Where(t => !t.Condition.IsTerminal())
            .Select(t => t.Id).Order().ToList();
        var real = cluster.Agents.SelectMany(a => a.Live).Select(t => t.Id).Order().ToList();
        Require(known.SequenceEqual(real), $"known and running differ: lost {string.Join(", ", known.Except(real).Take(3))}; leaked {string.Join(", ", real.Except(known).Take(3))}");
        foreach (var spec in state.RunSpecs.Values)
        {
            var instances = state.InstancesOf(spec.Id).Values.ToList();
            Require(instances.Count(i => i.Goal == Goal.Running) == spec.Instances || state.LockedBy.ContainsKey(spec.Id)
                || (instances.Any(i => NodeDrains.Leaves(state, i)) && instances.Any(i => i.IsScheduled)),
                $"{spec.Id}: {instances.Count} instances, wanted {spec.Instances}");
            var waits = instances.Any(i => i.IsScheduled);
            Require(!waits || Orchestrator.Explain(state, spec).Accepting == 0, $"{spec.Id} waits though there is room: {Describe(spec, instances)}");
            if (state.DeploymentOf(spec.Id) is { } deployment)
            {
                var stuck = deployment.Transitions.Any(t => t.Target is { } target && state.Pending.ContainsKey(target.Id)
                    && Orchestrator.Explain(state, state.RunSpecs[target.Id]).Accepting == 0);
                Require(stuck, $"deployment {deployment.Id} of {spec.Id} does not end: {Describe(spec, instances)}");
            }
        }
        foreach (var instance in state.AllInstances.Where(i => NodeDrains.Leaves(state, i)))
        {
            var stuck = state.LockedBy.ContainsKey(instance.RunSpecId) || state.Pending.ContainsKey(instance.RunSpecId);
            Require(stuck, $"{instance.Id} does not leave {instance.Placement!.AgentId}, which is drained, though nothing holds it: {Describe(state.RunSpecs[instance.RunSpecId], [.. state.InstancesOf(instance.RunSpecId).Values])}");
        }
        foreach (var instance in state.AllInstances)
        {
            Require(state.RunSpecs.ContainsKey(instance.RunSpecId), $"{instance.Id} is left of an app that was removed");
        }
    }
}
