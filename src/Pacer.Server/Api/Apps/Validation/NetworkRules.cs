using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>Networks and ports (marathon-model.md §4, §5).</summary>
internal static class NetworkRules
{
    public static void Validate(App app, ErrorCollector errors)
    {
        var networks = app.Networks!;
        ValidateNetworks(networks, app.Container?.Type == "DOCKER", errors);
        if (AppDefaults.IsHostMode(app))
        {
            ValidateDefinitions(app.PortDefinitions!, errors);
        }
        else
        {
            errors.Require(app.PortDefinitions is null, "/portDefinitions", "portDefinitions are only allowed with host-networking");
            ValidateMappings(app.Container!.PortMappings!, networks, errors);
        }
    }

    public static void ValidateNetworks(List<Network> networks, bool isDocker, ErrorCollector errors)
    {
        for (var i = 0; i < networks.Count; i++)
        {
            var network = networks[i];
            var path = $"/networks({i})";
            switch (network.Mode)
            {
                case "host":
                    errors.Require(network is { Name: null, Labels: null }, path, "Host networks may not have names or labels");
                    break;
                case "container/bridge":
                    errors.Require(network.Name is null, path, "Bridge networks may not have names");
                    break;
                default:
                    errors.Require(network.Name is not null, path, "Network name must be specified when container network is selected.");
                    // The old ipAddress takes any text as a name; what it becomes must be one.
                    errors.Require(network.Name is not { } name || (name.Length <= 63 && TextPatterns.NetworkName.Matches(name)), $"{path}/name",
                        $"{TextPatterns.NetworkName.Explanation}, 63 at most");
                    break;
            }
        }
        var hosts = networks.Count(n => n.Mode == "host");
        var bridges = networks.Count(n => n.Mode == "container/bridge");
        var containers = networks.Count - hosts - bridges;
        errors.Require(
            (hosts == 1 && networks.Count == 1) || (bridges == 1 && networks.Count == 1) || (hosts == 0 && bridges == 0),
            "/networks", "must be exactly one host network, exactly one bridge network, or container networks only");
        errors.Require(
            networks.Where(n => n.Mode == "container").DistinctBy(n => n.Name, StringComparer.Ordinal).Count() == containers,
            "/networks", "Duplicate networks are not allowed");
        if (isDocker && containers > 1)
        {
            errors.Add("/networks", "may only specify a single container network when using the Docker container engine");
        }
    }

    private static void ValidateDefinitions(List<PortDefinition> definitions, ErrorCollector errors)
    {
        var ports = definitions.Select(d => d.Port!.Value).Where(p => p != 0).ToList();
        errors.Require(ports.Distinct().Count() == ports.Count, "/portDefinitions", "Ports must be unique.");
        RequireUniqueNames(definitions.Select(d => d.Name), "/portDefinitions", errors);
    }

    private static void ValidateMappings(List<PortMapping> mappings, List<Network> networks, ErrorCollector errors)
    {
        RequireUniqueNames(mappings.Select(m => m.Name), "/container/portMappings", errors);
        var names = networks.Select(n => n.Name).OfType<string>().ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < mappings.Count; i++)
        {
            var path = $"/container/portMappings({i})";
            foreach (var name in mappings[i].NetworkNames ?? [])
            {
                errors.Require(names.Contains(name), $"{path}/networkNames", $"'{name}' is none of the app's networks");
            }
            if (networks.Count > 1 && mappings[i].HostPort is not null)
            {
                errors.Require(mappings[i].NetworkNames is { Count: 1 }, path,
                    "must name exactly one network in networkNames when there are several and a hostPort is given");
            }
        }
    }

    private static void RequireUniqueNames(IEnumerable<string?> names, string path, ErrorCollector errors)
    {
        var given = names.OfType<string>().ToList();
        errors.Require(given.Distinct(StringComparer.Ordinal).Count() == given.Count, path, "Port names must be unique.");
    }
}
