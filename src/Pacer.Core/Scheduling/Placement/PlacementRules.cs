using System.Globalization;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Core.Scheduling.Constraints;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>
/// Whether a node may take one more instance of a run spec, and why not: the rules in Marathon's order (marathon-behaviour.md §2.2).
/// Host ports are the one thing that is looked at elsewhere, by trying to allocate them.
/// </summary>
internal sealed class PlacementRules
{
    private readonly RunSpec _spec;
    private readonly string? _homeRegion;
    private readonly bool _keepsGpusFree;
    private readonly DiskAllocation? _disks;

    public PlacementRules(RunSpec spec, ClusterSettings settings)
    {
        _spec = spec;
        (UsesUnreserved, UsesReserved) = Accepted(spec, settings.DefaultAcceptedRoles);
        foreach (var constraint in spec.Constraints)
        {
            Tallies.Add(new ConstraintTally(constraint, spec.Instances));
        }
        _homeRegion = spec.Constraints.Any(c => c.Field is "@region" or "@zone") ? null : settings.HomeRegion;
        _disks = spec.Disks.IsEmpty ? null : new DiskAllocation(spec.Disks);
        _keepsGpusFree = spec.Resources.Gpus == 0 && (spec.GpuScheduling ?? settings.GpuScheduling) == GpuScheduling.Restricted;
    }

    public List<ConstraintTally> Tallies { get; } = [];
    public bool UsesUnreserved { get; }
    public bool UsesReserved { get; }

    /// <summary>The constraint that refuses the node now; null when none does.</summary>
    public ConstraintTally? RefusingConstraint(AgentNode node)
    {
        foreach (var tally in Tallies)
        {
            if (!tally.Accepts(node.FieldValue(tally.Constraint.Field)))
            {
                return tally;
            }
        }
        return null;
    }

    /// <summary>Disks for the volumes of one more instance; empty when it needs none, null when they are not there.</summary>
    public ValueList<DiskShare>? DisksOn(Candidate candidate) => _disks is null ? [] : _disks.TryAllocate(candidate.Node.Disks, candidate.DiskUse);

    /// <summary>The first reason, constraints, disks and ports left out; null when there is none.</summary>
    public RejectReason? Refusal(Candidate candidate)
    {
        var node = candidate.Node;
        if (!HasAcceptedRole(node))
        {
            return RejectReason.UnfulfilledRole;
        }
        if (!IsInRegion(node) || !HasRuntime(node) || MissingNetwork(node) is not null || MissingVolumeDriver(node) is not null)
        {
            return RejectReason.UnfulfilledConstraint;
        }
        if (!node.IsOpen)
        {
            return RejectReason.AgentMaintenance;
        }
        return Scarce(candidate) ?? (KeepsAway(candidate) ? RejectReason.DeclinedScarceResources : null);
    }

    /// <summary>The first reason of all, in words; null when the node takes the instance. GPUs are asked after the ports.</summary>
    public Rejection? Explain(Candidate candidate, Func<Candidate, Rejection?> portsRefusal)
    {
        var node = candidate.Node;
        if (!HasAcceptedRole(node))
        {
            return new(RejectReason.UnfulfilledRole, RolesInWords(), Roles(node));
        }
        if (!IsInRegion(node))
        {
            return new(RejectReason.UnfulfilledConstraint, $"the home region {_homeRegion}", $"region {node.Region}");
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
        if (MissingNetwork(node) is { } network)
        {
            return new(RejectReason.UnfulfilledConstraint, $"the network {network}",
                node.Networks.IsEmpty ? "no networks for tasks" : string.Join(", ", node.Networks));
        }
        if (MissingVolumeDriver(node) is { } driver)
        {
            return new(RejectReason.UnfulfilledConstraint, DriverInWords(driver),
                node.VolumeDrivers.IsEmpty ? "no volume drivers" : string.Join(", ", node.VolumeDrivers));
        }
        if (RefusingConstraint(node) is { Constraint: var constraint })
        {
            return new(RejectReason.UnfulfilledConstraint, InWords(constraint), node.FieldValue(constraint.Field) ?? "(not set)");
        }
        if (!node.IsOpen)
        {
            return new(RejectReason.AgentMaintenance, "a node that is open", node switch
            {
                { Drain: not null } => "draining",
                { Cordoned: true } => "cordoned",
                { Connected: false } => "not in contact",
                _ => $"{node.Unwanted.Count} tasks that nobody wants are still ending",
            });
        }
        return Scarce(candidate) switch
        {
            { } reason => Amounts(candidate, reason),
            null => _disks?.Explain(node.Disks, candidate.DiskUse) ?? portsRefusal(candidate) ?? (KeepsAway(candidate)
                ? new(RejectReason.DeclinedScarceResources, "no GPU", $"{Free(candidate).Gpus} free GPUs are kept for those who need them")
                : null),
        };
    }

    /// <summary>The node's port ranges that the run spec's role may use.</summary>
    public ValueList<PortRange> PortsOf(AgentNode node)
    {
        if (node.Reservations.IsEmpty)
        {
            return UsesUnreserved ? node.Ports : [];
        }
        var reserved = UsesReserved ? node.ReservationOf(_spec.Role)?.Ports ?? [] : [];
        return !UsesUnreserved ? reserved : PortRanges.Subtract(
            node.Ports, node.Reservations.Where(r => !UsesReserved || r.Role != _spec.Role).SelectMany(r => r.Ports));
    }

    private static (bool Unreserved, bool Reserved) Accepted(RunSpec spec, DefaultAcceptedRoles standard)
    {
        if (spec.Role == "*")
        {
            return (spec.AcceptedRoles.IsEmpty || spec.AcceptedRoles.Contains("*"), false);
        }
        if (!spec.AcceptedRoles.IsEmpty)
        {
            return (spec.AcceptedRoles.Contains("*"), spec.AcceptedRoles.Contains(spec.Role));
        }
        // Data that stays on a node is reserved on the node's free resources only.
        return (spec.IsResident || standard != DefaultAcceptedRoles.Reserved, !spec.IsResident && standard != DefaultAcceptedRoles.Unreserved);
    }

    private bool HasAcceptedRole(AgentNode node)
    {
        if (node.Reservations.IsEmpty)
        {
            return UsesUnreserved;
        }
        if (UsesReserved && node.ReservationOf(_spec.Role) is not null)
        {
            return true;
        }
        return UsesUnreserved && (node.Reservations.Aggregate(node.Resources, (rest, r) => rest - r.Resources) is
            { CpuMillis: > 0 } or { MemoryBytes: > 0 } or { DiskBytes: > 0 } or { Gpus: > 0 } || !PortsOf(node).IsEmpty);
    }

    private bool IsInRegion(AgentNode node) => _homeRegion is null || node.Region is null || node.Region == _homeRegion;

    private string? MissingNetwork(AgentNode node)
    {
        foreach (var network in _spec.Networks)
        {
            if (!node.Networks.Contains(network))
            {
                return network;
            }
        }
        return null;
    }

    private string? MissingVolumeDriver(AgentNode node)
    {
        foreach (var driver in _spec.VolumeDrivers)
        {
            if (!node.VolumeDrivers.Contains(driver))
            {
                return driver;
            }
        }
        return null;
    }

    private static string DriverInWords(string driver) =>
        driver.StartsWith("csi/", StringComparison.Ordinal) ? $"the CSI plugin {driver["csi/".Length..]}"
        : driver.StartsWith("docker/", StringComparison.Ordinal) ? $"the volume driver {driver["docker/".Length..]} of the Docker daemon"
        : $"the volume driver {driver}";

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

    private Resources Free(Candidate candidate) =>
        (UsesUnreserved ? candidate.Unreserved : Resources.None) + (UsesReserved ? candidate.Reserved : Resources.None);

    private RejectReason? Scarce(Candidate candidate)
    {
        var asked = _spec.Resources;
        var free = Free(candidate);
        return asked.FitsInto(free) ? null
            : asked.CpuMillis > 0 && asked.CpuMillis > free.CpuMillis ? RejectReason.InsufficientCpus
            : asked.MemoryBytes > 0 && asked.MemoryBytes > free.MemoryBytes ? RejectReason.InsufficientMemory
            : asked.DiskBytes > 0 && asked.DiskBytes > free.DiskBytes ? RejectReason.InsufficientDisk
            : RejectReason.InsufficientGpus;
    }

    private bool KeepsAway(Candidate candidate) => _keepsGpusFree && candidate.Node.Resources.Gpus > 0 && Free(candidate).Gpus > 0;

    private Rejection Amounts(Candidate candidate, RejectReason reason)
    {
        var asked = _spec.Resources;
        var free = Free(candidate);
        return reason switch
        {
            RejectReason.InsufficientCpus => Of(asked.CpuMillis / 1000.0, free.CpuMillis / 1000.0, ""),
            RejectReason.InsufficientMemory => Of(asked.MemoryBytes / MiB, free.MemoryBytes / MiB, " MiB"),
            RejectReason.InsufficientDisk => Of(asked.DiskBytes / MiB, free.DiskBytes / MiB, " MiB"),
            _ => Of(asked.Gpus, free.Gpus, ""),
        };

        Rejection Of(double wanted, double there, string unit) =>
            new(reason, Number(wanted) + unit, Number(Math.Max(0, there)) + unit) { FreeAmount = Math.Max(0, there) };
    }

    private string RolesInWords() => (UsesUnreserved, UsesReserved) switch
    {
        (true, true) => $"* or {_spec.Role}",
        (true, false) => "*",
        (false, true) => _spec.Role,
        _ => string.Join(", ", _spec.AcceptedRoles),
    };

    private static string Roles(AgentNode node) => string.Join(", ", node.Reservations.Select(r => r.Role).Prepend("*"));

    private static string InWords(Constraint constraint)
    {
        var name = constraint.Operator switch
        {
            ConstraintOperator.GroupBy => "GROUP_BY",
            ConstraintOperator.MaxPer => "MAX_PER",
            var other => other.ToString().ToUpperInvariant(),
        };
        return constraint.Value is null ? $"{constraint.Field} {name}" : $"{constraint.Field} {name} {constraint.Value}";
    }

    private const double MiB = 1024 * 1024;

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
