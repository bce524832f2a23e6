using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>Commands on secrets. They start no deployment: a task gets the content that is there when it is launched.</summary>
internal static class SecretCommands
{
    public static CommandResult Put(Transaction tx, Input.PutSecret command)
    {
        tx.Put(new Change.PutSecret(new SealedSecret(command.Name, command.Sealed, tx.Now)));
        return new CommandResult.Done([]);
    }

    public static CommandResult Remove(Transaction tx, string name)
    {
        if (!tx.State.Secrets.ContainsKey(name))
        {
            return new CommandResult.SecretNotFound(name);
        }
        tx.Put(new Change.DeleteSecret(name));
        return new CommandResult.Done([]);
    }
}
