namespace Pacer.Edge.Dns.Zones;

/// <summary>
/// The domains that are ours, and which table name stands behind a name that was asked for: several spellings lead to the same records.
/// </summary>
internal sealed class ZoneSet
{
    public const string Directory = "thisdcos.directory";
    public const string Tasks = "dcos." + Directory;
    public const string VirtualIps = "l4lb." + Directory;

    private const string Global = ".thisdcos.global";
    private const string ClusterDirectory = ".dcos.directory";
    private const string OldVirtualIps = "dclb." + Directory;

    private readonly Zone _mesos;
    private readonly Zone _mesosCopy;
    private readonly Zone[] _others;
    private readonly string _copyOfMesos;
    private string _clusterSuffix = ClusterDirectory;

    public ZoneSet(DnsOptions options)
    {
        var ttl = (uint)options.Ttl;
        var directoryTtl = Math.Min(ttl, 5);
        Domain = options.Domain;
        _copyOfMesos = "mesos." + Directory;
        _mesos = new Zone(options.Domain, "ns1." + options.Domain, "root.ns1." + options.Domain, ttl, retry: 600, minimum: ttl, nsTtl: ttl,
            srvPriority: 0, (ushort)options.SrvWeight, soaInAnswer: false);
        _mesosCopy = InDirectory(_copyOfMesos);
        // The more special first.
        _others = [InDirectory(Tasks), InDirectory(VirtualIps), InDirectory(Directory), InDirectory("zk"), InDirectory("spartan"), InDirectory("localhost")];

        Zone InDirectory(string apex) => new(apex, "ns.spartan", "support.spartan", directoryTtl, retry: 180, minimum: 1, nsTtl: 3600,
            srvPriority: 1, srvWeight: 1, soaInAnswer: true);
    }

    /// <summary>The domain of Mesos-DNS' names.</summary>
    public string Domain { get; }

    public Zone Mesos => _mesos;

    public IEnumerable<Zone> All => [_mesos, _mesosCopy, .. _others];

    /// <summary>The cluster's name in <c>NAME.dcos.directory</c>.</summary>
    public string ClusterName
    {
        set => _clusterSuffix = "." + value + ClusterDirectory;
    }

    /// <summary>
    /// The zone of a lower-case name; null when it is not ours. The name itself is rewritten in place to the one that the table knows.
    /// <paramref name="targetSuffix"/> is put behind targets, so that an answer stays in the asker's zone.
    /// </summary>
    public Zone? Find(Span<char> name, ref int length, out ReadOnlySpan<byte> targetSuffix)
    {
        targetSuffix = [0];
        ReadOnlySpan<char> text = name[..length];
        if (_mesos.Contains(text))
        {
            return _mesos;
        }
        // Most names of the world end here.
        if (!(text.EndsWith(".directory", StringComparison.Ordinal) || text.EndsWith(Global, StringComparison.Ordinal)))
        {
            for (var i = 3; i < _others.Length; i++)
            {
                if (_others[i].Contains(text))
                {
                    return _others[i];
                }
            }
            return null;
        }
        if (text.EndsWith(Global, StringComparison.Ordinal))
        {
            Replace(name, ref length, Global, "." + Directory);
        }
        else if (text.EndsWith(_clusterSuffix, StringComparison.Ordinal) && _clusterSuffix.Length > ClusterDirectory.Length)
        {
            Replace(name, ref length, _clusterSuffix, "." + Directory);
        }
        text = name[..length];
        if (text.EndsWith(OldVirtualIps, StringComparison.Ordinal) && (length == OldVirtualIps.Length || text[^(OldVirtualIps.Length + 1)] == '.'))
        {
            Replace(name, ref length, OldVirtualIps, VirtualIps);
            text = name[..length];
        }
        if (_mesosCopy.Contains(text))
        {
            targetSuffix = "\u0008thisdcos\u0009directory\0"u8;
            length -= _copyOfMesos.Length;
            Domain.CopyTo(name[length..]);
            length += Domain.Length;
            return _mesosCopy;
        }
        foreach (var zone in _others)
        {
            if (zone.Contains(text))
            {
                return zone;
            }
        }
        return null;
    }

    private static void Replace(Span<char> name, ref int length, ReadOnlySpan<char> suffix, ReadOnlySpan<char> by)
    {
        length -= suffix.Length;
        if (length + by.Length > name.Length)
        {
            length = 0; // too long to be a name of ours
            return;
        }
        by.CopyTo(name[length..]);
        length += by.Length;
    }
}
