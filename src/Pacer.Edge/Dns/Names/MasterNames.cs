namespace Pacer.Edge.Dns.Names;

/// <summary>Names of the servers, as Mesos-DNS gives them to masters.</summary>
internal static class MasterNames
{
    /// <summary>Label and address: <c>master0</c> … in the order of configuration, a leader that is not in it next, then <c>master</c> and <c>leader</c>.</summary>
    public static IEnumerable<(string Label, string Address)> Of(IEnumerable<string> configured, string? leader)
    {
        var all = configured.Concat(leader is null ? [] : [leader]).Distinct(StringComparer.Ordinal).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            yield return ($"master{i}", all[i]);
            yield return ("master", all[i]);
        }
        if (leader is not null)
        {
            yield return ("leader", leader);
        }
    }
}
