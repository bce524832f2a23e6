using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Services whose labels HAProxy refuses. They are left out, so that all others go on. Safe for many threads.</summary>
internal sealed partial class RefusedServices
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PortSettings, BalancerWarning> _refused = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<BalancerWarning> Warnings
    {
        get
        {
            lock (_lock)
            {
                return [.. _refused.Values];
            }
        }
    }

    /// <summary>Leaves out the service that a problem is about; false when none is to be found, or it is out already.</summary>
    /// <param name="problem">What HAProxy says of the configuration.</param>
    public bool TryAdd(HaproxyConfiguration configuration, string problem)
    {
        var line = LineNumber().Match(problem);
        if (!line.Success || configuration.ProxyAt(int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture)) is not { Backend: var backend })
        {
            return false;
        }
        lock (_lock)
        {
            return _refused.TryAdd(backend.Settings, new BalancerWarning(backend.ServiceId, null,
                string.Create(CultureInfo.InvariantCulture, $"Port {backend.PortIndex}: HAProxy refuses what its labels ask for, so it is left out: {Place().Replace(problem, "")}")));
        }
    }

    /// <summary>A table without those that still have the same labels; forgets the others.</summary>
    public RoutingTable Without(RoutingTable table, bool marathonLbPaths)
    {
        lock (_lock)
        {
            foreach (var settings in _refused.Keys.Where(settings => !table.Backends.Any(backend => ReferenceEquals(backend.Settings, settings))).ToList())
            {
                _refused.Remove(settings);
            }
            if (_refused.Count == 0)
            {
                return table;
            }
            return new RoutingTable([.. table.Backends.Where(IsAccepted)], new HostRouter(table.Hosts.Rules.Where(rule => IsAccepted(rule.Backend)), marathonLbPaths),
                table.AppIds.Where(app => IsAccepted(app.Value)).ToImmutableDictionary(StringComparer.OrdinalIgnoreCase), table.Warnings);
        }

        bool IsAccepted(Backend backend) => !_refused.ContainsKey(backend.Settings);
    }

    [GeneratedRegex(@"\.cfg:(\d+)\]")]
    private static partial Regex LineNumber();

    [GeneratedRegex(@"\[[^\]]*\.cfg:\d+\] *:? *")]
    private static partial Regex Place();
}
