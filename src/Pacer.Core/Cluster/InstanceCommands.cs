using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Commands on single instances and on the launch queue.</summary>
internal static class InstanceCommands
{
    public static CommandResult Kill(Transaction tx, Input.KillInstances command)
    {
        var instances = new List<Instance>();
        foreach (var id in command.Instances)
        {
            if (tx.State.Instance(id) is { } instance)
            {
                instances.Add(instance);
            }
        }
        if (command.Scale)
        {
            return ScaleDown(tx, instances, command.Force);
        }
        foreach (var instance in instances)
        {
            if (tx.State.Instance(instance.Id) is { } current)
            {
                var forget = command.Wipe || current.Condition is Condition.Unreachable or Condition.UnreachableInactive;
                InstanceLifecycle.Kill(tx, current, forget ? Goal.Decommissioned : Goal.Running, "killed by a user");
            }
        }
        return new CommandResult.Done(ValueList.From(instances));
    }

    private static CommandResult ScaleDown(Transaction tx, List<Instance> instances, bool force)
    {
        var version = Timestamp.Max(tx.Now, tx.State.RootVersion + TimeSpan.FromMilliseconds(1));
        var target = tx.State.RunSpecs;
        var ids = new SortedSet<RunSpecId>();
        foreach (var group in instances.GroupBy(i => i.RunSpecId))
        {
            if (target.TryGetValue(group.Key, out var spec))
            {
                var fewer = group.Count(i => i.Goal == Goal.Running && i.KillSentAt is null);
                ids.Add(group.Key);
                if (fewer > 0)
                {
                    target = target.SetItem(group.Key,
                        spec with { Instances = Math.Max(0, spec.Instances - fewer), Version = version, LastScalingAt = version });
                }
            }
        }
        return RunSpecCommands.Deploy(
            tx, ids, target, ValueList.From(instances.Select(i => i.Id)), version, force);
    }

    public static CommandResult ResetDelay(Transaction tx, RunSpecId id)
    {
        var waiting = tx.State.Pending.ContainsKey(id) || tx.State.InstancesOf(id).Values.Any(i => i.Condition == Condition.Provisioned);
        if (!waiting)
        {
            return new CommandResult.NotQueued(id);
        }
        tx.Put(new Change.DeleteLaunchDelay(id));
        tx.DirtyRunSpecs.Add(id);
        return new CommandResult.Done([]);
    }
}
