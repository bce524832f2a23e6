using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Groups;

/// <summary>The definitions of one root version, arranged by the groups they lie in.</summary>
internal sealed class GroupTree
{
    private readonly RootAt _root;
    private readonly ILookup<string, RunSpec> _specs;
    private readonly ILookup<string, string> _groups;

    public GroupTree(RootAt root)
    {
        _root = root;
        _specs = root.RunSpecs.Values.ToLookup(spec => spec.Id.Group, StringComparer.Ordinal);
        var ids = new SortedSet<string>(root.Groups.Keys.Where(id => id != "/"), StringComparer.Ordinal);
        foreach (var spec in root.RunSpecs.Keys)
        {
            for (var group = spec.Group; group != "/" && ids.Add(group); group = new RunSpecId(group).Group)
            {
            }
        }
        _groups = ids.ToLookup(id => new RunSpecId(id).Group, StringComparer.Ordinal);
    }

    public Timestamp Version => _root.Version;

    public Group Group(string id) =>
        _root.Groups.GetValueOrDefault(id) is { } group && id != "/" ? group
        : new Group(id, _root.Groups.GetValueOrDefault(id)?.Dependencies ?? [], null, _root.Version);

    /// <summary>The run specs directly in a group.</summary>
    public IEnumerable<RunSpec> RunSpecs(string group) => _specs[group];

    /// <summary>The groups directly in a group.</summary>
    public IEnumerable<string> Groups(string group) => _groups[group];

    public static GroupTree Current(ClusterState state) => new(new RootAt(state.RootVersion, state.RunSpecs, state.Groups));

    /// <summary>All groups but the root.</summary>
    public static IEnumerable<string> IdsOf(ClusterState state) =>
        state.Groups.Keys.Union(state.GroupSizes.Keys, StringComparer.Ordinal).Where(id => id != "/");
}
