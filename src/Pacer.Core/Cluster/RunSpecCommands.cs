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
        var groupId = command.GroupId ?? (command.Changes is [var only] ? only.Id.Group : "/");
        var result = Change(tx, command, groupId);
        if (result is not (CommandResult.Deploying or CommandResult.Stale))
        {
            tx.Publish(new ClusterEvent.GroupChangeFailed(tx.Now, groupId, tx.State.RootVersion, ReasonOf(result)));
        }
        return result;
    }

    private static CommandResult Change(Transaction tx, Input.ChangeRunSpecs command, string groupId)
    {
        var before = tx.State;
        if (command.RootBase is { } root && root != before.RootVersion)
        {
            return new CommandResult.Stale();
        }
        var update = new RootUpdate(before, tx.Now, groupId);
        var removed = command.Groups.OfType<GroupChange.Remove>().Select(removal => removal.Id).ToHashSet(StringComparer.Ordinal);
        if (removed.FirstOrDefault(id => !before.HasGroup(id)) is { } missing)
        {
            return new CommandResult.GroupNotFound(missing);
        }
        update.RemoveGroups(removed);
        var servicePorts = before.ServicePorts;
        var ids = new HashSet<RunSpecId>();
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
                    update.Put(Stamp(assigned, current, update.Version));
                    break;
                case RunSpecChange.Restart or RunSpecChange.Remove when current is null:
                    return new CommandResult.RunSpecNotFound(change.Id);
                case RunSpecChange.Restart:
                    update.Put(current! with { Version = update.Version, LastConfigChangeAt = update.Version });
                    break;
                case RunSpecChange.Remove:
                    update.Remove(change.Id);
                    break;
            }
        }
        foreach (var put in command.Groups.OfType<GroupChange.Put>())
        {
            update.Put(put.Group);
        }
        return Validate(update) ?? Deploy(tx, update, [], command.Force);
    }

    /// <summary>Checks limits and conflicts, stores the new definitions and starts the deployment that leads to them.</summary>
    public static CommandResult Deploy(Transaction tx, RootUpdate update, ValueList<InstanceId> sentenced, bool force)
    {
        update.Complete();
        var before = tx.State.RunSpecs;
        var transitions = update.RunSpecIds
            .Select(id => new RunSpecTransition(id, before.GetValueOrDefault(id), update.RunSpecs.GetValueOrDefault(id)))
            .Where(t => t.Original is not null || t.Target is not null).ToList();
        var groups = update.GroupIds
            .Select(id => new GroupTransition(id, tx.State.Groups.GetValueOrDefault(id), update.Groups.GetValueOrDefault(id)))
            .Where(t => t.Original != t.Target).ToList();
        var steps = DeploymentPlanner.Plan(transitions, update.RunSpecs, update.Groups, sentenced);
        var acting = steps.SelectMany(s => s.Actions).Select(a => a.RunSpecId).ToHashSet();
        var affected = ValueList.From(transitions.Where(t => acting.Contains(t.Id)));
        var conflicts = affected.Select(t => tx.State.DeploymentOf(t.Id)).OfType<Deployment>().DistinctBy(d => d.Id).OrderBy(d => d.Id).ToList();
        var deployment = new Deployment(new DeploymentId(tx.Ids.NextUuid()), update.Version, steps, affected, 0, tx.Now)
        {
            Groups = ValueList.From(groups.Where(ChangesMoreThanTheVersion)),
        };
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
        Remember(tx, update.Version, transitions, groups);
        Store(tx, transitions, update.Version);
        Store(tx, groups);
        tx.Publish(new ClusterEvent.GroupChanged(tx.Now, update.GroupId, update.Version));
        if (steps.IsEmpty)
        {
            tx.Publish(new ClusterEvent.DeploymentSucceeded(tx.Now, deployment));
        }
        else
        {
            tx.Put(new Change.PutDeployment(deployment));
            tx.DirtyDeployments.Add(deployment.Id);
        }
        return new CommandResult.Deploying(deployment.Id, update.Version);
    }

    private static bool ChangesMoreThanTheVersion(GroupTransition transition) =>
        transition.Original is null || transition.Target is null
        || transition.Original != transition.Target with { Version = transition.Original.Version };

    // The first change of all has nothing before it to go back to.
    private static void Remember(Transaction tx, Timestamp version, List<RunSpecTransition> transitions, List<GroupTransition> groups)
    {
        if (tx.State.RootVersion == Timestamp.Zero)
        {
            return;
        }
        tx.Put(new Change.PutRootChange(new RootChange(
            version,
            tx.State.RootVersion,
            ValueList.From(transitions.Where(t => t.Original != t.Target).Select(t => new RunSpecOrigin(t.Id, t.Original))),
            ValueList.From(groups.Select(t => new GroupOrigin(t.Id, t.Original))))));
        var surplus = tx.State.RootChanges.Count - Math.Max(0, tx.Settings.MaxVersions - 1);
        foreach (var old in tx.State.RootChanges.Keys.Take(Math.Max(0, surplus)).ToList())
        {
            tx.Put(new Change.DeleteRootChange(old));
        }
    }

    private static void Store(Transaction tx, List<GroupTransition> groups)
    {
        foreach (var transition in groups)
        {
            tx.Put(transition.Target is { } target ? new Change.PutGroup(target) : new Change.DeleteGroup(transition.Id));
        }
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
                HealthEvents.PublishChecks(tx, original, null);
                continue;
            }
            if (target == original)
            {
                continue;
            }
            tx.Put(new Change.PutRunSpec(target));
            tx.Put(new Change.PutVersion(target));
            if (original?.LastConfigChangeAt != target.LastConfigChangeAt)
            {
                HealthEvents.PublishChecks(tx, original, target);
            }
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
        var kept = spec.ExecutorResources == current.ExecutorResources ? current : current with { ExecutorResources = spec.ExecutorResources };
        return spec.Instances == current.Instances ? kept : kept with { Instances = spec.Instances, Version = version, LastScalingAt = version };
    }

    /// <summary>The rules that span run specs (marathon-model.md §2.6). Only what the change touches can break one.</summary>
    public static CommandResult.Invalid? Validate(RootUpdate update)
    {
        var sizes = update.Before.GroupSizes;
        foreach (var id in update.RunSpecIds)
        {
            var delta = (update.RunSpecs.ContainsKey(id) ? 1 : 0) - (update.Before.RunSpecs.ContainsKey(id) ? 1 : 0);
            sizes = delta == 0 ? sizes : StateChanges.CountGroups(sizes, id, delta);
        }
        var graph = new DependencyGraph(update.RunSpecs, update.Groups);
        foreach (var id in update.RunSpecIds.Where(update.RunSpecs.ContainsKey))
        {
            // An empty group gives way, unless the same request puts it.
            if (sizes.ContainsKey(id.Path) || (update.GroupIds.Contains(id.Path) && update.Groups.ContainsKey(id.Path))
                || (update.Groups.ContainsKey(id.Path) && update.Groups.Keys.Any(g => Group.IsBelow(g, id.Path))))
            {
                return new("/id", $"'{id}' is the id of a group: {WithArticle(update.RunSpecs[id])} may not have the same id");
            }
            if (RunSpecAbove(update, id) is { } above)
            {
                return new("/id", $"'{above.Id}' is {WithArticle(above)}, so nothing can be below it");
            }
            if (graph.DepthOf(id) < 0)
            {
                return Cyclic();
            }
            if (SharedVolume(update, id) is { } shared)
            {
                return shared;
            }
        }
        foreach (var id in update.GroupIds.Where(update.Groups.ContainsKey))
        {
            if (update.RunSpecs.TryGetValue(new RunSpecId(id), out var same))
            {
                return new("/id", $"'{id}' is the id of {WithArticle(same)}: a group may not have the same id");
            }
            if (id != "/" && RunSpecAbove(update, new RunSpecId(id)) is { } above)
            {
                return new("/id", $"'{above.Id}' is {WithArticle(above)}, so nothing can be below it");
            }
        }
        return update.GroupIds.Count > 0 && update.RunSpecs.Keys.Any(spec => graph.DepthOf(spec) < 0) ? Cyclic() : null;
    }

    private static CommandResult.Invalid? SharedVolume(RootUpdate update, RunSpecId id)
    {
        foreach (var name in update.RunSpecs[id].ExclusiveVolumes)
        {
            var other = update.RunSpecs.Values.FirstOrDefault(spec => spec.Id != id && spec.ExclusiveVolumes.Contains(name));
            if (other is not null)
            {
                return new("/container/volumes",
                    $"Requested volume name '{name}' of '{id}' conflicts with '{other.Id}': a volume that is not shared is used by one app");
            }
        }
        return null;
    }

    private static CommandResult.Invalid Cyclic() => new("/dependencies", "Dependency graph has cyclic dependencies.");

    private static RunSpec? RunSpecAbove(RootUpdate update, RunSpecId id)
    {
        for (var group = id.Group; group != "/"; group = new RunSpecId(group).Group)
        {
            if (update.RunSpecs.TryGetValue(new RunSpecId(group), out var above))
            {
                return above;
            }
        }
        return null;
    }

    private static string WithArticle(RunSpec spec) => spec.Kind == RunSpecKind.Pod ? "a pod" : "an app";

    private static string ReasonOf(CommandResult result) => result switch
    {
        CommandResult.Invalid invalid => invalid.Message,
        CommandResult.Conflict => "other deployments change the same apps",
        CommandResult.TooManyDeployments many => $"{many.Limit} deployments are running already",
        CommandResult.RunSpecNotFound missing => $"'{missing.Id}' does not exist",
        CommandResult.GroupNotFound missing => $"group '{missing.GroupId}' does not exist",
        CommandResult.ServicePortsExhausted ports => $"no service port is left in {ports.Min}-{ports.Max}",
        _ => "the change was refused",
    };
}
