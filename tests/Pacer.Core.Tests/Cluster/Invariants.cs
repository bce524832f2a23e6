using System.Collections.Immutable;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Tests.Cluster;

/// <summary>What must be true of every state, whatever happened.</summary>
internal static class Invariants
{
    public static void Hold(ClusterState state, ClusterSettings settings)
    {
        var usage = new SortedDictionary<AgentId, Resources>();
        var ports = new HashSet<(AgentId, int)>();
        foreach (var instance in state.AllInstances)
        {
            Assert.Equal(instance.IsScheduled, state.Pending.TryGetValue(instance.RunSpecId, out var waiting) && waiting.Contains(instance.Id));
            Assert.True(instance.Goal == Goal.Running || !instance.Condition.IsTerminal() || (instance.Goal == Goal.Stopped && !instance.Volumes.IsEmpty), $"{instance.Id} ended, is not wanted, and is still there");
            Assert.True(instance.Condition == Condition.Scheduled || instance.Placement is not null, $"{instance.Id} has no place");
            if (instance.HoldsResources)
            {
                var place = instance.Placement!;
                usage[place.AgentId] = usage.GetValueOrDefault(place.AgentId) + place.Resources;
                foreach (var port in place.HostPorts)
                {
                    Assert.True(ports.Add((place.AgentId, port)), $"port {port} on {place.AgentId} is held twice");
                    Assert.Contains(state.Agents[place.AgentId].Ports, range => range.Contains(port));
                }
            }
            if (instance.Deadline is { } deadline)
            {
                Assert.Contains(new Deadline(deadline, DeadlineKind.Instance, instance.Id.Value), state.Deadlines);
            }
        }
        foreach (var (agent, used) in usage)
        {
            var total = state.Agents[agent].Resources;
            Assert.True(used.CpuMillis <= total.CpuMillis && used.MemoryBytes <= total.MemoryBytes, $"{agent} is over-committed: {used} of {total}");
            Assert.Equal(used, state.Usage[agent].Resources);
            foreach (var (role, reserved) in state.Usage[agent].Reserved)
            {
                Assert.True(reserved.FitsInto(state.Agents[agent].ReservationOf(role)!.Resources), $"{agent} gives {role} more than is reserved");
            }
        }
        Assert.Equal(usage.Count, state.Usage.Count);
        foreach (var group in state.Deployments.Values.SelectMany(d => d.Transitions).GroupBy(t => t.Id))
        {
            Assert.True(group.Count() == 1, $"{group.Key} is changed by several deployments");
        }
        Assert.True(state.RootChanges.Count < settings.MaxVersions, "too many root versions are kept");
        Assert.DoesNotContain(state.Groups.Keys, group => state.RunSpecs.ContainsKey(new RunSpecId(group)));
        foreach (var (id, spec) in state.RunSpecs)
        {
            Assert.True(state.Versions[id].ContainsKey(spec.Version), $"{id}: the current version is not in the history");
            Assert.True(state.Versions[id].Count <= settings.MaxVersions + state.InstancesOf(id).Count);
        }
    }

    /// <summary>What a step launched is on nodes that take work.</summary>
    public static void PlacedOnOpenNodes(StepResult result, Timestamp now)
    {
        foreach (var launch in result.Effects.OfType<Effect.Launch>().Where(l => l.Instance.Since == now))
        {
            Assert.True(result.State.Agents[launch.AgentId].IsOpen, $"{launch.Instance.Id} was placed on {launch.AgentId}");
        }
    }

    public static void SameTables(ClusterState a, ClusterState b)
    {
        Assert.Equal(a.RootVersion, b.RootVersion);
        Same(a.RunSpecs, b.RunSpecs);
        Same(a.Agents, b.Agents);
        Same(a.Deployments, b.Deployments);
        Same(a.LaunchDelays, b.LaunchDelays);
        Same(a.TaskFailures, b.TaskFailures);
        Same(a.LockedBy, b.LockedBy);
        Same(a.Groups, b.Groups);
        Same(a.GroupSizes, b.GroupSizes);
        Same(a.RootChanges, b.RootChanges);
        Same(a.ServicePorts, b.ServicePorts);
        Assert.True(a.Deadlines.SetEquals(b.Deadlines), "deadlines differ");
        Assert.True(a.AllInstances.SequenceEqual(b.AllInstances), "instances differ");
        Assert.Equal(a.Pending.Keys, b.Pending.Keys);
        Assert.Equal(a.Usage.Keys, b.Usage.Keys);
        foreach (var (id, usage) in a.Usage)
        {
            Assert.Equal(usage.Resources, b.Usage[id].Resources);
            Assert.True(usage.Reserved.SequenceEqual(b.Usage[id].Reserved), $"reserved use of {id} differs");
        }
        SameIndex(a, b.NodeIndex);
    }

    /// <summary>The index holds what can be worked out from the nodes and what they hold.</summary>
    public static void SameIndex(ClusterState state, NodeIndex index)
    {
        var open = state.Agents.Values.Where(node => node.IsOpen).ToList();
        Assert.True(index.ByLoad.SetEquals(open.Select(node => NodeLoad.Of(node, state.Usage.GetValueOrDefault(node.Id, AgentUsage.Empty).Resources))), "loads differ");
        Assert.Equal(
            open.SelectMany(node => node.Attributes.Select(a => $"{a.Key}={a.Value}:{node.Id}")).Order(StringComparer.Ordinal),
            index.ByField.Where(field => field.Key is not ("hostname" or "@region" or "@zone"))
                .SelectMany(field => field.Value.SelectMany(value => value.Value.Select(node => $"{field.Key}={value.Key}:{node}"))).Order(StringComparer.Ordinal));
        Assert.Equal(open.Count, index.ByField.GetValueOrDefault("hostname")?.Values.Sum(nodes => nodes.Count) ?? 0);
        Assert.True(index.Draining.SetEquals(state.Agents.Values.Where(node => node.Drain is not null).Select(node => node.Id)), "draining nodes differ");
    }

    private static void Same<TKey, TValue>(ImmutableSortedDictionary<TKey, TValue> a, ImmutableSortedDictionary<TKey, TValue> b)
        where TKey : notnull => Assert.True(a.SequenceEqual(b), $"tables of {typeof(TValue).Name} differ");
}
