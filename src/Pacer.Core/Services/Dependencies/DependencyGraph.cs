using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Services.Dependencies;

/// <summary>
/// Dependencies between run specs: their own and those of all groups around them. A dependency on a group means one on everything in it;
/// unknown targets don't count.
/// </summary>
internal sealed class DependencyGraph(ImmutableSortedDictionary<RunSpecId, RunSpec> specs, ImmutableSortedDictionary<string, Group> groups)
{
    private readonly bool _groupsDepend = groups.Values.Any(group => !group.Dependencies.IsEmpty);
    private readonly Dictionary<RunSpecId, int> _depths = [];
    private readonly HashSet<RunSpecId> _onPath = [];
    private readonly Dictionary<string, List<RunSpecId>> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _groupDepths = new(StringComparer.Ordinal);

    /// <summary>Longest chain of dependencies below a run spec; 0 when it depends on nothing. -1 when there is a cycle.</summary>
    public int DepthOf(RunSpecId id)
    {
        if (_depths.TryGetValue(id, out var known))
        {
            return known;
        }
        if (!specs.TryGetValue(id, out var spec) || (spec.Dependencies.IsEmpty && !_groupsDepend))
        {
            return _depths[id] = 0;
        }
        if (!_onPath.Add(id))
        {
            return -1;
        }
        var depth = 0;
        foreach (var dependency in DependenciesOf(spec))
        {
            var below = DepthOf(dependency, spec.Id);
            if (below < -1)
            {
                return _depths[id] = -1;
            }
            depth = Math.Max(depth, below + 1);
        }
        _onPath.Remove(id);
        return _depths[id] = depth;
    }

    private IEnumerable<string> DependenciesOf(RunSpec spec)
    {
        foreach (var dependency in spec.Dependencies)
        {
            yield return dependency;
        }
        if (!_groupsDepend)
        {
            yield break;
        }
        for (var group = spec.Id.Group; ; group = new RunSpecId(group).Group)
        {
            foreach (var dependency in groups.GetValueOrDefault(group)?.Dependencies ?? [])
            {
                yield return dependency;
            }
            if (group == "/")
            {
                yield break;
            }
        }
    }

    // The depth of a run spec, or the greatest in a group; -1 when nothing is there, -2 when there is a cycle.
    private int DepthOf(string dependency, RunSpecId asking)
    {
        var id = new RunSpecId(dependency);
        if (specs.ContainsKey(id))
        {
            // Inherited from a group around it that depends on it: it does not wait for itself.
            return id == asking && !specs[id].Dependencies.Contains(dependency) ? -1 : Cycle(DepthOf(id));
        }
        if (_groupDepths.TryGetValue(dependency, out var known))
        {
            return known;
        }
        var depth = -1;
        foreach (var member in MembersOf(dependency).Where(member => member != asking))
        {
            var below = Cycle(DepthOf(member));
            if (below < 0)
            {
                return below;
            }
            depth = Math.Max(depth, below);
        }
        if (!asking.IsInGroup(dependency))
        {
            _groupDepths[dependency] = depth; // complete, whoever asks
        }
        return depth;
    }

    private static int Cycle(int depth) => depth < 0 ? -2 : depth;

    private List<RunSpecId> MembersOf(string group)
    {
        if (!_members.TryGetValue(group, out var members))
        {
            _members.Add(group, members = [.. specs.Keys.Where(id => id.IsInGroup(group))]);
        }
        return members;
    }
}
