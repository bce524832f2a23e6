using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Pacer.Edge.Balancing.Routes;

/// <summary>Finds the backend of a host and a path.</summary>
internal sealed class HostRouter
{
    public static readonly HostRouter Empty = new([], false);

    private readonly FrozenDictionary<string, HostRule[]> _exact;
    private readonly HostRule[] _wild;
    private readonly bool _anyEnd;

    /// <param name="marathonLbPaths">See <see cref="RouteOptions.MarathonLbPaths"/>.</param>
    public HostRouter(IEnumerable<HostRule> rules, bool marathonLbPaths)
    {
        _anyEnd = marathonLbPaths;
        var ordered = rules.OrderByDescending(rule => rule.Weight);
        if (!marathonLbPaths)
        {
            ordered = ordered.ThenByDescending(rule => rule.Path?.Length ?? 0);
        }
        Rules = [.. ordered.ThenBy(rule => rule.Backend.ServiceId, StringComparer.Ordinal).ThenBy(rule => rule.Backend.Settings.ListenPort).ThenBy(rule => rule.Backend.PortIndex)];
        _exact = Rules.Where(rule => !IsWild(rule)).GroupBy(rule => rule.Host, StringComparer.Ordinal).ToFrozenDictionary(group => group.Key, group => group.ToArray(), StringComparer.OrdinalIgnoreCase);
        _wild = [.. Rules.Where(IsWild).OrderByDescending(rule => rule.Host.Length)]; // stable: rules of one host keep their order
    }

    /// <summary>In the order they are asked.</summary>
    public ImmutableArray<HostRule> Rules { get; }

    /// <param name="host">May have a port, which does not matter.</param>
    /// <param name="path">Begins with a slash.</param>
    public HostRule? Find(ReadOnlySpan<char> host, ReadOnlySpan<char> path)
    {
        host = WithoutPort(host);
        if (_exact.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(host, out var rules))
        {
            foreach (var rule in rules)
            {
                if (Matches(rule, path))
                {
                    return rule;
                }
            }
        }
        foreach (var rule in _wild)
        {
            if (Covers(rule.Host, host) && Matches(rule, path))
            {
                return rule;
            }
        }
        return null;
    }

    public static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> host)
    {
        var colon = host.LastIndexOf(':');
        if (colon >= 0 && host.LastIndexOf(']') < colon)
        {
            host = host[..colon];
        }
        return host.Length > 0 && host[^1] == '.' ? host[..^1] : host;
    }

    public static bool Covers(string wild, ReadOnlySpan<char> host) =>
        wild == "*" || (host.Length > wild.Length - 1 && host.EndsWith(wild.AsSpan(1), StringComparison.OrdinalIgnoreCase));

    private static bool IsWild(HostRule rule) => rule.Host.StartsWith('*');

    private bool Matches(HostRule rule, ReadOnlySpan<char> path)
    {
        if (rule.Path is not { } prefix)
        {
            return true;
        }
        if (!path.StartsWith(prefix, rule.IgnoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
        {
            return false;
        }
        return _anyEnd || path.Length == prefix.Length || prefix[^1] == '/' || path[prefix.Length] == '/';
    }
}
