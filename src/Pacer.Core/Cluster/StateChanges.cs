using System.Collections.Immutable;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>How each <see cref="Change"/> alters a state, derived tables included. The only code that does.</summary>
internal static class StateChanges
{
    public static ClusterState Apply(ClusterState state, Change change) => change switch
    {
        Change.PutInstance put => PutInstance(state, put.Instance),
        Change.DeleteInstance delete => DeleteInstance(state, delete.Id),
        Change.PutRunSpec put => PutRunSpec(state, put.Spec),
        Change.DeleteRunSpec delete => DeleteRunSpec(state, delete.Id),
        Change.PutVersion put => state with
        {
            Versions = state.Versions.SetItem(put.Spec.Id, HistoryOf(state, put.Spec.Id).SetItem(put.Spec.Version, put.Spec)),
        },
        Change.DeleteVersion delete => DeleteVersion(state, delete.Id, delete.Version),
        Change.PutAgent put => PutAgent(state, put.Node),
        Change.DeleteAgent delete => DeleteAgent(state, delete.Id),
        Change.PutDeployment put => PutDeployment(state, put.Deployment),
        Change.DeleteDeployment delete => DeleteDeployment(state, delete.Id),
        Change.PutLaunchDelay put => PutLaunchDelay(state, put.Delay),
        Change.DeleteLaunchDelay delete => DeleteLaunchDelay(state, delete.Id),
        Change.PutTaskFailure put => state with { TaskFailures = state.TaskFailures.SetItem(put.Failure.RunSpecId, put.Failure) },
        Change.DeleteTaskFailure delete => state with { TaskFailures = state.TaskFailures.Remove(delete.Id) },
        Change.PutGroup put => state with { Groups = state.Groups.SetItem(put.Group.Id, put.Group) },
        Change.DeleteGroup delete => state with { Groups = state.Groups.Remove(delete.Id) },
        Change.PutRootChange put => state with { RootChanges = state.RootChanges.SetItem(put.RootChange.Version, put.RootChange) },
        Change.DeleteRootChange delete => state with { RootChanges = state.RootChanges.Remove(delete.Version) },
        Change.PutSecret put => state with { Secrets = state.Secrets.SetItem(put.Secret.Name, put.Secret) },
        Change.DeleteSecret delete => state with { Secrets = state.Secrets.Remove(delete.Name) },
        Change.PutRootVersion put => state with { RootVersion = put.Version },
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, "unknown change"),
    };

    private static ClusterState PutInstance(ClusterState state, Instance instance)
    {
        var id = instance.RunSpecId;
        var siblings = state.InstancesOf(id);
        var old = siblings.GetValueOrDefault(instance.Id);
        var (usage, nodes) = MoveUsage(state, old, instance);
        return state with
        {
            Instances = state.Instances.SetItem(id, siblings.SetItem(instance.Id, instance)),
            Usage = usage,
            NodeIndex = nodes,
            Pending = MovePending(state.Pending, id, instance.Id, old?.IsScheduled ?? false, instance.IsScheduled),
            Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.Instance, instance.Id.Value, old?.Deadline, instance.Deadline),
        };
    }

    private static ClusterState DeleteInstance(ClusterState state, InstanceId instanceId)
    {
        var id = instanceId.RunSpecId;
        var siblings = state.InstancesOf(id);
        if (!siblings.TryGetValue(instanceId, out var old))
        {
            return state;
        }
        var rest = siblings.Remove(instanceId);
        var (usage, nodes) = MoveUsage(state, old, null);
        return state with
        {
            Instances = rest.IsEmpty ? state.Instances.Remove(id) : state.Instances.SetItem(id, rest),
            Usage = usage,
            NodeIndex = nodes,
            Pending = MovePending(state.Pending, id, instanceId, old.IsScheduled, false),
            Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.Instance, instanceId.Value, old.Deadline, null),
        };
    }

    private static (ImmutableSortedDictionary<AgentId, AgentUsage> Usage, NodeIndex Nodes) MoveUsage(
        ClusterState state, Instance? before, Instance? after)
    {
        var held = before is { HoldsResources: true } ? before.Placement : null;
        var holds = after is { HoldsResources: true } ? after.Placement : null;
        var (usage, nodes) = (state.Usage, state.NodeIndex);
        if (held == holds)
        {
            return (usage, nodes);
        }
        if (held is not null)
        {
            var use = usage.GetValueOrDefault(held.AgentId, AgentUsage.Empty);
            var less = new AgentUsage(use.Resources - held.Resources, use.Ports.Except(held.HostPorts), use.Instances.Remove(before!.Id))
            {
                Reserved = MoveReserved(use.Reserved, before.Role, Resources.None - held.Reserved),
            };
            usage = less.Instances.IsEmpty ? usage.Remove(held.AgentId) : usage.SetItem(held.AgentId, less);
            nodes = nodes.Move(state.Agents.GetValueOrDefault(held.AgentId), use.Resources, less.Resources);
        }
        if (holds is not null)
        {
            var use = usage.GetValueOrDefault(holds.AgentId, AgentUsage.Empty);
            var more = new AgentUsage(use.Resources + holds.Resources, use.Ports.Union(holds.HostPorts), use.Instances.Add(after!.Id))
            {
                Reserved = MoveReserved(use.Reserved, after.Role, holds.Reserved),
            };
            usage = usage.SetItem(holds.AgentId, more);
            nodes = nodes.Move(state.Agents.GetValueOrDefault(holds.AgentId), use.Resources, more.Resources);
        }
        return (usage, nodes);
    }

    private static ImmutableSortedDictionary<string, Resources> MoveReserved(
        ImmutableSortedDictionary<string, Resources> reserved, string role, Resources more)
    {
        if (more == Resources.None)
        {
            return reserved;
        }
        var sum = reserved.GetValueOrDefault(role) + more;
        return sum == Resources.None ? reserved.Remove(role) : reserved.SetItem(role, sum);
    }

    private static ImmutableSortedDictionary<RunSpecId, ImmutableSortedSet<InstanceId>> MovePending(
        ImmutableSortedDictionary<RunSpecId, ImmutableSortedSet<InstanceId>> pending, RunSpecId id, InstanceId instance, bool was, bool isNow)
    {
        if (was == isNow)
        {
            return pending;
        }
        var waiting = pending.GetValueOrDefault(id, ImmutableSortedSet<InstanceId>.Empty);
        waiting = isNow ? waiting.Add(instance) : waiting.Remove(instance);
        return waiting.IsEmpty ? pending.Remove(id) : pending.SetItem(id, waiting);
    }

    private static ImmutableSortedSet<Deadline> MoveDeadline(
        ImmutableSortedSet<Deadline> deadlines, DeadlineKind kind, string key, Timestamp? before, Timestamp? after)
    {
        if (before == after)
        {
            return deadlines;
        }
        if (before is { } was)
        {
            deadlines = deadlines.Remove(new Deadline(was, kind, key));
        }
        return after is { } at ? deadlines.Add(new Deadline(at, kind, key)) : deadlines;
    }

    private static ImmutableSortedDictionary<Timestamp, RunSpec> HistoryOf(ClusterState state, RunSpecId id) =>
        state.Versions.GetValueOrDefault(id, ImmutableSortedDictionary<Timestamp, RunSpec>.Empty);

    private static ClusterState PutRunSpec(ClusterState state, RunSpec spec)
    {
        var old = state.RunSpecs.GetValueOrDefault(spec.Id);
        return state with
        {
            RunSpecs = state.RunSpecs.SetItem(spec.Id, spec),
            GroupSizes = old is null ? CountGroups(state.GroupSizes, spec.Id, 1) : state.GroupSizes,
            ServicePorts = MoveServicePorts(state.ServicePorts, old, spec),
        };
    }

    private static ClusterState DeleteRunSpec(ClusterState state, RunSpecId id) =>
        !state.RunSpecs.TryGetValue(id, out var old)
            ? state
            : state with
            {
                RunSpecs = state.RunSpecs.Remove(id),
                GroupSizes = CountGroups(state.GroupSizes, id, -1),
                ServicePorts = MoveServicePorts(state.ServicePorts, old, null),
            };

    /// <summary>Counts a run spec into, or out of, all groups above it.</summary>
    public static ImmutableSortedDictionary<string, int> CountGroups(ImmutableSortedDictionary<string, int> groups, RunSpecId id, int delta)
    {
        for (var group = id.Group; group != "/"; group = new RunSpecId(group).Group)
        {
            var count = groups.GetValueOrDefault(group) + delta;
            groups = count == 0 ? groups.Remove(group) : groups.SetItem(group, count);
        }
        return groups;
    }

    private static ImmutableSortedDictionary<int, int> MoveServicePorts(ImmutableSortedDictionary<int, int> ports, RunSpec? before, RunSpec? after)
    {
        if (before?.Ports == after?.Ports || (before is not null && before.Ports.Equals(after?.Ports)))
        {
            return ports;
        }
        foreach (var port in before?.Ports ?? [])
        {
            var count = ports.GetValueOrDefault(port.ServicePort) - 1;
            ports = count <= 0 ? ports.Remove(port.ServicePort) : ports.SetItem(port.ServicePort, count);
        }
        foreach (var port in after?.Ports ?? [])
        {
            ports = ports.SetItem(port.ServicePort, ports.GetValueOrDefault(port.ServicePort) + 1);
        }
        return ports;
    }

    private static ClusterState DeleteVersion(ClusterState state, RunSpecId id, Timestamp version)
    {
        var rest = HistoryOf(state, id).Remove(version);
        return state with { Versions = rest.IsEmpty ? state.Versions.Remove(id) : state.Versions.SetItem(id, rest) };
    }

    private static ClusterState PutAgent(ClusterState state, AgentNode node)
    {
        var old = state.Agents.GetValueOrDefault(node.Id);
        return state with
        {
            Agents = state.Agents.SetItem(node.Id, node),
            NodeIndex = state.NodeIndex.Put(old, node, UsedOn(state, node.Id)),
            Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.Agent, node.Id.Value, old?.Deadline, node.Deadline),
        };
    }

    private static ClusterState DeleteAgent(ClusterState state, AgentId id) => !state.Agents.TryGetValue(id, out var old) ? state : state with
    {
        Agents = state.Agents.Remove(id),
        NodeIndex = state.NodeIndex.Put(old, null, UsedOn(state, id)),
        Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.Agent, id.Value, old.Deadline, null),
    };

    private static Resources UsedOn(ClusterState state, AgentId id) => state.Usage.TryGetValue(id, out var usage) ? usage.Resources : Resources.None;

    private static ClusterState PutDeployment(ClusterState state, Deployment deployment)
    {
        var locked = state.LockedBy;
        if (!state.Deployments.ContainsKey(deployment.Id)) // what a deployment affects never changes
        {
            foreach (var transition in deployment.Transitions)
            {
                locked = locked.SetItem(transition.Id, deployment.Id);
            }
        }
        return state with { Deployments = state.Deployments.SetItem(deployment.Id, deployment), LockedBy = locked };
    }

    private static ClusterState DeleteDeployment(ClusterState state, DeploymentId id)
    {
        if (!state.Deployments.TryGetValue(id, out var old))
        {
            return state;
        }
        var locked = state.LockedBy;
        foreach (var transition in old.Transitions)
        {
            if (locked.GetValueOrDefault(transition.Id) == id)
            {
                locked = locked.Remove(transition.Id);
            }
        }
        return state with { Deployments = state.Deployments.Remove(id), LockedBy = locked };
    }

    private static ClusterState PutLaunchDelay(ClusterState state, LaunchDelay delay) => state with
    {
        LaunchDelays = state.LaunchDelays.SetItem(delay.Id, delay),
        Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.LaunchDelay, delay.Id.Path,
            state.LaunchDelays.GetValueOrDefault(delay.Id)?.Deadline, delay.Deadline),
    };

    private static ClusterState DeleteLaunchDelay(ClusterState state, RunSpecId id) => state with
    {
        LaunchDelays = state.LaunchDelays.Remove(id),
        Deadlines = MoveDeadline(state.Deadlines, DeadlineKind.LaunchDelay, id.Path, state.LaunchDelays.GetValueOrDefault(id)?.Deadline, null),
    };
}
