using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Cluster;

/// <summary>All definitions in one version of the root.</summary>
public sealed record RootAt(
    Timestamp Version,
    ImmutableSortedDictionary<RunSpecId, RunSpec> RunSpecs,
    ImmutableSortedDictionary<string, Group> Groups)
{
    public bool HasGroup(string id) =>
        id == "/" || Groups.ContainsKey(id) || RunSpecs.Keys.Any(spec => spec.IsInGroup(id));
}

/// <summary>Earlier versions of the root, worked out from the current one and the stored changes.</summary>
public static class RootHistory
{
    /// <summary>Every version that is kept, the current one first.</summary>
    public static IEnumerable<RootAt> Versions(ClusterState state)
    {
        var root = new RootAt(state.RootVersion, state.RunSpecs, state.Groups);
        yield return root;
        foreach (var change in state.RootChanges.Values.Reverse())
        {
            var (specs, groups) = (root.RunSpecs, root.Groups);
            foreach (var (id, original) in change.RunSpecs)
            {
                specs = original is null ? specs.Remove(id) : specs.SetItem(id, original);
            }
            foreach (var (id, original) in change.Groups)
            {
                groups = original is null ? groups.Remove(id) : groups.SetItem(id, original);
            }
            root = new RootAt(change.Previous, specs, groups);
            yield return root;
        }
    }

    /// <summary>Null when that version never was or is no longer kept.</summary>
    public static RootAt? At(ClusterState state, Timestamp version) => Versions(state).FirstOrDefault(root => root.Version == version);
}
