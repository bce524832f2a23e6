using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Labels;

namespace Pacer.Edge.Balancing.Routes;

/// <summary>
/// Makes a routing table from endpoints and labels. The same endpoints give the same table. Nothing here fails: what can't be done is left
/// out, for that one port, and a warning says so.
/// </summary>
internal sealed class RouteBuilder(RouteOptions options)
{
    private const string LabelPrefix = "HAPROXY_";
    private const string OwnPrefix = "PACER_LB_";

    private static readonly HashSet<string> AppLabels = new(StringComparer.Ordinal)
    {
        "HAPROXY_GROUP", "HAPROXY_DEPLOYMENT_GROUP", "HAPROXY_DEPLOYMENT_ALT_PORT", "HAPROXY_DEPLOYMENT_COLOUR", "HAPROXY_DEPLOYMENT_STARTED_AT",
        "HAPROXY_DEPLOYMENT_TARGET_INSTANCES", "HAPROXY_DEPLOYMENT_NEW_INSTANCES", "HAPROXY_APP_ID", "PACER_LB_WEIGHT", "PACER_LB_SHARE", "PACER_LB_MAINTENANCE", "PACER_LB_DRAIN_SECONDS",
    };

    // A row of the feed never changes, and most rows are in the next table again.
    private static readonly ConditionalWeakTable<EndpointService, ReadLabels> Known = [];

    private readonly List<BalancerWarning> _warnings = [];

    private sealed class ReadLabels
    {
        public Dictionary<(int Port, bool Strict, bool Haproxy), (PortSettings Settings, IReadOnlyList<BalancerWarning> Warnings)> Ports { get; } = [];
    }

    public static RoutingTable Build(EndpointSet endpoints, RouteOptions options) => new RouteBuilder(options).Build(endpoints);

    private RoutingTable Build(EndpointSet endpoints)
    {
        var tasks = endpoints.Tasks.ToLookup(task => task.ServiceId, StringComparer.Ordinal);
        var published = new List<PublishedService>();
        foreach (var configurations in endpoints.Services.GroupBy(service => service.Id, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            // What holds is the newest definition; the tasks are those of all.
            var service = configurations.OrderByDescending(service => service.Current).ThenByDescending(service => service.ConfigVersion, StringComparer.Ordinal).First();
            if (options.Groups.Contains("*") || service.Labels.Keys.Any(label => label.StartsWith(LabelPrefix, StringComparison.Ordinal) || label.StartsWith(OwnPrefix, StringComparison.Ordinal)))
            {
                published.Add(new PublishedService(service, [.. tasks[service.Id].OrderBy(task => task.Id, StringComparer.Ordinal)]));
                WarnOfStrayLabels(service);
            }
        }
        var backends = new List<Backend>();
        foreach (var group in published.GroupBy(service => service.LogicalId, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            backends.AddRange(Backends(group.Key, [.. group], endpoints));
        }
        var listening = Listening(backends);
        return new RoutingTable([.. listening], Hosts(listening), AppIds(listening), [.. _warnings.Distinct()]);
    }

    private IEnumerable<Backend> Backends(string id, List<PublishedService> members, EndpointSet endpoints)
    {
        var group = DeploymentGroup.Of(members);
        foreach (var warning in group.Warnings)
        {
            _warnings.Add(warning);
        }
        var lead = group.Lead.Service;
        for (var index = 0; index < lead.Ports.Count; index++)
        {
            var port = lead.Ports[index];
            if (port.Protocol == "udp")
            {
                continue;
            }
            var (settings, warnings) = Settings(lead, index);
            if (!InGroup(settings.Groups))
            {
                continue;
            }
            _warnings.AddRange(warnings);
            if (!settings.Enabled)
            {
                continue;
            }
            var servers = new List<Server>();
            var numbers = new HashSet<int>();
            var addresses = new HashSet<IPEndPoint>();
            foreach (var (service, draining) in group.Members)
            {
                if (index >= service.Service.Ports.Count)
                {
                    continue; // the shorter list of ports decides
                }
                var weight = Settings(service.Service, index).Settings.ServerWeight;
                foreach (var task in service.Tasks)
                {
                    if (Server(task, service.Service, index, endpoints, draining.Contains(task.Id), numbers) is { } server && addresses.Add(server.Address))
                    {
                        servers.Add(server with { Weight = weight });
                    }
                }
            }
            if (group.Share is { } percent)
            {
                Share(servers, [.. group.Members[^1].Service.Tasks.Select(task => task.Id)], percent);
            }
            var name = ServerNames.OfBackend(id, settings.ListenPort > 0 ? settings.ListenPort : index);
            yield return new Backend(name, id, index, settings,
                [.. servers.OrderBy(server => server.Address.Address.ToString(), StringComparer.Ordinal).ThenBy(server => server.Address.Port)]);
        }
    }

    /// <summary>Gives servers weights with which the newer ones together get so many percent of the requests.</summary>
    private static void Share(List<Server> servers, HashSet<string> newer, int percent)
    {
        var (ofNew, ofOld) = (servers.Count(server => server.Standing == ServerStanding.Up && newer.Contains(server.TaskId)), servers.Count(server => server.Standing == ServerStanding.Up && !newer.Contains(server.TaskId)));
        if (ofNew == 0 || ofOld == 0)
        {
            return; // those that are there get all
        }
        double weightOfNew = percent * ofOld, weightOfOld = (100 - percent) * ofNew;
        var divisor = Math.Max(1, Math.Max(weightOfNew, weightOfOld) / 256);
        for (var i = 0; i < servers.Count; i++)
        {
            var exact = (newer.Contains(servers[i].TaskId) ? weightOfNew : weightOfOld) / divisor;
            servers[i] = servers[i] with { Weight = exact > 0 ? Math.Max(1, (int)Math.Round(exact)) : 0 };
        }
    }

    private (PortSettings Settings, IReadOnlyList<BalancerWarning> Warnings) Settings(EndpointService service, int index)
    {
        var read = Known.GetValue(service, static _ => new ReadLabels());
        lock (read)
        {
            if (!read.Ports.TryGetValue((index, options.Strict, options.Haproxy), out var port))
            {
                var warnings = new List<BalancerWarning>();
                var settings = PortLabels.Read(
                    service.Id, service.Labels, index, service.Ports.Count, service.Ports[index].ServicePort, service.HttpPorts?.Contains(index) == true, options.Strict, options.Haproxy, warnings);
                read.Ports[(index, options.Strict, options.Haproxy)] = port = (settings, warnings);
            }
            return port;
        }
    }

    private bool InGroup(IReadOnlyList<string> groups) => options.Groups.Contains("*") || groups.Any(group => options.Groups.Contains(group));

    private static Server? Server(EndpointTask task, EndpointService service, int index, EndpointSet endpoints, bool givesWay, HashSet<int> numbers)
    {
        if (task.Ports.Find(port => port.Port == index) is not { } port || endpoints.Node(task.NodeId) is not { } node)
        {
            return null;
        }
        IPAddress? address;
        int number;
        if (port.HostPort > 0)
        {
            _ = IPAddress.TryParse(node.Address, out address);
            number = port.HostPort;
        }
        else
        {
            _ = IPAddress.TryParse(task.Addresses.FirstOrDefault(), out address);
            number = port.ContainerPort;
        }
        if (address is null || number is <= 0 or > 65535 || Standing(task, service, givesWay) is not { } standing)
        {
            return null;
        }
        var endpoint = new IPEndPoint(address, number);
        var (name, cookie) = ServerNames.Of(port.HostPort > 0 ? node.Hostname : address.ToString(), endpoint);
        return new Server(name, ServerNames.Number(name, numbers), cookie, task.Id, endpoint, standing.Standing, standing.Reason);
    }

    /// <summary>Null: it has no place behind a balancer.</summary>
    private static (ServerStanding Standing, string? Reason)? Standing(EndpointTask task, EndpointService service, bool givesWay) => task.State switch
    {
        "TASK_RUNNING" or "TASK_UNREACHABLE" or "TASK_LOST" when task.Draining => (ServerStanding.Draining, "it was told to end"),
        "TASK_KILLING" => (ServerStanding.Draining, "it was told to end"),
        "TASK_RUNNING" when service.HealthChecks > 0 && task.Healthy == false => (ServerStanding.Down, "its health checks fail"),
        "TASK_RUNNING" when service.HealthChecks > 0 && task.Healthy is null => (ServerStanding.Down, "its health is not known yet"),
        "TASK_RUNNING" when !task.Ready => (ServerStanding.Down, "it is not ready"),
        "TASK_RUNNING" when givesWay => (ServerStanding.Draining, "a newer version takes its place"),
        "TASK_RUNNING" => (ServerStanding.Up, null),
        "TASK_UNREACHABLE" or "TASK_LOST" => (ServerStanding.Unreachable, "its node is unreachable"),
        _ => null,
    };

    /// <summary>Two services can't listen on one port: the first by id has it.</summary>
    private List<Backend> Listening(List<Backend> backends)
    {
        var owners = new Dictionary<int, List<(string Address, Backend Backend)>>();
        for (var i = 0; i < backends.Count; i++)
        {
            var backend = backends[i];
            if (!backend.Listens)
            {
                continue;
            }
            var port = backend.Settings.ListenPort;
            var address = backend.Settings.BindAddress?.ToString() ?? "*";
            if (options.Taken.TryGetValue(port, out var purpose))
            {
                backends[i] = backend with { Listening = false };
                Warn(backend, $"port {port} is the balancer's own, for {purpose}. HAPROXY_{backend.PortIndex}_PORT chooses another");
                continue;
            }
            if (!owners.TryGetValue(port, out var others))
            {
                owners[port] = others = [];
            }
            if (others.Find(other => other.Address == address || other.Address == "*" || address == "*").Backend is { } owner)
            {
                backends[i] = backend with { Listening = false };
                Warn(backend, $"port {port} is taken by {owner.ServiceId}. HAPROXY_{backend.PortIndex}_PORT chooses another");
                continue;
            }
            others.Add((address, backend));
        }
        return backends;
    }

    private HostRouter Hosts(List<Backend> backends)
    {
        var rules = new List<HostRule>();
        var seen = new Dictionary<(string Host, string Path, bool, int), Backend>();
        foreach (var backend in backends)
        {
            foreach (var host in backend.Settings.Hosts)
            {
                foreach (var path in backend.Settings.Paths.Count > 0 ? backend.Settings.Paths : [""])
                {
                    if (seen.TryGetValue((host, path, backend.Settings.PathsIgnoreCase, backend.Settings.Weight), out var first))
                    {
                        Warn(backend, $"{host}{path} leads to {first.ServiceId} already, which keeps it. Give one of them another HAPROXY_{backend.PortIndex}_VHOST, PATH or BACKEND_WEIGHT");
                        continue;
                    }
                    seen[(host, path, backend.Settings.PathsIgnoreCase, backend.Settings.Weight)] = backend;
                    rules.Add(new HostRule(host, path.Length == 0 ? null : path, backend.Settings.PathsIgnoreCase, backend.Settings.Weight, backend));
                }
            }
        }
        return new HostRouter(rules, options.MarathonLbPaths);
    }

    /// <summary>An app's id leads to its first port that speaks HTTP.</summary>
    private static ImmutableDictionary<string, Backend> AppIds(List<Backend> backends)
    {
        var ids = ImmutableDictionary.CreateBuilder<string, Backend>(StringComparer.OrdinalIgnoreCase);
        foreach (var backend in backends.Where(backend => backend.Settings.Mode == ServiceMode.Http))
        {
            ids.TryAdd(backend.ServiceId, backend);
        }
        return ids.ToImmutable();
    }

    /// <summary>Labels that no port reads.</summary>
    private void WarnOfStrayLabels(EndpointService service)
    {
        foreach (var label in service.Labels.Keys.Order(StringComparer.Ordinal))
        {
            var prefix = label.StartsWith(LabelPrefix, StringComparison.Ordinal) ? LabelPrefix : label.StartsWith(OwnPrefix, StringComparison.Ordinal) ? OwnPrefix : null;
            if (prefix is null || AppLabels.Contains(label))
            {
                continue;
            }
            var rest = label.AsSpan(prefix.Length);
            var end = rest.IndexOf('_');
            if (end <= 0 || !int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                _warnings.Add(new BalancerWarning(service.Id, label, $"{label} is not known; labels of a port have its index, as in {prefix}0_…."));
            }
            else if (index >= service.Ports.Count)
            {
                var has = service.Ports.Count switch { 0 => "no port", 1 => "one port, with index 0", var count => $"ports 0 to {count - 1}" };
                _warnings.Add(new BalancerWarning(service.Id, label, $"{label} has no effect: {service.Id} has {has}."));
            }
            else if (prefix == OwnPrefix && !OwnLabels.Contains(rest[(end + 1)..].ToString()))
            {
                _warnings.Add(new BalancerWarning(service.Id, label, $"{label} is not known."));
            }
        }
    }

    private static readonly HashSet<string> OwnLabels = new(StringComparer.Ordinal) { "BACKEND_PROTOCOL", "MAXCONN", "TIMEOUT", "ACCEPT_PROXY", "SEND_PROXY" };

    private void Warn(Backend backend, string text) => _warnings.Add(new BalancerWarning(backend.ServiceId, null, $"Port {backend.PortIndex}: {text}."));
}
