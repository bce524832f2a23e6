using System.Net;
using System.Net.Sockets;
using Pacer.Contracts.Endpoints;
using Pacer.Contracts.Names;

namespace Pacer.Contracts.Vips;

/// <summary>All virtual IPs of a cluster, worked out from rows of the endpoints feed. Pure: the same rows give the same table everywhere.</summary>
public sealed class VipTable
{
    /// <summary>The domain of named virtual IPs.</summary>
    public const string Domain = "l4lb.thisdcos.directory";

    private VipTable(IReadOnlyList<Vip> vips, IReadOnlyList<VipWarning> warnings)
    {
        Vips = vips;
        Warnings = warnings;
    }

    public static VipTable Empty { get; } = new([], []);

    /// <summary>In order: names, then addresses, each by protocol and port.</summary>
    public IReadOnlyList<Vip> Vips { get; }

    public IReadOnlyList<VipWarning> Warnings { get; }

    /// <param name="services">All, or those with labels for virtual IPs.</param>
    /// <param name="tasksOf">The tasks of a service, by its key.</param>
    /// <param name="nodeOf">A node by id; null when it is unknown.</param>
    public static VipTable Of(
        EndpointCluster cluster,
        IEnumerable<EndpointService> services,
        Func<string, IEnumerable<EndpointTask>> tasksOf,
        Func<string, EndpointNode?> nodeOf)
    {
        var drafts = new Dictionary<(string Target, string Protocol, int Port), Draft>();
        var warnings = new SortedSet<(string Service, string Text)>();
        foreach (var service in services.Where(VipLabel.Has).OrderBy(service => service.Key, StringComparer.Ordinal))
        {
            var tasks = tasksOf(service.Key).OrderBy(task => task.Id, StringComparer.Ordinal).ToList();
            foreach (var (port, protocol, label) in VipLabel.Of(service, text => warnings.Add((service.Id, text))))
            {
                var target = label.Address?.ToString() ?? "/" + NameOf(label.Name!);
                var key = (target, protocol, label.Port);
                if (!drafts.TryGetValue(key, out var draft))
                {
                    drafts[key] = draft = new Draft(label);
                }
                draft.Names.TryAdd(label.Name ?? "", service.Id);
                draft.Services.Add(service.Id);
                draft.Backends.AddRange(tasks.SelectMany(task => BackendsOf(task, service, port, nodeOf(task.NodeId))));
            }
        }
        return Finish(cluster, drafts, warnings);
    }

    private static VipTable Finish(EndpointCluster cluster, Dictionary<(string Target, string Protocol, int Port), Draft> drafts, SortedSet<(string, string)> warnings)
    {
        var range = VipRange.TryParse(cluster.VipRange, out var given) ? given : VipRange.Default;
        var framework = DnsName.Fragment(cluster.Framework.Replace("/", "", StringComparison.Ordinal));
        var addresses = range.Assign(
            drafts.Values.Where(draft => draft.Label.Name is not null).Select(draft => NameOf(draft.Label.Name!)),
            drafts.Values.Select(draft => draft.Label.Address).OfType<IPAddress>());
        var vips = new List<Vip>(drafts.Count);
        foreach (var ((_, protocol, port), draft) in drafts
            .OrderBy(entry => entry.Value.Label.Address is not null).ThenBy(entry => entry.Key.Target, StringComparer.Ordinal)
            .ThenBy(entry => entry.Key.Protocol, StringComparer.Ordinal).ThenBy(entry => entry.Key.Port))
        {
            var mangled = draft.Label.Name is { } name ? NameOf(name) : null;
            var dns = mangled is null ? null : $"{mangled}.{framework}.{Domain}";
            if (draft.Names.Count > 1)
            {
                foreach (var (other, service) in draft.Names)
                {
                    warnings.Add((service, $"the virtual IP /{other} has the same DNS name {dns} as {string.Join(", ", draft.Names.Keys.Where(one => one != other).Order(StringComparer.Ordinal).Select(one => "/" + one))}, so they are one; rename it"));
                }
            }
            if (dns?.Length > 253 || dns?.Split('.').Any(part => part.Length > 63) == true)
            {
                warnings.Add((draft.Services.Min!, $"the virtual IP /{draft.Label.Name} has a name that is too long for DNS; shorten it"));
            }
            vips.Add(new Vip
            {
                Name = draft.Label.Name,
                DnsName = dns,
                Candidates = mangled is null ? [draft.Label.Address!] : [addresses[mangled].V4, addresses[mangled].V6],
                Protocol = protocol,
                Port = port,
                Services = [.. draft.Services],
                Backends = [.. draft.Backends.Distinct().Where(backend => draft.Label.Address is null || backend.Address.AddressFamily == draft.Label.Address.AddressFamily)],
            });
        }
        return new VipTable(vips, [.. warnings.Select(warning => new VipWarning(warning.Item1, warning.Item2))]);
    }

    // A slash in it is dropped, as DC/OS does.
    private static string NameOf(string name) => DnsName.Fragment(name.Replace("/", "", StringComparison.Ordinal));

    private static IEnumerable<VipBackend> BackendsOf(EndpointTask task, EndpointService service, int port, EndpointNode? node)
    {
        var place = task.Ports.Find(candidate => candidate.Port == port);
        if (place is null || node is null || task.State is not ("TASK_RUNNING" or "TASK_KILLING") || !IPAddress.TryParse(node.Address, out var nodeAddress))
        {
            yield break;
        }
        var flaw = FlawOf(task, service, node);
        var own = OwnAddresses(task, service, port, nodeAddress);
        if (place.HostPort > 0)
        {
            var inside = own.Find(address => address.AddressFamily == nodeAddress.AddressFamily);
            yield return new VipBackend(task.Id, task.ServiceId, task.NodeId, nodeAddress, place.HostPort,
                inside ?? nodeAddress, inside is null || place.ContainerPort == 0 ? place.HostPort : place.ContainerPort, flaw);
        }
        else if (place.ContainerPort > 0)
        {
            // One of each kind: a task is not to get more than its share because it is on several networks.
            foreach (var address in own.DistinctBy(address => address.AddressFamily))
            {
                yield return new VipBackend(task.Id, task.ServiceId, task.NodeId, address, place.ContainerPort, address, place.ContainerPort, flaw);
            }
        }
    }

    private static string? FlawOf(EndpointTask task, EndpointService service, EndpointNode node) =>
        task.Draining || task.State == "TASK_KILLING" ? "it is being ended"
        : !task.Ready ? "it is not ready yet"
        : service.HealthChecks > 0 && task.Healthy != true ? (task.Healthy is null ? "its health is not known yet" : "it is unhealthy")
        : node.State == "lost" ? "its node is lost"
        : null;

    private static List<IPAddress> OwnAddresses(EndpointTask task, EndpointService service, int port, IPAddress node)
    {
        var own = new List<IPAddress>();
        if (!service.Networks.Exists(network => network.Mode != "host"))
        {
            return own;
        }
        foreach (var text in task.Addresses)
        {
            if (IPAddress.TryParse(text, out var address) && !address.Equals(node))
            {
                own.Add(address);
            }
        }
        // With one address a network, the port's own network is known.
        if (service.Ports[port].NetworkNames is { Count: 1 } only && own.Count == service.Networks.Count
            && service.Networks.FindIndex(network => network.Name == only[0]) is >= 0 and var index)
        {
            return [own[index]];
        }
        return own;
    }

    private sealed record Draft(VipLabel Label)
    {
        public SortedDictionary<string, string> Names { get; } = new(StringComparer.Ordinal);

        public SortedSet<string> Services { get; } = new(StringComparer.Ordinal);

        public List<VipBackend> Backends { get; } = [];
    }
}
