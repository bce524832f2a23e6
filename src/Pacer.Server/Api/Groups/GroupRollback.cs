using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Groups;

/// <summary>The changes that give a group, with all in it, the definitions of an earlier version.</summary>
internal static class GroupRollback
{
    public static Input.ChangeRunSpecs Make(ClusterState state, string id, Timestamp version, bool force)
    {
        if (RootHistory.At(state, version) is not { } root || !root.HasGroup(id))
        {
            throw new ApiException(ApiErrors.Unprocessable($"Group {id} is not available in version {version}"));
        }
        var groups = new List<GroupChange>();
        foreach (var gone in GroupTree.IdsOf(state).Where(group => Group.IsBelow(group, id) && !root.HasGroup(group)))
        {
            groups.Add(new GroupChange.Remove(gone));
        }
        foreach (var then in root.Groups.Values.Where(group => group.Id == id || Group.IsBelow(group.Id, id)))
        {
            var now = state.Groups.GetValueOrDefault(then.Id);
            if (now is null || !now.Dependencies.Equals(then.Dependencies))
            {
                groups.Add(new GroupChange.Put(then with { EnforceRole = now?.EnforceRole ?? then.EnforceRole }));
            }
        }
        var changes = new List<RunSpecChange>();
        foreach (var then in root.RunSpecs.Values.Where(spec => spec.Id.IsInGroup(id)))
        {
            var now = state.RunSpecs.GetValueOrDefault(then.Id);
            if (now is null || now.Version != then.Version)
            {
                changes.Add(new RunSpecChange.Put(then, now?.Version));
            }
        }
        foreach (var now in state.RunSpecs.Keys.Where(spec => spec.IsInGroup(id) && !root.RunSpecs.ContainsKey(spec)))
        {
            changes.Add(new RunSpecChange.Remove(now));
        }
        return new Input.ChangeRunSpecs(default, ValueList.From(changes), force)
        {
            Groups = ValueList.From(groups),
            GroupId = id,
            RootBase = state.RootVersion,
        };
    }
}
