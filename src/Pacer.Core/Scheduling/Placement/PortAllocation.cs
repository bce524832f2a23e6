using System.Collections.Immutable;
using Pacer.Core.Model;

namespace Pacer.Core.Scheduling.Placement;

/// <summary>Chooses host ports on a node (marathon-model.md §4.4).</summary>
internal static class PortAllocation
{
    /// <summary>The host ports that specs ask for: null entries (no host port) are left out; 0 means any.</summary>
    public static List<int> Wanted(RunSpec spec)
    {
        var wanted = new List<int>(spec.Ports.Count);
        foreach (var port in spec.Ports)
        {
            if (spec.RequirePorts)
            {
                wanted.Add(port.ServicePort);
            }
            else if (port.HostPort is { } host)
            {
                wanted.Add(host);
            }
        }
        return wanted;
    }

    /// <summary>
    /// Ports in the order of <paramref name="wanted"/>; null when the node has not enough. Exact ones must be free; any ones are taken
    /// one after the other from a random start, round the node's ranges, and are never one of the exact ones.
    /// </summary>
    public static ValueList<int>? TryAllocate(
        IReadOnlyList<int> wanted, ValueList<PortRange> ranges, ImmutableSortedSet<int> used, IReadOnlySet<int>? taken, SeededRandom random)
    {
        if (wanted.Count == 0)
        {
            return ValueList<int>.Empty;
        }
        var chosen = new int[wanted.Count];
        var exact = new HashSet<int>();
        for (var i = 0; i < wanted.Count; i++)
        {
            if (wanted[i] != 0)
            {
                if (!InRanges(ranges, wanted[i]) || IsUsed(wanted[i]) || !exact.Add(wanted[i]))
                {
                    return null;
                }
                chosen[i] = wanted[i];
            }
        }
        if (exact.Count == wanted.Count)
        {
            return ValueList.Create<int>(chosen);
        }
        var total = 0;
        foreach (var range in ranges)
        {
            total += range.Count;
        }
        if (total == 0)
        {
            return null;
        }
        var at = random.Next(total);
        var left = total;
        for (var i = 0; i < wanted.Count; i++)
        {
            if (wanted[i] != 0)
            {
                continue;
            }
            int port;
            do
            {
                if (left-- == 0)
                {
                    return null;
                }
                port = PortAt(ranges, at);
                at = (at + 1) % total;
            }
            while (IsUsed(port) || exact.Contains(port));
            chosen[i] = port;
        }
        return ValueList.Create<int>(chosen);

        bool IsUsed(int port) => used.Contains(port) || (taken is not null && taken.Contains(port));
    }

    private static bool InRanges(ValueList<PortRange> ranges, int port)
    {
        foreach (var range in ranges)
        {
            if (range.Contains(port))
            {
                return true;
            }
        }
        return false;
    }

    private static int PortAt(ValueList<PortRange> ranges, int index)
    {
        foreach (var range in ranges)
        {
            if (index < range.Count)
            {
                return range.First + index;
            }
            index -= range.Count;
        }
        return 0;
    }
}
