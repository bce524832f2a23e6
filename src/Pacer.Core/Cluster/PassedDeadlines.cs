using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Acts on every deadline that has passed. Each either moves its deadline on or drops it, so the loop ends.</summary>
internal static class PassedDeadlines
{
    public static void ActOn(Transaction tx)
    {
        while (tx.State.NextDeadline is { } at && at <= tx.Now)
        {
            var deadline = tx.State.Deadlines.Min!;
            switch (deadline.Kind)
            {
                case DeadlineKind.Agent:
                    var node = tx.State.Agents[new AgentId(deadline.Key)];
                    if (node.Drain is { Expired: false, Until: { } until } && until <= tx.Now)
                    {
                        NodeDrains.Expire(tx, node);
                    }
                    else if (node.Connected)
                    {
                        AgentInputs.EndUnwanted(tx, node);
                    }
                    else
                    {
                        AgentInputs.Lost(tx, node);
                    }
                    break;
                case DeadlineKind.LaunchDelay:
                    Delay(tx, tx.State.LaunchDelays[new RunSpecId(deadline.Key)]);
                    break;
                default:
                    Instance(tx, tx.State.Instance(new InstanceId(deadline.Key))!);
                    break;
            }
        }
    }

    private static void Delay(Transaction tx, LaunchDelay delay)
    {
        tx.DirtyRunSpecs.Add(delay.Id);
        if (delay.Released || delay.ExpiresAt <= tx.Now)
        {
            tx.Put(new Change.DeleteLaunchDelay(delay.Id));
        }
        else
        {
            tx.Put(new Change.PutLaunchDelay(delay with { Released = true }));
        }
    }

    private static void Instance(Transaction tx, Instance instance)
    {
        var strategy = tx.SpecFor(instance)?.Unreachable;
        switch (instance.Condition)
        {
            case Condition.Unreachable when strategy is not null:
                InstanceLifecycle.BecomeInactive(tx, instance, strategy);
                break;
            case Condition.UnreachableInactive:
                tx.Delete(instance);
                break;
            case Condition.Provisioned or Condition.Staging or Condition.Starting when instance.KillSentAt is null:
                tx.Put(instance with { KillSentAt = tx.Now, KillReason = "the launch took too long" });
                InstanceLifecycle.SendKill(tx, instance, "the launch took too long");
                break;
            default:
                tx.Put(instance with { KillSentAt = tx.Now });
                InstanceLifecycle.SendKill(tx, instance, instance.KillReason ?? "kill repeated");
                break;
        }
    }
}
