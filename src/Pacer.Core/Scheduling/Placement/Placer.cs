using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>
/// Finds places for instances of one run spec: nodes are tried best first, as the score ranks them, until one takes it. The index of
/// the state gives them in that order, so that most nodes are never looked at.
/// </summary>
internal sealed class Placer
{
    // A field with more values than this is not searched for those that a pattern matches.
    private const int MaxValuesMatched = 512;

    private readonly ClusterState _state;
    private readonly RunSpec _spec;
    private readonly PlacementRules _rules;
    private readonly bool _pack;
    private readonly List<int> _wantedPorts;
    private readonly SeededRandom _draws;
    private readonly Dictionary<AgentId, int> _own = [];
    private readonly CandidateQueue _queue;
    private readonly Dictionary<(ConstraintTally, string), CandidateGroup> _groups = [];

    /// <param name="only">Nodes to look at; null: all.</param>
    public Placer(ClusterState state, RunSpec spec, SeededRandom draws, ClusterSettings settings, IReadOnlyCollection<AgentId>? only = null)
    {
        _state = state;
        _spec = spec;
        _draws = draws;
        _rules = new PlacementRules(spec, settings);
        _pack = settings.PlacementScore == PlacementScore.Pack;
        _wantedPorts = PortAllocation.Wanted(spec);
        CountPlaced();
        _queue = new CandidateQueue(_pack, (only is null ? All() : From(only)).GetEnumerator());
    }

    /// <summary>A place for one more instance, taken at once; null when no node can take it.</summary>
    public Model.Placement? TryPlace()
    {
        while (_queue.Dequeue() is { } candidate)
        {
            var group = candidate.StandsFor;
            candidate.StandsFor = null;
            if (group is not null)
            {
                group.IsRepresented = false;
            }
            var placement = Try(candidate, out var refusing);
            if (placement is not null)
            {
                if (group is not null)
                {
                    _queue.Park(candidate, group);
                }
                else
                {
                    _queue.Enqueue(candidate);
                }
            }
            else if (refusing is { MayReopen: true } && candidate.Node.FieldValue(refusing.Constraint.Field) is { } value)
            {
                _queue.Park(candidate, GroupOf(refusing, value));
            }
            if (group is not null)
            {
                RepresentIfAccepted(group);
            }
            if (placement is not null)
            {
                return placement;
            }
        }
        return null;
    }

    /// <summary>What every node in contact says to one more instance.</summary>
    public static PlacementExplanation Explain(ClusterState state, RunSpec spec, ClusterSettings settings)
    {
        var placer = new Placer(state, spec, new SeededRandom(0), settings);
        var rejections = new List<KeyValuePair<AgentId, Rejection>>();
        var nodes = 0;
        foreach (var node in state.Agents.Values)
        {
            if (!node.Connected)
            {
                continue;
            }
            nodes++;
            if (placer._rules.Explain(placer.CandidateOf(node), placer.PortsRefusal) is { } rejection)
            {
                rejections.Add(new(node.Id, rejection));
            }
        }
        return new PlacementExplanation(nodes, nodes - rejections.Count, rejections);
    }

    private Model.Placement? Try(Candidate candidate, out ConstraintTally? refusing)
    {
        refusing = null;
        var node = candidate.Node;
        if (_rules.Refusal(candidate) is not null)
        {
            return null;
        }
        refusing = _rules.RefusingConstraint(node);
        if (refusing is not null || PortAllocation.TryAllocate(
            _wantedPorts, _wantedPorts.Count == 0 ? [] : _rules.PortsOf(node), candidate.Usage.Ports, candidate.Taken, _draws) is not { } ports
            || _rules.DisksOn(candidate) is not { } disks)
        {
            return null;
        }
        var reserved = candidate.Take(_spec.Resources, _rules.UsesReserved, ports, disks);
        foreach (var tally in _rules.Tallies)
        {
            if (tally.DependsOnPlaced)
            {
                Count(tally, node.FieldValue(tally.Constraint.Field));
            }
        }
        return new Model.Placement(node.Id, node.Hostname, node.Region, node.Zone, ports, _spec.Resources) { Reserved = reserved, Disks = disks };
    }

    private void Count(ConstraintTally tally, string? value)
    {
        var smallest = tally.Smallest;
        tally.Add(value);
        if (tally.MayReopen && tally.Smallest != smallest)
        {
            foreach (var ((of, _), group) in _groups)
            {
                if (of == tally)
                {
                    RepresentIfAccepted(group);
                }
            }
        }
    }

    private CandidateGroup GroupOf(ConstraintTally tally, string value)
    {
        if (!_groups.TryGetValue((tally, value), out var group))
        {
            _groups.Add((tally, value), group = new CandidateGroup(tally, value));
        }
        return group;
    }

    private void RepresentIfAccepted(CandidateGroup group)
    {
        if (group.Tally.Accepts(group.Value))
        {
            _queue.Represent(group);
        }
    }

    private void CountPlaced()
    {
        foreach (var instance in _state.InstancesOf(_spec.Id).Values)
        {
            if (instance is not { HoldsResources: true, Placement: { } place })
            {
                continue;
            }
            _own[place.AgentId] = _own.GetValueOrDefault(place.AgentId) + 1;
            if (IsConsidered(instance))
            {
                foreach (var tally in _rules.Tallies)
                {
                    if (tally.DependsOnPlaced)
                    {
                        tally.Add(FieldValue(place, tally.Constraint.Field));
                    }
                }
            }
        }
    }

    // Instances of an older configuration don't count, so that a rolling upgrade can put new beside old.
    private bool IsConsidered(Instance instance) =>
        instance.ConfigVersion == _spec.LastConfigChangeAt
        && instance.Condition is not (Condition.Unreachable or Condition.UnreachableInactive);

    private string? FieldValue(Model.Placement place, string field) => field switch
    {
        "hostname" or "@hostname" => place.Hostname,
        "@region" => place.Region,
        "@zone" => place.Zone,
        _ => _state.Agents.GetValueOrDefault(place.AgentId)?.FieldValue(field),
    };

    private Candidate CandidateOf(AgentNode node)
    {
        var usage = _state.Usage.GetValueOrDefault(node.Id, AgentUsage.Empty);
        var candidate = new Candidate(node, usage, _spec.Role) { Own = _own.GetValueOrDefault(node.Id) };
        if (!_spec.Disks.IsEmpty)
        {
            foreach (var share in usage.Instances.SelectMany(id => _state.Instance(id)!.Placement!.Disks))
            {
                candidate.UseDisk(share);
            }
        }
        return candidate;
    }

    // In the order of the ranks. When nodes without instances of the spec come first, the others are made only if those do not do.
    private IEnumerable<Candidate> All()
    {
        if (Matching() is { } few)
        {
            return From(few);
        }
        return _pack ? ByLoad(_state.NodeIndex.ByLoad.Reverse()) : ByLoad(_state.NodeIndex.ByLoad).Concat(Deferred(_own.Keys));
    }

    private IEnumerable<Candidate> ByLoad(IEnumerable<NodeLoad> nodes)
    {
        foreach (var load in nodes)
        {
            if (_pack || !_own.ContainsKey(load.Id))
            {
                yield return CandidateOf(_state.Agents[load.Id]);
            }
        }
    }

    private IEnumerable<Candidate> Deferred(IEnumerable<AgentId> nodes)
    {
        foreach (var candidate in From([.. nodes]))
        {
            yield return candidate;
        }
    }

    private IEnumerable<Candidate> From(IReadOnlyCollection<AgentId> nodes)
    {
        var candidates = new List<Candidate>(nodes.Count);
        foreach (var id in nodes)
        {
            if (_state.Agents.TryGetValue(id, out var node) && node.IsOpen)
            {
                candidates.Add(CandidateOf(node));
            }
        }
        return _pack
            ? candidates.OrderByDescending(c => c.UsedShare).ThenBy(c => c.Node.Id)
            : candidates.OrderBy(c => c.Own).ThenBy(c => c.UsedShare).ThenBy(c => c.Node.Id);
    }

    /// <summary>The nodes that a constraint on a fixed value leaves, when that is a small part of all; null otherwise.</summary>
    private List<AgentId>? Matching()
    {
        List<AgentId>? fewest = null;
        var limit = _state.NodeIndex.ByLoad.Count / 2;
        foreach (var tally in _rules.Tallies)
        {
            if (tally.DependsOnPlaced || tally.Constraint.Operator == ConstraintOperator.Unlike)
            {
                continue;
            }
            if (!_state.NodeIndex.ByField.TryGetValue(NodeIndex.NameOf(tally.Constraint.Field), out var values))
            {
                return []; // no node has the field
            }
            if (tally.Constraint is { Operator: ConstraintOperator.Cluster, Value: { } exact })
            {
                Narrow(values.TryGetValue(exact, out var nodes) ? nodes : []);
            }
            else if (values.Count <= MaxValuesMatched)
            {
                Narrow(values.Where(pair => tally.Accepts(pair.Key)).SelectMany(pair => pair.Value));
            }
        }
        return fewest;

        void Narrow(IEnumerable<AgentId> nodes)
        {
            var some = nodes.Take(Math.Min(limit, fewest?.Count ?? limit) + 1).ToList();
            if (some.Count <= limit && (fewest is null || some.Count < fewest.Count))
            {
                fewest = some;
            }
        }
    }

    private Rejection? PortsRefusal(Candidate candidate)
    {
        var ranges = _rules.PortsOf(candidate.Node);
        if (PortAllocation.TryAllocate(_wantedPorts, ranges, candidate.Usage.Ports, null, new SeededRandom(0)) is not null)
        {
            return null;
        }
        var free = ranges.Sum(range => range.Count) - candidate.Usage.Ports.Count(port => ranges.Any(range => range.Contains(port)));
        return new(RejectReason.InsufficientPorts, PortsInWords(), $"{free} free") { FreeAmount = free };
    }

    private string PortsInWords()
    {
        var exact = _wantedPorts.Where(port => port != 0).ToList();
        var any = _wantedPorts.Count - exact.Count;
        return exact.Count == 0 ? $"{any} of any" : any == 0 ? string.Join(", ", exact) : $"{string.Join(", ", exact)} and {any} of any";
    }
}
