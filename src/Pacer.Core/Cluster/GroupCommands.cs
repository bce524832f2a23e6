using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Commands on groups that start no deployment.</summary>
internal static class GroupCommands
{
    public static CommandResult EnforceRole(Transaction tx, Input.EnforceRole command)
    {
        if (!tx.State.HasGroup(command.GroupId))
        {
            return new CommandResult.GroupNotFound(command.GroupId);
        }
        var group = tx.State.Groups.GetValueOrDefault(command.GroupId) ?? new Group(command.GroupId, [], null, tx.State.RootVersion);
        if (!group.IsTopLevel)
        {
            return new CommandResult.Invalid("/enforceRole", "enforceRole can only be set on top-level groups");
        }
        tx.Put(new Change.PutGroup(group with { EnforceRole = command.Enforce }));
        return new CommandResult.Done([]);
    }
}
