using Pacer.Contracts.Names;

namespace Pacer.Edge.Dns.Zones;

/// <summary>Services whose ids become the same name: a client can't tell them apart.</summary>
internal sealed record NameCollision(string Label, IReadOnlyList<string> Services);

/// <summary>Finds them as services come and go.</summary>
internal sealed class NameCollisions(LabelRules rules)
{
    private readonly Dictionary<string, SortedDictionary<string, int>> _byLabel = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _colliding = new(StringComparer.Ordinal);

    /// <summary>The list is different from the last one taken.</summary>
    public bool Changed { get; private set; }

    /// <summary>A configuration of a service; each counts.</summary>
    public void Add(string serviceId)
    {
        var label = LabelOf(serviceId);
        if (!_byLabel.TryGetValue(label, out var services))
        {
            _byLabel[label] = services = new SortedDictionary<string, int>(StringComparer.Ordinal);
        }
        services[serviceId] = services.GetValueOrDefault(serviceId) + 1;
        Check(label, services, services[serviceId] == 1);
    }

    public void Remove(string serviceId)
    {
        var label = LabelOf(serviceId);
        if (!_byLabel.TryGetValue(label, out var services))
        {
            return;
        }
        var gone = --services[serviceId] == 0;
        if (gone)
        {
            services.Remove(serviceId);
        }
        Check(label, services, gone);
        if (services.Count == 0)
        {
            _byLabel.Remove(label);
        }
    }

    public IReadOnlyList<NameCollision> List()
    {
        Changed = false;
        return [.. _colliding.Select(label => new NameCollision(label, [.. _byLabel[label].Keys]))];
    }

    private void Check(string label, SortedDictionary<string, int> services, bool membersChanged)
    {
        var collides = services.Count > 1;
        var changed = collides ? _colliding.Add(label) || membersChanged : _colliding.Remove(label);
        Changed |= changed;
    }

    private string LabelOf(string serviceId) => DnsName.Label(DnsName.OfRunSpec(serviceId), rules);
}
