using System.Globalization;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>
/// Finds places for instances of one run spec: filter, then score (spread: fewest instances of the spec, then least used node).
/// Nodes are looked at once; each further instance costs a heap operation, not a scan.
/// </summary>
internal sealed class Placer
{
    private readonly RunSpec _spec;
    private readonly List<int> _wantedPorts;
    private readonly List<ConstraintTally> _tallies = [];
    private readonly SeededRandom _draws;
    private readonly PriorityQueue<Candidate, (int, long, AgentId)> _candidates = new();
    private readonly List<Candidate> _asleep = [];

    public Placer(ClusterState state, RunSpec spec, SeededRandom draws)
    {
        _spec = spec;
        _draws = draws;
        _wantedPorts = PortAllocation.Wanted(spec);
        foreach (var constraint in spec.Constraints)
        {
            _tallies.Add(new ConstraintTally(constraint, spec.Instances));
        }
        var perAgent = new Dictionary<AgentId, int>();
        foreach (var instance in state.InstancesOf(spec.Id).Values)
        {
            if (instance is { HoldsResources: true, Placement: { } place })
            {
                perAgent[place.AgentId] = perAgent.GetValueOrDefault(place.AgentId) + 1;
                if (IsConsidered(instance, spec))
                {
                    foreach (var tally in _tallies)
                    {
                        tally.Add(FieldValue(state, place, tally.Constraint.Field));
                    }
                }
            }
        }
        foreach (var node in state.Agents.Values)
        {
            if (!node.Connected)
            {
                continue;
            }
            var usage = state.Usage.GetValueOrDefault(node.Id, AgentUsage.Empty);
            var candidate = new Candidate(node, usage, node.Resources - usage.Resources) { Own = perAgent.GetValueOrDefault(node.Id) };
            if (Check(candidate, dynamicToo: false) is null)
            {
                Enqueue(candidate);
            }
        }
    }

    /// <summary>A place for one more instance, taken at once; null when no node can take it.</summary>
    public Model.Placement? TryPlace()
    {
        while (_candidates.TryDequeue(out var candidate, out _))
        {
            if (Check(candidate, dynamicToo: true) is not null)
            {
                if (MayReopen(candidate))
                {
                    _asleep.Add(candidate);
                }
                continue;
            }
            var ports = PortAllocation.TryAllocate(_wantedPorts, candidate.Node.Ports, candidate.Usage.Ports, candidate.Taken, _draws);
            if (ports is null)
            {
                continue;
            }
            candidate.Take(_spec.Resources, ports);
            foreach (var tally in _tallies)
            {
                tally.Add(candidate.Node.FieldValue(tally.Constraint.Field));
            }
            Enqueue(candidate);
            foreach (var other in _asleep)
            {
                Enqueue(other);
            }
            _asleep.Clear();
            var node = candidate.Node;
            return new Model.Placement(node.Id, node.Hostname, node.Region, node.Zone, ports, _spec.Resources);
        }
        return null;
    }

    /// <summary>What every node in contact says to one more instance.</summary>
    public static PlacementExplanation Explain(ClusterState state, RunSpec spec)
    {
        var placer = new Placer(state, spec, new SeededRandom(0));
        var rejections = new List<KeyValuePair<AgentId, Rejection>>();
        var nodes = 0;
        foreach (var node in state.Agents.Values)
        {
            if (!node.Connected)
            {
                continue;
            }
            nodes++;
            var usage = state.Usage.GetValueOrDefault(node.Id, AgentUsage.Empty);
            var candidate = new Candidate(node, usage, node.Resources - usage.Resources);
            var rejection = placer.Check(candidate, dynamicToo: true) ?? placer.CheckPorts(candidate);
            if (rejection is not null)
            {
                rejections.Add(new(node.Id, rejection));
            }
        }
        return new PlacementExplanation(nodes, nodes - rejections.Count, rejections);
    }

    private void Enqueue(Candidate candidate) =>
        _candidates.Enqueue(candidate, (candidate.Own, candidate.UsedShare, candidate.Node.Id));

    private bool MayReopen(Candidate candidate)
    {
        foreach (var tally in _tallies)
        {
            if (!tally.Accepts(candidate.Node.FieldValue(tally.Constraint.Field)) && !tally.MayReopen)
            {
                return false;
            }
        }
        return ResourceRejection(candidate) is null;
    }

    private Rejection? Check(Candidate candidate, bool dynamicToo)
    {
        var node = candidate.Node;
        if (!node.Unwanted.IsEmpty)
        {
            return new(RejectReason.AgentMaintenance, "a settled node", $"{node.Unwanted.Count} tasks that nobody wants are still ending");
        }
        if (_spec.AcceptedRoles.Count > 0 && !_spec.AcceptedRoles.Contains("*"))
        {
            return new(RejectReason.UnfulfilledRole, string.Join(", ", _spec.AcceptedRoles), "*");
        }
        if (!HasRuntime(node))
        {
            return new(RejectReason.UnfulfilledConstraint,
                _spec.Runtime switch
                {
                    RuntimeKind.Docker => "the docker runtime",
                    RuntimeKind.MesosImage => "the mesos runtime with images (root, crun, conmon, overlayfs)",
                    _ => "the mesos runtime",
                },
                string.Join(", ", node.Runtimes));
        }
        foreach (var tally in _tallies)
        {
            if (tally.DependsOnPlaced && !dynamicToo)
            {
                continue;
            }
            var value = node.FieldValue(tally.Constraint.Field);
            if (!tally.Accepts(value))
            {
                return new(RejectReason.UnfulfilledConstraint, Describe(tally.Constraint), value ?? "(not set)");
            }
        }
        return ResourceRejection(candidate);
    }

    private Rejection? ResourceRejection(Candidate candidate)
    {
        var asked = _spec.Resources;
        var free = candidate.Free;
        if (asked.CpuMillis > free.CpuMillis)
        {
            return new(RejectReason.InsufficientCpus, Number(asked.CpuMillis / 1000.0), Number(Math.Max(0, free.CpuMillis) / 1000.0));
        }
        if (asked.MemoryBytes > free.MemoryBytes)
        {
            return new(RejectReason.InsufficientMemory, MiB(asked.MemoryBytes), MiB(free.MemoryBytes));
        }
        if (asked.DiskBytes > free.DiskBytes)
        {
            return new(RejectReason.InsufficientDisk, MiB(asked.DiskBytes), MiB(free.DiskBytes));
        }
        return asked.Gpus > free.Gpus ? new(RejectReason.InsufficientGpus, Number(asked.Gpus), Number(Math.Max(0, free.Gpus))) : null;
    }

    private Rejection? CheckPorts(Candidate candidate) =>
        PortAllocation.TryAllocate(_wantedPorts, candidate.Node.Ports, candidate.Usage.Ports, null, new SeededRandom(0)) is null
            ? new(RejectReason.InsufficientPorts, DescribePorts(), $"{candidate.Node.Ports.Sum(r => r.Count) - candidate.Usage.Ports.Count} free")
            : null;

    private string DescribePorts()
    {
        var exact = _wantedPorts.Where(port => port != 0).ToList();
        var any = _wantedPorts.Count - exact.Count;
        return exact.Count == 0 ? $"{any} of any" : any == 0 ? string.Join(", ", exact) : $"{string.Join(", ", exact)} and {any} of any";
    }

    private bool HasRuntime(AgentNode node)
    {
        foreach (var runtime in node.Runtimes)
        {
            var runs = _spec.Runtime switch
            {
                RuntimeKind.Docker => runtime == "docker",
                RuntimeKind.MesosImage => runtime == "mesos-image",
                _ => runtime is "mesos" or "process",
            };
            if (runs)
            {
                return true;
            }
        }
        return false;
    }

    // Instances of an older configuration don't count, so that a rolling upgrade can put new beside old.
    private static bool IsConsidered(Instance instance, RunSpec spec) =>
        instance.ConfigVersion == spec.LastConfigChangeAt
        && instance.Condition is not (Condition.Unreachable or Condition.UnreachableInactive);

    private static string? FieldValue(ClusterState state, Model.Placement place, string field) => field switch
    {
        "hostname" or "@hostname" => place.Hostname,
        "@region" => place.Region,
        "@zone" => place.Zone,
        _ => state.Agents.GetValueOrDefault(place.AgentId)?.FieldValue(field),
    };

    private static string Describe(Constraint constraint)
    {
        var name = constraint.Operator switch
        {
            ConstraintOperator.GroupBy => "GROUP_BY",
            ConstraintOperator.MaxPer => "MAX_PER",
            var other => other.ToString().ToUpperInvariant(),
        };
        return constraint.Value is null ? $"{constraint.Field} {name}" : $"{constraint.Field} {name} {constraint.Value}";
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static string MiB(long bytes) => Number(Math.Max(0, bytes) / 1048576.0) + " MiB";

    private sealed class Candidate(AgentNode node, AgentUsage usage, Resources free)
    {
        public AgentNode Node { get; } = node;
        public AgentUsage Usage { get; } = usage;
        public Resources Free { get; private set; } = free;

        /// <summary>Instances of the run spec on this node.</summary>
        public int Own { get; set; }

        public HashSet<int> Taken { get; } = [];

        /// <summary>The larger of the used shares of CPU and memory, in millionths.</summary>
        public long UsedShare => Math.Max(
            Share(Node.Resources.CpuMillis, Free.CpuMillis), Share(Node.Resources.MemoryBytes, Free.MemoryBytes));

        public void Take(Resources resources, ValueList<int> ports)
        {
            Free -= resources;
            Own++;
            foreach (var port in ports)
            {
                Taken.Add(port);
            }
        }

        private static long Share(long total, long free) => total <= 0 ? 0 : (long)((Int128)(total - free) * 1_000_000 / total);
    }
}
