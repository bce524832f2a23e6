using System.Globalization;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Node;

/// <summary>Ports that a node offers, as written in <see cref="AgentOptions.Ports"/>.</summary>
internal static class PortRanges
{
    /// <summary>Parses <c>31000-32000,33000</c> into sorted ranges. Throws <see cref="AgentException"/> naming the part that is wrong.</summary>
    public static IReadOnlyList<PortRange> Parse(string text)
    {
        var ranges = new List<PortRange>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var dash = part.IndexOf('-');
            var first = ParsePort(dash < 0 ? part : part[..dash].Trim(), part);
            var last = dash < 0 ? first : ParsePort(part[(dash + 1)..].Trim(), part);
            if (first > last)
            {
                throw new AgentException($"--ports: the range '{part}' ends before it begins.");
            }
            ranges.Add(new PortRange { First = first, Last = last });
        }
        ranges.Sort((a, b) => a.First.CompareTo(b.First));
        for (var i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].First <= ranges[i - 1].Last)
            {
                throw new AgentException($"--ports: the ranges {Text(ranges[i - 1])} and {Text(ranges[i])} overlap.");
            }
        }
        return ranges;
    }

    private static string Text(PortRange range) => string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}");

    private static int ParsePort(string text, string part) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? port
            : throw new AgentException($"--ports: '{part}' is not a port or a range of ports from 1 to 65535, like 31000-32000.");
}
