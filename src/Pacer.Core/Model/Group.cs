namespace Pacer.Core.Model;

/// <summary>
/// A folder of run specs and groups. Which of them it holds follows from their ids; stored is only what an id can't tell.
/// </summary>
/// <param name="Id">Absolute path; "/" for the root, which is stored only when it depends on something.</param>
/// <param name="Dependencies">Absolute ids of groups and run specs: everything in this group waits for them.</param>
/// <param name="EnforceRole">Only for top-level groups; null: the server's default.</param>
/// <param name="Version">The last change of the group or of anything in it.</param>
public sealed record Group(string Id, ValueList<string> Dependencies, bool? EnforceRole, Timestamp Version)
{
    public bool IsTopLevel => Id.Length > 1 && Id.IndexOf('/', 1) < 0;

    /// <summary>Whether the group with the path <paramref name="id"/> lies below <paramref name="group"/>.</summary>
    public static bool IsBelow(string id, string group) => id != "/" && new RunSpecId(id).IsInGroup(group);
}

/// <summary>What one group was before a deployment (null: absent) and what it became (null: absent).</summary>
public sealed record GroupTransition(string Id, Group? Original, Group? Target);

/// <summary>
/// How one version of the root was left for the next: what it was before. Applied backwards from the current definitions, newest
/// first, these lead to each earlier root.
/// </summary>
/// <param name="Version">The version that the change led to.</param>
/// <param name="Previous">The version before it.</param>
/// <param name="RunSpecs">Changed run specs as they were.</param>
/// <param name="Groups">Changed groups as they were.</param>
public sealed record RootChange(
    Timestamp Version, Timestamp Previous, ValueList<RunSpecOrigin> RunSpecs, ValueList<GroupOrigin> Groups);

/// <summary>A run spec before a change; null: absent.</summary>
public sealed record RunSpecOrigin(RunSpecId Id, RunSpec? Original);

/// <summary>A group before a change; null: absent.</summary>
public sealed record GroupOrigin(string Id, Group? Original);
