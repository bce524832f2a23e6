namespace Pacer.Agent.Networks;

/// <summary>Which address comes next, as pure functions.</summary>
internal static class AddressPool
{
    private const int CandidateLength = 22;

    // Docker, Podman and clouds live elsewhere by default. The later ones are for machines with a route to all of 10.0.0.0/8.
    private static readonly Subnet[] Ranges =
    [
        new(10u << 24 | 66u << 16, 16), new(172u << 24 | 29u << 16, 16), new(192u << 24 | 168u << 16 | 192u << 8, 18),
    ];

    /// <summary>
    /// The next free address of a subnet after <paramref name="last"/>, round the subnet: one that was just given back is the last to
    /// be given out again, so that nobody who still has it in mind reaches another task. Null when all are in use.
    /// </summary>
    public static uint? Next(Subnet subnet, IReadOnlySet<uint> used, uint last)
    {
        var first = subnet.Gateway + 1;
        var end = subnet.Last;
        if (subnet.PrefixLength > 30)
        {
            return null;
        }
        var start = last >= first && last < end - 1 ? last + 1 : first;
        var address = start;
        do
        {
            if (!used.Contains(address))
            {
                return address;
            }
            address = address + 1 < end ? address + 1 : first;
        }
        while (address != start);
        return null;
    }

    /// <summary>
    /// A subnet that no route of the machine touches; null when there is none. Starts at a place of its own for each seed, so that
    /// the agents of one machine rarely ask for the same.
    /// </summary>
    public static Subnet? Choose(IReadOnlyList<Subnet> routes, uint seed)
    {
        foreach (var range in Ranges)
        {
            var count = 1u << (CandidateLength - range.PrefixLength);
            for (var i = 0u; i < count; i++)
            {
                var candidate = new Subnet(range.Base + (((seed % count + i) % count) << (32 - CandidateLength)), CandidateLength);
                if (!routes.Any(candidate.Overlaps))
                {
                    return candidate;
                }
            }
        }
        return null;
    }
}
