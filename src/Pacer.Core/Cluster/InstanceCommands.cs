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
                var forget = command.Wipe || (current.Volumes.IsEmpty && current.Condition is (Condition.Unreachable or Condition.UnreachableInactive));
                InstanceLifecycle.Kill(tx, current, forget ? Goal.Decommissioned : Goal.Running, "killed by a user");
            }
        }
        return new CommandResult.Done(ValueList.From(instances));
    }

    private static CommandResult ScaleDown(Transaction tx, List<Instance> instances, bool force)
    {
        var bySpec = instances.GroupBy(i => i.RunSpecId).ToList();
        var update = new RootUpdate(tx.State, tx.Now, bySpec.Count == 1 ? bySpec[0].Key.Group : "/");
        foreach (var ofSpec in bySpec)
        {
            if (tx.State.RunSpecs.TryGetValue(ofSpec.Key, out var spec))
            {
                var fewer = ofSpec.Count(i => i.Goal == Goal.Running && i.KillSentAt is null);
                update.Put(fewer == 0
                    ? spec
                    : spec with { Instances = Math.Max(0, spec.Instances - fewer), Version = update.Version, LastScalingAt = update.Version });
            }
        }
        return RunSpecCommands.Deploy(tx, update, ValueList.From(instances.Select(i => i.Id)), force);
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
