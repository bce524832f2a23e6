using System.Collections.Immutable;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Wire = Pacer.Contracts.AgentLink;

namespace Pacer.Server.Agents;

/// <summary>Between the words of the agent's contract and those of the core.</summary>
internal static class AgentMessages
{
    /// <summary>What is wrong with a registration, fit for the agent's log; null when nothing is.</summary>
    public static string? Validate(Wire.Register register)
    {
        if (register.AgentId.Length == 0)
        {
            return "agent_id is empty: every agent must name itself";
        }
        if (register.Hostname.Length == 0)
        {
            return "hostname is empty: set it with --hostname";
        }
        if (register.Resources is not { CpuMillis: >= 0, MemoryBytes: >= 0, DiskBytes: >= 0, Gpus: >= 0 })
        {
            return "resources are missing or negative";
        }
        foreach (var range in register.Ports.Concat(register.Reservations.SelectMany(reservation => reservation.Ports)))
        {
            if (range.First < 1 || range.Last > 65535 || range.First > range.Last)
            {
                return $"the port range {range.First}-{range.Last} is not within 1-65535";
            }
        }
        return ReservationProblem(register) ?? DiskProblem(register);
    }

    private static string? DiskProblem(Wire.Register register)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var disk in register.Disks)
        {
            if (disk.Type == Wire.DiskType.DiskUnspecified || disk.SizeBytes <= 0 || !disk.Path.StartsWith('/') || !paths.Add(disk.Path))
            {
                return $"the disk '{disk.Path}' needs a type, a size and a path of its own: see --volume-disk";
            }
        }
        return null;
    }

    private static string? ReservationProblem(Wire.Register register)
    {
        var left = ToResources(register.Resources);
        var ports = ToRanges(register.Ports);
        var roles = new HashSet<string>(StringComparer.Ordinal);
        foreach (var reservation in register.Reservations)
        {
            if (reservation.Role is "" or "*" || !roles.Add(reservation.Role))
            {
                return $"a reservation is for the role '{reservation.Role}': each must be for a role of its own, and not for '*'";
            }
            if (reservation.Resources is not { CpuMillis: >= 0, MemoryBytes: >= 0, DiskBytes: >= 0, Gpus: >= 0 })
            {
                return $"the reservation for '{reservation.Role}' has no or negative resources";
            }
            left -= ToResources(reservation.Resources);
            if (left is not { CpuMillis: >= 0, MemoryBytes: >= 0, DiskBytes: >= 0, Gpus: >= 0 })
            {
                return "more is reserved than the node has: lower --reserve, or offer more with --cpus, --mem, --disk, --gpus";
            }
            var reserved = ToRanges(reservation.Ports);
            if (!PortRanges.Contain(ports, reserved))
            {
                return $"the ports reserved for '{reservation.Role}' are not all in --ports, or reserved twice";
            }
            ports = PortRanges.Subtract(ports, reserved);
        }
        return null;
    }

    private static Resources ToResources(Wire.Resources resources) =>
        new(resources.CpuMillis, resources.MemoryBytes, resources.DiskBytes, resources.Gpus);

    private static ValueList<PortRange> ToRanges(IEnumerable<Wire.PortRange> ranges) =>
        ValueList.From(ranges.Select(range => new PortRange(range.First, range.Last)));

    public static AgentNode ToNode(Wire.Register register, string peerAddress, Timestamp now) => new(
        new AgentId(register.AgentId),
        register.Hostname,
        register.Address.Length > 0 ? register.Address : peerAddress,
        ToResources(register.Resources),
        ToRanges(register.Ports),
        register.Attributes.ToImmutableSortedDictionary(pair => pair.Key, pair => AttributeValue.Canonical(pair.Value), StringComparer.Ordinal),
        NullIfEmpty(register.Region),
        NullIfEmpty(register.Zone),
        ValueList.From(register.Runtimes),
        register.Version,
        now,
        Connected: true,
        DisconnectedAt: null,
        Lost: false)
    {
        Reservations = ValueList.From(register.Reservations.Select(reservation => new Reservation(
            reservation.Role, ToResources(reservation.Resources), ToRanges(reservation.Ports)))),
        Networks = ValueList.From(register.Networks),
        Disks = ValueList.From(register.Disks.Select(disk => new NodeDisk(
            disk.Type == Wire.DiskType.DiskMount ? DiskType.Mount : DiskType.Path, disk.Path, disk.SizeBytes, NullIfEmpty(disk.Profile)))),
        VolumeDrivers = ValueList.From(register.VolumeDrivers),
        Volumes = ValueList.From(register.Volumes),
    };

    public static TaskReport ToReport(Wire.StatusUpdate status)
    {
        var health = new HealthResult[status.Health.Count];
        for (var i = 0; i < health.Length; i++)
        {
            var result = status.Health[i];
            health[i] = new HealthResult(
                result.Check,
                result.Alive,
                result.ConsecutiveFailures,
                Moment(result.FirstSuccessMs),
                Moment(result.LastSuccessMs),
                Moment(result.LastFailureMs),
                NullIfEmpty(result.LastFailureCause))
            {
                KillCause = NullIfEmpty(result.KillCause),
                FailsTask = result.FailsTask,
            };
        }
        return new TaskReport(
            new TaskId(status.TaskId),
            status.Sequence,
            ToCondition(status.State),
            NullIfEmpty(status.Message),
            NullIfEmpty(status.Reason),
            new Timestamp(status.TimestampMs),
            status.HasExitCode ? status.ExitCode : null,
            status.HasSignal ? status.Signal : null,
            ValueList.From(status.IpAddresses),
            ValueList.Create<HealthResult>(health))
        {
            Readiness = ValueList.From(status.Readiness.Select(result => new ReadinessResult(
                result.Name,
                result.Ready,
                result.LastResponse is { } last ? new ReadinessResponse(last.Status, last.ContentType, last.Body) : null))),
            Check = status.Check?.KindCase switch
            {
                Wire.CheckResult.KindOneofCase.HttpStatus => new CheckResult.Http(status.Check.HttpStatus),
                Wire.CheckResult.KindOneofCase.TcpSucceeded => new CheckResult.Tcp(status.Check.TcpSucceeded),
                Wire.CheckResult.KindOneofCase.ExitCode => new CheckResult.Command(status.Check.ExitCode),
                _ => null,
            },
        };
    }

    private static Condition ToCondition(Wire.TaskState state) => state switch
    {
        Wire.TaskState.TaskStaging => Condition.Staging,
        Wire.TaskState.TaskStarting => Condition.Starting,
        Wire.TaskState.TaskRunning => Condition.Running,
        Wire.TaskState.TaskKilling => Condition.Killing,
        Wire.TaskState.TaskFinished => Condition.Finished,
        Wire.TaskState.TaskFailed => Condition.Failed,
        Wire.TaskState.TaskKilled => Condition.Killed,
        Wire.TaskState.TaskError => Condition.Error,
        Wire.TaskState.TaskLost or Wire.TaskState.TaskGone => Condition.Gone,
        _ => Condition.Unknown,
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static Timestamp? Moment(long unixMilliseconds) => unixMilliseconds == 0 ? null : new Timestamp(unixMilliseconds);
}
