namespace Pacer.Core.Model;

/// <summary>Arithmetic on lists of port ranges.</summary>
public static class PortRanges
{
    /// <summary>What is left of <paramref name="ranges"/> without the ports of <paramref name="without"/>, in ascending order.</summary>
    public static ValueList<PortRange> Subtract(ValueList<PortRange> ranges, IEnumerable<PortRange> without)
    {
        var left = new List<PortRange>(ranges);
        foreach (var gap in without)
        {
            var rest = new List<PortRange>(left.Count + 1);
            foreach (var range in left)
            {
                if (gap.First > range.Last || gap.Last < range.First)
                {
                    rest.Add(range);
                    continue;
                }
                if (gap.First > range.First)
                {
                    rest.Add(range with { Last = gap.First - 1 });
                }
                if (gap.Last < range.Last)
                {
                    rest.Add(range with { First = gap.Last + 1 });
                }
            }
            left = rest;
        }
        left.Sort(static (a, b) => a.First.CompareTo(b.First));
        return ValueList.From(left);
    }

    /// <summary>Whether every port of <paramref name="inner"/> is in one of <paramref name="outer"/>.</summary>
    public static bool Contain(IEnumerable<PortRange> outer, ValueList<PortRange> inner) => Subtract(inner, outer).IsEmpty;
}
