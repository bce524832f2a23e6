using System.Collections.Immutable;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Deployments;
using Pacer.Core.Services.Dependencies;
using Pacer.Core.Services.Ports;

namespace Pacer.Core.Cluster;

/// <summary>Commands that change what is wanted: the pipeline of marathon-behaviour.md §1.1.</summary>
internal static class RunSpecCommands
{
    public static CommandResult Change(Transaction tx, Input.ChangeRunSpecs command)
    {
        var before = tx.State;
        var version = Timestamp.Max(tx.Now, before.RootVersion + TimeSpan.FromMilliseconds(1));
        var target = before.RunSpecs;
        var servicePorts = before.ServicePorts;
        var ids = new SortedSet<RunSpecId>();
        foreach (var change in command.Changes)
        {
            if (!ids.Add(change.Id))
            {
                return new CommandResult.Invalid("/id", $"'{change.Id}' is named twice in one request");
            }
            var current = before.RunSpecs.GetValueOrDefault(change.Id);
            switch (change)
            {
                case RunSpecChange.Put put when put.Base != current?.Version:
                    return new CommandResult.Stale();
                case RunSpecChange.Put put:
                    var assigned = ServicePortAssignment.Assign(
                        put.Spec, current, servicePorts, tx.Settings.ServicePortMin, tx.Settings.ServicePortMax);
                    if (assigned is null)
                    {
                        return new CommandResult.ServicePortsExhausted(tx.Settings.ServicePortMin, tx.Settings.ServicePortMax);
                    }
                    foreach (var port in assigned.Ports)
                    {
                        servicePorts = servicePorts.SetItem(port.ServicePort, servicePorts.GetValueOrDefault(port.ServicePort) + 1);
                    }
                    target = target.SetItem(change.Id, Stamp(assigned, current, version));
                    break;
                case RunSpecChange.Restart or RunSpecChange.Remove when current is null:
                    return new CommandResult.RunSpecNotFound(change.Id);
                case RunSpecChange.Restart:
                    target = target.SetItem(change.Id, current! with { Version = version, LastConfigChangeAt = version });
                    break;
                case RunSpecChange.Remove:
                    target = target.Remove(change.Id);
                    break;
            }
        }
        return Validate(before, target, ids) ?? Deploy(tx, ids, target, [], version, command.Force);
    }

    /// <summary>Checks limits and conflicts, stores the new definitions and starts the deployment that leads to them.</summary>
    public static CommandResult Deploy(
        Transaction tx,
        IReadOnlyCollection<RunSpecId> ids,
        ImmutableSortedDictionary<RunSpecId, RunSpec> target,
        ValueList<InstanceId> sentenced,
        Timestamp version,
        bool force)
    {
        var before = tx.State.RunSpecs;
        var transitions = ids.Select(id => new RunSpecTransition(id, before.GetValueOrDefault(id), target.GetValueOrDefault(id))).ToList();
        var steps = DeploymentPlanner.Plan(transitions, target, sentenced);
        var acting = steps.SelectMany(s => s.Actions).Select(a => a.RunSpecId).ToHashSet();
        var affected = ValueList.From(transitions.Where(t => acting.Contains(t.Id)));
        var conflicts = affected.Select(t => tx.State.DeploymentOf(t.Id)).OfType<Deployment>().DistinctBy(d => d.Id).OrderBy(d => d.Id).ToList();
        var deployment = new Deployment(new DeploymentId(tx.Ids.NextUuid()), version, steps, affected, 0, tx.Now);
        if (!force)
        {
            if (tx.State.Deployments.Count >= tx.Settings.MaxRunningDeployments)
            {
                return new CommandResult.TooManyDeployments(tx.Settings.MaxRunningDeployments);
            }
            if (conflicts.Count > 0)
            {
                tx.Publish(new ClusterEvent.DeploymentFailed(tx.Now, deployment, "conflicts with running deployments"));
                return new CommandResult.Conflict(ValueList.From(conflicts.Select(d => d.Id)));
            }
        }
        foreach (var conflict in conflicts)
        {
            DeploymentProgress.Cancel(tx, conflict, "cancelled by a forced change");
        }
        Store(tx, transitions, version);
        tx.Publish(new ClusterEvent.GroupChanged(tx.Now, "/", version));
        if (steps.IsEmpty)
        {
            tx.Publish(new ClusterEvent.DeploymentSucceeded(tx.Now, deployment));
        }
        else
        {
            tx.Put(new Change.PutDeployment(deployment));
            tx.DirtyDeployments.Add(deployment.Id);
        }
        return new CommandResult.Deploying(deployment.Id, version);
    }

    private static void Store(Transaction tx, List<RunSpecTransition> transitions, Timestamp version)
    {
        tx.Put(new Change.PutRootVersion(version));
        foreach (var (id, original, target) in transitions)
        {
            tx.DirtyRunSpecs.Add(id);
            if (target is null)
            {
                tx.Put(new Change.DeleteRunSpec(id));
                tx.Put(new Change.DeleteLaunchDelay(id));
                tx.Put(new Change.DeleteTaskFailure(id));
                continue;
            }
            if (target == original)
            {
                continue;
            }
            tx.Put(new Change.PutRunSpec(target));
            tx.Put(new Change.PutVersion(target));
            if (original is not null && original.LastConfigChangeAt != target.LastConfigChangeAt)
            {
                tx.Put(new Change.DeleteLaunchDelay(id));
            }
            TrimHistory(tx, id);
        }
    }

    // Bounded, but never without the definitions that instances still run.
    private static void TrimHistory(Transaction tx, RunSpecId id)
    {
        var history = tx.State.Versions[id];
        var surplus = history.Count - tx.Settings.MaxVersions;
        if (surplus <= 0)
        {
            return;
        }
        var inUse = tx.State.InstancesOf(id).Values.Select(i => i.RunSpecVersion).ToHashSet();
        foreach (var old in history.Keys.Where(v => !inUse.Contains(v)).Take(surplus).ToList())
        {
            tx.Put(new Change.DeleteVersion(id, old));
        }
    }

    // marathon-model.md §12: which stamps move with which change.
    private static RunSpec Stamp(RunSpec spec, RunSpec? current, Timestamp version)
    {
        if (current is null || !spec.SameConfigAs(current))
        {
            return spec with { Version = version, LastScalingAt = version, LastConfigChangeAt = version };
        }
        return spec.Instances == current.Instances ? current : current with { Instances = spec.Instances, Version = version, LastScalingAt = version };
    }

    private static CommandResult.Invalid? Validate(
        ClusterState before, ImmutableSortedDictionary<RunSpecId, RunSpec> target, SortedSet<RunSpecId> ids)
    {
        var groups = before.Groups;
        foreach (var id in ids)
        {
            var delta = (target.ContainsKey(id) ? 1 : 0) - (before.RunSpecs.ContainsKey(id) ? 1 : 0);
            groups = delta == 0 ? groups : StateChanges.CountGroups(groups, id, delta);
        }
        var graph = new DependencyGraph(target);
        foreach (var id in ids)
        {
            if (!target.ContainsKey(id))
            {
                continue;
            }
            if (groups.ContainsKey(id.Path))
            {
                return new("/id", $"'{id}' is the id of a group: an app may not have the same id");
            }
            for (var group = id.Group; group != "/"; group = new RunSpecId(group).Group)
            {
                if (target.ContainsKey(new RunSpecId(group)))
                {
                    return new("/id", $"'{group}' is an app, so nothing can be below it");
                }
            }
            if (graph.DepthOf(id) < 0)
            {
                return new("/dependencies", "Dependency graph has cyclic dependencies.");
            }
        }
        return null;
    }
}
