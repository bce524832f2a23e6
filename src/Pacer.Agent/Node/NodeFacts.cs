using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pacer.Agent.Disks;
using Pacer.Agent.Uplink;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Node;

/// <summary>What a node tells the server about itself. Read once at start: an advertised size that moves would unsettle placement.</summary>
internal sealed record NodeFacts(
    string AgentId,
    string Hostname,
    string Address,
    Resources Resources,
    IReadOnlyList<PortRange> Ports,
    IReadOnlyDictionary<string, string> Attributes,
    string Region,
    string Zone,
    IReadOnlyList<string> Runtimes,
    string BootId)
{
    public IReadOnlyList<Reservation> Reservations { get; init; } = [];

    /// <summary>For persistent volumes, beside the agent's own.</summary>
    public IReadOnlyList<Disk> Disks { get; init; } = [];

    /// <summary>Networks that tasks can have instead of the node's own.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>Drivers of external volumes.</summary>
    public IReadOnlyList<string> VolumeDrivers { get; init; } = [];

    /// <summary>Throws <see cref="AgentException"/> for settings that make no sense.</summary>
    public static NodeFacts Gather(AgentOptions options, string agentId, string workDir, IReadOnlyList<string> runtimes, ServerAddress server, int gpus)
    {
        if (options.Cpus is <= 0 or > 100_000 || options.Cpus is { } cpus && double.IsNaN(cpus))
        {
            throw new AgentException("--cpus must be greater than 0.");
        }
        if (options.MemoryMiB is <= 0)
        {
            throw new AgentException("--mem must be greater than 0 (MiB).");
        }
        if (options.DiskMiB is < 0)
        {
            throw new AgentException("--disk must not be negative (MiB).");
        }
        foreach (var name in options.Attributes.Keys)
        {
            if (string.IsNullOrWhiteSpace(name) || name.StartsWith('@'))
            {
                throw new AgentException($"--attributes: '{name}' can't be the name of an attribute. Use NAME:VALUE with a name that does not start with '@'.");
            }
        }
        var resources = new Resources
        {
            CpuMillis = options.Cpus is { } given ? (long)Math.Round(given * 1000) : Environment.ProcessorCount * 1000L,
            MemoryBytes = options.MemoryMiB is { } memory ? memory << 20 : MachineMemoryBytes() / 10 * 9,
            DiskBytes = options.DiskMiB is { } disk ? disk << 20 : new DriveInfo(workDir).AvailableFreeSpace / 10 * 9,
            Gpus = gpus,
        };
        return new NodeFacts(
            agentId,
            options.Hostname ?? Environment.MachineName,
            options.Address ?? server.LocalAddress(),
            resources,
            PortRanges.Parse(options.Ports),
            options.Attributes,
            options.Region ?? "",
            options.Zone ?? "",
            runtimes,
            WorkDirectory.CurrentBootId())
        {
            Reservations = [.. options.Reservations.Select(NodeReservation.Parse)],
            Disks = VolumeDisk.Find(options.VolumeDisks),
        };
    }

    public Register ToRegister(string? joinToken)
    {
        var register = new Register
        {
            AgentId = AgentId,
            Hostname = Hostname,
            Resources = Resources,
            Region = Region,
            Zone = Zone,
            Version = typeof(NodeFacts).Assembly.GetName().Version?.ToString(3) ?? "",
            JoinToken = joinToken ?? "",
            Address = Address,
            BootId = BootId,
        };
        register.Ports.AddRange(Ports);
        register.Networks.AddRange(Networks);
        register.VolumeDrivers.AddRange(VolumeDrivers);
        register.Runtimes.AddRange(Runtimes);
        register.Reservations.AddRange(Reservations);
        register.Disks.AddRange(Disks);
        foreach (var (name, value) in Attributes)
        {
            register.Attributes[name] = value;
        }
        return register;
    }

    private static long MachineMemoryBytes()
    {
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
            {
                var number = line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
                return long.Parse(number, CultureInfo.InvariantCulture) << 10;
            }
        }
        return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }
}
