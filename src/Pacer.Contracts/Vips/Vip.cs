using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pacer.Contracts.Vips;

/// <summary>A virtual IP: what a name or an address, a protocol and a port lead to.</summary>
public sealed record Vip
{
    /// <summary>As labels say it, without a leading slash: "web"; null when it is an address.</summary>
    public string? Name { get; init; }

    /// <summary>"web.marathon.l4lb.thisdcos.directory"; null when it is an address.</summary>
    public string? DnsName { get; init; }

    /// <summary>The addresses it may have: one, or of a name an IPv4 and an IPv6 one. It has each only when a backend has that kind.</summary>
    public required IReadOnlyList<IPAddress> Candidates { get; init; }

    /// <summary>"tcp" or "udp".</summary>
    public required string Protocol { get; init; }
    public required int Port { get; init; }

    /// <summary>Apps and pods whose labels ask for it, in order.</summary>
    public required IReadOnlyList<string> Services { get; init; }

    /// <summary>In order of task and address.</summary>
    public required IReadOnlyList<VipBackend> Backends { get; init; }

    /// <summary>The addresses it has.</summary>
    public IEnumerable<IPAddress> Addresses =>
        Candidates.Where(address => Name is null || Backends.Any(backend => backend.Address.AddressFamily == address.AddressFamily));

    public override string ToString() => Name is not null
        ? string.Create(CultureInfo.InvariantCulture, $"/{Name}:{Port}")
        : new IPEndPoint(Candidates[0], Port).ToString();
}

/// <summary>A task's port behind a virtual IP.</summary>
/// <param name="Address">Where other nodes reach it.</param>
/// <param name="OwnAddress">Where its own node reaches it: the container itself, past the node's port.</param>
/// <param name="Flaw">Why it gets no new connections; null when it does.</param>
public sealed record VipBackend(string TaskId, string ServiceId, string NodeId, IPAddress Address, int Port, IPAddress OwnAddress, int OwnPort, string? Flaw)
{
    public bool Serves => Flaw is null;
}

/// <summary>Something about virtual IPs that its author should know.</summary>
public sealed record VipWarning(string ServiceId, string Text);
