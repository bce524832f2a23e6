using System.Globalization;

namespace Pacer.Agent.Containers.Users;

/// <summary>Linux capabilities of containers.</summary>
internal static class Capabilities
{
    // Names by bit number; the set of Docker less MKNOD (device nodes are denied anyway).
    private static readonly (string Name, int Bit)[] Given =
    [
        ("CAP_CHOWN", 0), ("CAP_DAC_OVERRIDE", 1), ("CAP_FOWNER", 3), ("CAP_FSETID", 4), ("CAP_KILL", 5), ("CAP_SETGID", 6),
        ("CAP_SETUID", 7), ("CAP_SETPCAP", 8), ("CAP_NET_BIND_SERVICE", 10), ("CAP_NET_RAW", 13), ("CAP_SYS_CHROOT", 18),
        ("CAP_AUDIT_WRITE", 29), ("CAP_SETFCAP", 31),
    ];

    /// <summary>Root's capabilities in a container, as far as the agent has them itself; none for other users.</summary>
    /// <param name="bounding">The agent's bounding set.</param>
    public static IReadOnlyList<string> For(ContainerUser user, ulong bounding) =>
        user.Uid != 0 ? [] : [.. Given.Where(c => (bounding >> c.Bit & 1) == 1).Select(c => c.Name)];

    public static bool Has(ulong set, int bit) => (set >> bit & 1) == 1;

    /// <summary>A set like <c>CapBnd</c> out of the text of /proc/self/status; empty when it is not there.</summary>
    public static ulong Parse(string status, string set)
    {
        foreach (var line in status.Split('\n'))
        {
            if (line.StartsWith(set + ":", StringComparison.Ordinal) &&
                ulong.TryParse(line.AsSpan(set.Length + 1).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var bits))
            {
                return bits;
            }
        }

        return 0;
    }
}
