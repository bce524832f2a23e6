using System.Globalization;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Node;

/// <summary>A part of a node for one role, as written in <see cref="AgentOptions.Reservations"/>.</summary>
public static class NodeReservation
{
    /// <summary>
    /// Parses <c>ROLE:cpus=2,mem=1024,disk=5000,gpus=1,ports=31000-31099</c>: cores, MiB, MiB, whole GPUs, and ports as often as there are
    /// ranges. Throws <see cref="AgentException"/> naming the part that is wrong.
    /// </summary>
    public static Reservation Parse(string text)
    {
        var colon = text.IndexOf(':');
        var role = colon > 0 ? text[..colon].Trim() : "";
        if (role.Length == 0 || role is "*" or "." or ".." || role.StartsWith('-') || role.AsSpan().ContainsAny(" \t\n/\\"))
        {
            throw Wrong(text, "it must begin with the name of a role and a colon");
        }
        var reservation = new Reservation { Role = role, Resources = new Resources() };
        foreach (var part in text[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=');
            var (name, value) = equals > 0 ? (part[..equals].Trim(), part[(equals + 1)..].Trim()) : (part, "");
            switch (name)
            {
                case "cpus":
                    reservation.Resources.CpuMillis = (long)Math.Round(Amount(text, part, value) * 1000);
                    break;
                case "mem":
                    reservation.Resources.MemoryBytes = (long)(Amount(text, part, value) * (1 << 20));
                    break;
                case "disk":
                    reservation.Resources.DiskBytes = (long)(Amount(text, part, value) * (1 << 20));
                    break;
                case "gpus":
                    reservation.Resources.Gpus = (int)Amount(text, part, value);
                    break;
                case "ports":
                    reservation.Ports.AddRange(PortRanges.Parse(value));
                    break;
                default:
                    throw Wrong(text, $"'{part}' is none of cpus, mem, disk, gpus and ports");
            }
        }
        return reservation.Resources.Equals(new Resources()) && reservation.Ports.Count == 0 ? throw Wrong(text, "it reserves nothing") : reservation;
    }

    private static double Amount(string text, string part, string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount < 1e9
            ? amount
            : throw Wrong(text, $"'{part}' has no amount");

    private static AgentException Wrong(string text, string reason) =>
        new($"--reserve '{text}': {reason}. Write it like dev:cpus=2,mem=1024,ports=31000-31099.");
}
