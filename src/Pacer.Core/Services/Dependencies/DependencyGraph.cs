using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Services.Dependencies;

/// <summary>Dependencies between run specs: a dependency on a group means one on everything in it; unknown targets don't count.</summary>
internal sealed class DependencyGraph(ImmutableSortedDictionary<RunSpecId, RunSpec> specs)
{
    private readonly Dictionary<RunSpecId, int> _depths = [];
    private readonly HashSet<RunSpecId> _onPath = [];

    /// <summary>Longest chain of dependencies below a run spec; 0 when it depends on nothing. -1 when there is a cycle.</summary>
    public int DepthOf(RunSpecId id)
    {
        if (_depths.TryGetValue(id, out var known))
        {
            return known;
        }
        if (!specs.TryGetValue(id, out var spec) || spec.Dependencies.IsEmpty)
        {
            return _depths[id] = 0;
        }
        if (!_onPath.Add(id))
        {
            return -1;
        }
        var depth = 0;
        foreach (var target in Targets(spec))
        {
            var below = DepthOf(target);
            if (below < 0)
            {
                return _depths[id] = -1;
            }
            depth = Math.Max(depth, below + 1);
        }
        _onPath.Remove(id);
        return _depths[id] = depth;
    }

    private IEnumerable<RunSpecId> Targets(RunSpec spec)
    {
        foreach (var dependency in spec.Dependencies)
        {
            var id = new RunSpecId(dependency);
            if (specs.ContainsKey(id))
            {
                yield return id;
                continue;
            }
            foreach (var other in specs.Keys)
            {
                if (other.IsInGroup(dependency) && other != spec.Id)
                {
                    yield return other;
                }
            }
        }
    }
}
