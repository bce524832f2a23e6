using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Commands on nodes. Each may be said again without harm.</summary>
internal static class NodeCommands
{
    public static CommandResult Cordon(Transaction tx, Input.CordonNode command) =>
        Change(tx, command.Id, node => node with { Cordoned = command.Cordoned });

    public static CommandResult Drain(Transaction tx, Input.DrainNode command) => Change(tx, command.Id, node => node with
    {
        Drain = new NodeDrain(node.Drain?.Since ?? tx.Now, command.Deadline is { } time ? tx.Now + time : null, command.IncludeResident),
    });

    public static CommandResult Undrain(Transaction tx, Input.UndrainNode command) => Change(tx, command.Id, node => node with { Drain = null });

    /// <summary>A node in contact would be back at once, so its agent must end first. Should it return, what it runs is unknown and ends.</summary>
    public static CommandResult Remove(Transaction tx, Input.RemoveNode command)
    {
        if (!tx.State.Agents.TryGetValue(command.Id, out var node))
        {
            return new CommandResult.NodeNotFound(command.Id);
        }
        if (node.Connected)
        {
            return new CommandResult.NodeConnected(node.Id, node.Hostname);
        }
        foreach (var id in (tx.State.Usage.GetValueOrDefault(node.Id)?.Instances ?? []).ToArray())
        {
            if (tx.State.Instance(id) is { IsActive: false, Condition: not Condition.UnreachableInactive } waiting)
            {
                tx.Delete(waiting);
            }
            else if (tx.State.Instance(id) is { } instance)
            {
                // Replaced by others rather than launched again: nobody knows whether they still run, and none may run twice.
                tx.Put(instance with { Goal = Goal.Decommissioned });
                InstanceLifecycle.Declare(tx, tx.State.Instance(id)!, Condition.Gone, "The node was removed", "REASON_SLAVE_REMOVED");
            }
        }
        tx.Put(new Change.DeleteAgent(node.Id));
        return new CommandResult.Done([]);
    }

    private static CommandResult Change(Transaction tx, AgentId id, Func<AgentNode, AgentNode> change)
    {
        if (!tx.State.Agents.TryGetValue(id, out var node))
        {
            return new CommandResult.NodeNotFound(id);
        }
        var changed = change(node);
        if (changed != node)
        {
            tx.Put(changed);
            tx.Publish(new ClusterEvent.AgentChanged(tx.Now, tx.State.Agents[id]));
            NodeDrains.MarkRunSpecs(tx, id);
            tx.Freed.Add(id);
        }
        return new CommandResult.Done([]);
    }
}
