using Pacer.Core.Model;
using Pacer.Core.Scheduling.Placement;

namespace Pacer.Core.Cluster;

/// <summary>Facts from nodes: contact, loss of contact, reports on tasks.</summary>
internal static class AgentInputs
{
    /// <summary>
    /// Compares what a node says it runs with what we think it runs, and settles every difference: lost launches and kills are
    /// sent again, ends are taken over, what nobody wants is ended.
    /// </summary>
    public static void Connected(Transaction tx, Input.AgentConnected input)
    {
        var known = tx.State.Agents.GetValueOrDefault(input.Node.Id);
        tx.Put(input.Node with
        {
            RegisteredAt = known?.RegisteredAt ?? tx.Now,
            Connected = true,
            DisconnectedAt = null,
            Lost = false,
            Unwanted = [],
            Cordoned = known?.Cordoned ?? false,
            Drain = known?.Drain,
            Wiping = ValueList.From((known?.Wiping ?? []).Where(id => input.Node.Volumes.Contains(id))),
        });
        if (tx.State.Agents[input.Node.Id].Wiping is { IsEmpty: false } wiping)
        {
            tx.Do(new Effect.WipeVolumes(input.Node.Id, wiping));
        }
        tx.Freed.Add(input.Node.Id);
        if (known is not null && !NodeIndex.SameFields(known, input.Node))
        {
            NodeDrains.MarkRunSpecs(tx, input.Node.Id); // what counts for their constraints has changed
        }
        tx.Publish(new ClusterEvent.AgentChanged(tx.Now, tx.State.Agents[input.Node.Id]));

        var reported = new HashSet<TaskId>();
        foreach (var report in input.Tasks)
        {
            reported.Add(report.TaskId);
            Reported(tx, input.Node.Id, report);
        }
        foreach (var id in (tx.State.Usage.GetValueOrDefault(input.Node.Id)?.Instances ?? []).ToArray())
        {
            if (tx.State.Instance(id) is { } instance)
            {
                SettleMissing(tx, instance, reported);
            }
        }
    }

    // What the node did not mention does not run there.
    private static void SettleMissing(Transaction tx, Instance instance, HashSet<TaskId> reported)
    {
        var missing = instance.Tasks.Where(t => !t.Condition.IsTerminal() && !reported.Contains(t.Id)).ToList();
        if (missing.Count == 0)
        {
            if (instance.KillSentAt is not null)
            {
                InstanceLifecycle.SendKill(tx, instance, instance.KillReason ?? "kill repeated after reconnect");
            }
            return;
        }
        var neverSeen = missing.All(t => t.Condition == Condition.Provisioned) && missing.Count == instance.Tasks.Count;
        var gone = missing.Select(task => task.Id).ToHashSet();
        if (instance.KillSentAt is not null || instance.Goal != Goal.Running)
        {
            InstanceLifecycle.Declare(tx, instance, Condition.Killed, "Killed before it was launched", "REASON_TASK_KILLED_DURING_LAUNCH", gone);
            if (tx.State.Instance(instance.Id) is { KillSentAt: not null } left)
            {
                InstanceLifecycle.SendKill(tx, left, left.KillReason ?? "kill repeated after reconnect");
            }
        }
        else if (neverSeen && instance.Placement is { } place && tx.State.RunSpecOf(instance) is { } spec)
        {
            // The order did not arrive. Sent again under the same task id, so that it can never run twice.
            tx.Do(new Effect.Launch(place.AgentId, instance, spec));
        }
        else
        {
            InstanceLifecycle.Declare(tx, instance, Condition.Gone, "The agent came back without this task", "REASON_RECONCILIATION", gone);
        }
    }

    public static void Disconnected(Transaction tx, AgentId id)
    {
        if (tx.State.Agents.TryGetValue(id, out var node) && node.Connected)
        {
            tx.Put(node with { Connected = false, DisconnectedAt = tx.Now });
            tx.Publish(new ClusterEvent.AgentChanged(tx.Now, tx.State.Agents[id]));
        }
    }

    /// <summary>A node was silent for too long: its tasks are out of reach.</summary>
    public static void Lost(Transaction tx, AgentNode node)
    {
        tx.Put(node with { Lost = true });
        tx.Publish(new ClusterEvent.AgentChanged(tx.Now, tx.State.Agents[node.Id]));
        foreach (var id in (tx.State.Usage.GetValueOrDefault(node.Id)?.Instances ?? []).ToArray())
        {
            if (tx.State.Instance(id) is not { } instance)
            {
                continue;
            }
            if (instance.Goal == Goal.Decommissioned)
            {
                // Nobody waits for it any more; should the node come back, its tasks are unknown and end then.
                InstanceLifecycle.Declare(tx, instance, Condition.Unreachable, "The agent is out of contact", "REASON_AGENT_REMOVED");
                if (tx.State.Instance(id) is { } left)
                {
                    tx.Delete(left);
                }
                continue;
            }
            InstanceLifecycle.Declare(tx, instance, Condition.Unreachable, "The agent is out of contact", "REASON_AGENT_REMOVED");
        }
    }

    /// <summary>A report on one task. Reports on tasks that nobody knows end them.</summary>
    public static void Reported(Transaction tx, AgentId agent, TaskReport report)
    {
        var current = report.TaskId.TryGetInstance(out var instanceId, out _, out _) ? tx.State.Instance(instanceId) : null;
        // What was declared gone and runs after all (its node had been removed, say) is not taken back.
        if (current is not null && current.Placement?.AgentId == agent
            && current.Tasks.Any(t => t.Id == report.TaskId && (!t.Condition.IsTerminal() || report.Condition.IsTerminal())))
        {
            InstanceLifecycle.Report(tx, current, report);
            if (report.Condition.IsTerminal())
            {
                MarkUnwanted(tx, agent, report); // one that was declared gone, ran after all, and has ended now
            }
            tx.Do(new Effect.Acknowledge(agent, report.TaskId, report.Sequence));
            return;
        }
        if (report.Condition.IsTerminal())
        {
            if (current is null)
            {
                tx.Publish(new ClusterEvent.UnknownInstanceTerminated(tx.Now, instanceId, report.Condition));
            }
        }
        MarkUnwanted(tx, agent, report);
        tx.Do(new Effect.Acknowledge(agent, report.TaskId, report.Sequence));
    }

    /// <summary>Tells a node, again, to end what nobody wants.</summary>
    public static void EndUnwanted(Transaction tx, AgentNode node)
    {
        tx.Put(node);
        foreach (var task in node.Unwanted)
        {
            tx.Do(new Effect.Kill(node.Id, task, null, UnwantedReason));
        }
    }

    private const string UnwantedReason = "nobody wants this task (any more)";

    private static void MarkUnwanted(Transaction tx, AgentId agent, TaskReport report)
    {
        if (!tx.State.Agents.TryGetValue(agent, out var node))
        {
            return;
        }
        var known = node.Unwanted.Contains(report.TaskId);
        if (report.Condition.IsTerminal())
        {
            if (known)
            {
                tx.Put(node with { Unwanted = ValueList.From(node.Unwanted.Where(t => t != report.TaskId)) });
                tx.Freed.Add(agent);
            }
            return;
        }
        if (!known)
        {
            tx.Put(node with { Unwanted = [.. node.Unwanted, report.TaskId] });
            tx.Do(new Effect.Kill(agent, report.TaskId, null, UnwantedReason));
        }
    }
}
