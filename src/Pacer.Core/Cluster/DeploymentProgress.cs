using Pacer.Core.Model;
using Pacer.Core.Scheduling.Deployments;
using Pacer.Core.Scheduling.Scaling;

namespace Pacer.Core.Cluster;

/// <summary>Drives deployments: looks at what is there, does the next thing, goes to the next step when all actions are done.</summary>
internal static class DeploymentProgress
{
    public static void Advance(Transaction tx, DeploymentId id)
    {
        while (tx.State.Deployments.TryGetValue(id, out var deployment))
        {
            if (deployment.CurrentStep == 0)
            {
                Begin(tx, deployment, 1);
                continue;
            }
            var done = true;
            foreach (var action in deployment.Current!.Actions)
            {
                done &= Advance(tx, deployment, action);
            }
            if (!done)
            {
                return;
            }
            tx.Publish(new ClusterEvent.DeploymentStepSucceeded(tx.Now, deployment));
            if (deployment.CurrentStep < deployment.Steps.Count)
            {
                Begin(tx, deployment, deployment.CurrentStep + 1);
                continue;
            }
            tx.Put(new Change.DeleteDeployment(id));
            MarkRunSpecs(tx, deployment);
            tx.Publish(new ClusterEvent.DeploymentSucceeded(tx.Now, deployment));
        }
    }

    /// <summary>Stops the machinery; what it started or ended stays as it is.</summary>
    public static void Cancel(Transaction tx, Deployment deployment, string reason)
    {
        tx.Put(new Change.DeleteDeployment(deployment.Id));
        MarkRunSpecs(tx, deployment);
        tx.Publish(new ClusterEvent.DeploymentFailed(tx.Now, deployment, reason));
    }

    /// <summary>Just stops a deployment, or starts the one that puts its original definitions back.</summary>
    public static CommandResult Cancel(Transaction tx, Input.CancelDeployment command)
    {
        if (!tx.State.Deployments.TryGetValue(command.Id, out var deployment))
        {
            return new CommandResult.DeploymentNotFound(command.Id);
        }
        if (command.Force)
        {
            Cancel(tx, deployment, "cancelled by a user");
            return new CommandResult.Done([]);
        }
        var update = new RootUpdate(tx.State, tx.Now, "/");
        foreach (var (id, original, _) in deployment.Transitions)
        {
            if (original is null)
            {
                update.Remove(id);
            }
            else
            {
                update.Put(Reverted(original, tx.State.RunSpecs.GetValueOrDefault(id), update.Version));
            }
        }
        Revert(update, deployment.Groups);
        // What came since may have taken an id that would come back.
        return RunSpecCommands.Validate(update) ?? RunSpecCommands.Deploy(tx, update, [], force: true);
    }

    // Dependencies come back. A group that the deployment made goes only when nobody used it since; the deepest are looked at first.
    private static void Revert(RootUpdate update, ValueList<GroupTransition> groups)
    {
        foreach (var (id, original, target) in groups.Reverse())
        {
            var current = update.Groups.GetValueOrDefault(id);
            if (original is not null)
            {
                update.Put(current is null ? original : current with { Dependencies = original.Dependencies });
            }
            else if (current is not null && current == target
                && !update.RunSpecs.Keys.Any(spec => spec.IsInGroup(id))
                && !update.Groups.Keys.Any(other => Group.IsBelow(other, id)))
            {
                update.RemoveGroupOnly(id);
            }
        }
    }

    // The original's stamp of its last configuration change comes back with it, so that instances which still run it count as up to
    // date and stay. A restart that is reverted just ends: both sides of it run the same configuration.
    private static RunSpec Reverted(RunSpec original, RunSpec? current, Timestamp version) => original with
    {
        Version = version,
        LastScalingAt = version,
        LastConfigChangeAt = current is not null && current.SameConfigAs(original) ? current.LastConfigChangeAt : original.LastConfigChangeAt,
    };

    private static void Begin(Transaction tx, Deployment deployment, int step)
    {
        var begun = deployment with { CurrentStep = step };
        tx.Put(new Change.PutDeployment(begun));
        tx.Publish(new ClusterEvent.DeploymentInfo(tx.Now, begun));
    }

    private static void MarkRunSpecs(Transaction tx, Deployment deployment)
    {
        foreach (var transition in deployment.Transitions)
        {
            tx.DirtyRunSpecs.Add(transition.Id);
        }
    }

    private static bool Advance(Transaction tx, Deployment deployment, DeploymentAction action)
    {
        if (action.Kind == ActionKind.Start)
        {
            return true;
        }
        if (action.Kind == ActionKind.Stop)
        {
            return Stop(tx, action.RunSpecId);
        }
        if (!tx.State.RunSpecs.TryGetValue(action.RunSpecId, out var spec))
        {
            return true;
        }
        return action.Kind == ActionKind.Scale ? Scale(tx, deployment, action, spec) : Restart(tx, spec);
    }

    private static bool Scale(Transaction tx, Deployment deployment, DeploymentAction action, RunSpec spec)
    {
        var settled = InstanceCount.Reconcile(tx, spec, action.Sentenced);
        return settled && ScaleDecision.NewOnesAreUp(spec, tx.State.InstancesOf(spec.Id).Values, deployment.StartedAt);
    }

    private static bool Restart(Transaction tx, RunSpec spec)
    {
        var decision = RollingUpgrade.Decide(spec, tx.State.InstancesOf(spec.Id).Values.ToList(), i => tx.SpecFor(i) ?? spec);
        foreach (var instance in decision.Kill)
        {
            InstanceLifecycle.Kill(tx, instance, Goal.Stopped, "replaced by a new version");
        }
        InstanceLifecycle.Create(tx, spec, decision.Start);
        return decision.Done;
    }

    private static bool Stop(Transaction tx, RunSpecId id)
    {
        foreach (var instance in tx.State.InstancesOf(id).Values)
        {
            InstanceLifecycle.Kill(tx, instance, Goal.Decommissioned, "the app was removed");
        }
        if (!tx.State.InstancesOf(id).IsEmpty)
        {
            return false;
        }
        InstanceCount.Forget(tx, id);
        return true;
    }
}
