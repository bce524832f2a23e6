using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;
using Pacer.Server.Api.Responses;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// Rewrites the forms of earlier API versions into today's (marathon-model.md §2.3), in place, for complete apps and partial updates.
/// A clash of old and new throws <see cref="ApiException"/> (422 with the clash as message).
/// </summary>
internal static class DeprecatedFields
{
    private static readonly string[] ArchiveSuffixes =
        [".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip", ".tar", ".gz"];

    /// <param name="isUpdate">Partial update: members that are absent stay absent.</param>
    public static void Translate(App app, AppRules rules, bool isUpdate, ErrorCollector errors)
    {
        // Checked before they are gone.
        Check(app, errors);
        TranslateUris(app);
        TranslatePorts(app, errors);
        TranslateNetworks(app, rules);
        // Without a list of ports there will be a single default one. Saying so always makes an answer that is sent back mean no change.
        PointHealthChecksAtFirstPort(app, isUpdate || app.PortDefinitions is not { Count: 0 } || app.Container?.PortMappings is { Count: > 0 });
        foreach (var check in app.ReadinessChecks ?? [])
        {
            check.HttpStatusCodesForReady ??= [200];
        }
    }

    public static bool LooksLikeArchive(string uri)
    {
        var path = uri.AsSpan();
        var query = path.IndexOfAny('?', '#');
        path = query < 0 ? path : path[..query];
        foreach (var suffix in ArchiveSuffixes)
        {
            if (path.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }
        return false;
    }

    private static void Check(App app, ErrorCollector errors)
    {
        var docker = app.Container?.Docker;
        if (docker?.Credential is not null)
        {
            errors.Add("/container/docker/credential", "must be empty: use container.docker.pullConfig");
        }
        var isMesos = "MESOS".Equals(app.Container?.Type, StringComparison.OrdinalIgnoreCase);
        if (isMesos && docker is not null)
        {
            errors.Require(docker.Network is null, "/container/docker/network", "must be empty");
            errors.Require(docker.Parameters is not { Count: > 0 }, "/container/docker/parameters", "must be empty");
            errors.Require(docker.PortMappings is not { Count: > 0 }, "/container/docker/portMappings", "must be empty");
        }
        if (app.IpAddress is not null && app.Ports is { Count: > 0 })
        {
            throw Clash("cannot specify both an IP address and port");
        }
        if (app.IpAddress?.Discovery?.Ports is { Count: > 0 } && docker is not null && !isMesos)
        {
            errors.Add("/ipAddress/discovery", "ipAddress/discovery is not allowed for Docker containers");
        }
    }

    private static void TranslateUris(App app)
    {
        if (app.Uris is not { } uris)
        {
            return;
        }
        if (uris.Count > 0 && app.Fetch is { Count: > 0 })
        {
            throw Clash("uris may not be set in conjunction with fetch: move them all to fetch");
        }
        if (app.Fetch is not { Count: > 0 })
        {
            app.Fetch = uris.ConvertAll(uri => new Artifact { Uri = uri, Extract = LooksLikeArchive(uri) });
        }
        app.Uris = null;
    }

    private static void TranslatePorts(App app, ErrorCollector errors)
    {
        if (app.Ports is not { } ports)
        {
            return;
        }
        var assigned = ports.Where(port => port != 0).ToList();
        errors.Require(assigned.Distinct().Count() == assigned.Count, "/ports", "ports must be unique");
        if (app.PortDefinitions is null)
        {
            app.PortDefinitions = ports.ConvertAll(port => new PortDefinition { Port = port });
        }
        else if (!app.PortDefinitions.Select(definition => definition.Port ?? 0).SequenceEqual(ports))
        {
            throw Clash("cannot specify both ports and port definitions: remove ports");
        }
    }

    private static void TranslateNetworks(App app, AppRules rules)
    {
        var dockerNetwork = EnumTexts.Canonical(app.Container?.Docker?.Network, EnumTexts.DockerNetworks);
        MoveDockerPortMappings(app);
        var ip = app.IpAddress;
        if (app.Networks is { Count: > 0 })
        {
            if (dockerNetwork is not null)
            {
                throw Clash("must not specify both container.docker.network and networks");
            }
            if (ip is not null)
            {
                throw Clash("must not specify both networks and ipAddress");
            }
        }
        var isLegacy = dockerNetwork is not null || ip is not null;
        if (isLegacy)
        {
            app.Networks = [dockerNetwork switch
            {
                "HOST" => new Network { Mode = "host" },
                "BRIDGE" => new Network { Mode = "container/bridge" },
                "NONE" => throw Clash("unsupported docker network type NONE"),
                _ when ip?.NetworkName is { } name && name == rules.BridgeName => new Network { Mode = "container/bridge" },
                _ => new Network { Mode = "container", Name = ip?.NetworkName ?? rules.DefaultNetworkName, Labels = ip?.Labels },
            }];
        }
        if (ip is not null && dockerNetwork is null)
        {
            app.Container ??= new Container { Type = "MESOS" };
        }
        if (ip?.Discovery?.Ports is { Count: > 0 } discovered)
        {
            app.Container ??= new Container { Type = "MESOS" };
            app.Container.PortMappings ??= discovered.ConvertAll(port => new PortMapping
            {
                ContainerPort = port.Number ?? 0,
                Name = port.Name,
                Protocol = port.Protocol,
                Labels = port.Labels,
            });
        }
        app.IpAddress = null;
        MoveLegacyPortsToMappings(app, isLegacy);
    }

    private static void MoveDockerPortMappings(App app)
    {
        if (app.Container?.Docker is not { } docker)
        {
            return;
        }
        if (docker.PortMappings is { Count: > 0 } && app.Container.PortMappings is { Count: > 0 })
        {
            throw Clash("cannot specify both container.docker.portMappings and container.portMappings");
        }
        if (docker.PortMappings is { Count: > 0 } || app.Container.PortMappings is null)
        {
            app.Container.PortMappings = docker.PortMappings;
        }
        docker.PortMappings = null;
        docker.Network = null;
    }

    // Off the host's network an old-style port list only says how many ports there are.
    private static void MoveLegacyPortsToMappings(App app, bool isLegacyNetwork)
    {
        var isLegacy = isLegacyNetwork || app.Ports is not null;
        app.Ports = null;
        if (!isLegacy || app.PortDefinitions is not { } definitions || app.Networks is not { Count: > 0 } networks
            || "host".Equals(networks[0].Mode, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }
        if (definitions.Count > 0)
        {
            app.Container ??= new Container { Type = "MESOS" };
            app.Container.PortMappings ??= [];
            while (app.Container.PortMappings.Count < definitions.Count)
            {
                app.Container.PortMappings.Add(new PortMapping());
            }
        }
        app.PortDefinitions = null;
    }

    private static void PointHealthChecksAtFirstPort(App app, bool hasPorts)
    {
        foreach (var check in app.HealthChecks ?? [])
        {
            if (hasPorts && check is { Port: null, PortIndex: null, Command: null }
                && !"COMMAND".Equals(check.Protocol, StringComparison.OrdinalIgnoreCase))
            {
                check.PortIndex = 0;
            }
        }
    }

    private static ApiException Clash(string message) => new(ApiErrors.Unprocessable(message));
}
