using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>One change of what is wanted while it is put together: all definitions after it, and which of them it touches.</summary>
/// <param name="before">The definitions before it.</param>
/// <param name="now">Moment of the change.</param>
/// <param name="groupId">The group that the user changed, as events name it.</param>
internal sealed class RootUpdate(ClusterState before, Timestamp now, string groupId)
{
    public ClusterState Before { get; } = before;
    public string GroupId { get; } = groupId;

    /// <summary>Root versions only grow, whatever the clock does.</summary>
    public Timestamp Version { get; } = Timestamp.Max(now, before.RootVersion + TimeSpan.FromMilliseconds(1));

    public ImmutableSortedDictionary<RunSpecId, RunSpec> RunSpecs { get; private set; } = before.RunSpecs;
    public ImmutableSortedDictionary<string, Group> Groups { get; private set; } = before.Groups;
    public SortedSet<RunSpecId> RunSpecIds { get; } = [];
    public SortedSet<string> GroupIds { get; } = new(StringComparer.Ordinal);

    public void Put(RunSpec spec)
    {
        RunSpecIds.Add(spec.Id);
        RunSpecs = RunSpecs.SetItem(spec.Id, spec);
    }

    public void Remove(RunSpecId id)
    {
        RunSpecIds.Add(id);
        RunSpecs = RunSpecs.Remove(id);
    }

    public void Put(Group group)
    {
        GroupIds.Add(group.Id);
        Groups = Groups.SetItem(group.Id, group);
    }

    public void RemoveGroupOnly(string id)
    {
        GroupIds.Add(id);
        Groups = Groups.Remove(id);
    }

    /// <summary>Removes groups with everything in them, in one pass however many they are.</summary>
    public void RemoveGroups(IReadOnlySet<string> ids)
    {
        if (ids.Count == 0)
        {
            return;
        }
        foreach (var spec in Before.RunSpecs.Keys.Where(spec => IsInOne(spec, ids)))
        {
            Remove(spec);
        }
        foreach (var group in Before.Groups.Keys.Where(group => ids.Contains(group) || IsInOne(new RunSpecId(group), ids)))
        {
            RemoveGroupOnly(group);
        }
    }

    private static bool IsInOne(RunSpecId id, IReadOnlySet<string> groups)
    {
        var group = id.Group;
        while (group != "/" && !groups.Contains(group))
        {
            group = new RunSpecId(group).Group;
        }
        return groups.Contains(group);
    }

    /// <summary>
    /// Gives way where a run spec takes the id of an empty group, makes the groups that lie between the root and what is new, and stamps
    /// all that lie above a change.
    /// </summary>
    public void Complete()
    {
        foreach (var id in RunSpecIds)
        {
            if (RunSpecs.ContainsKey(id) && Groups.ContainsKey(id.Path) && !Groups.Keys.Any(group => Group.IsBelow(group, id.Path)))
            {
                RemoveGroupOnly(id.Path);
            }
        }
        var above = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var id in RunSpecIds)
        {
            AddAbove(above, id, isWanted: RunSpecs.ContainsKey(id));
        }
        foreach (var id in GroupIds.Where(id => id != "/"))
        {
            AddAbove(above, new RunSpecId(id), isWanted: Groups.ContainsKey(id));
        }
        above.UnionWith(GroupIds.Where(Groups.ContainsKey));
        foreach (var id in above)
        {
            Put((Groups.GetValueOrDefault(id) ?? new Group(id, [], null, Version)) with { Version = Version });
        }
    }

    // What goes away leaves the groups above it as they are, though empty; it makes none.
    private void AddAbove(SortedSet<string> above, RunSpecId id, bool isWanted)
    {
        for (var group = id.Group; group != "/"; group = new RunSpecId(group).Group)
        {
            if (isWanted || Groups.ContainsKey(group))
            {
                above.Add(group);
            }
        }
    }
}
