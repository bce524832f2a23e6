namespace Pacer.Agent.Images.Registry;

/// <summary>How a node reaches registries.</summary>
/// <param name="Insecure">Registries (host[:port]) whose certificate is not checked and that may speak plain HTTP.</param>
/// <param name="Mirrors">By registry: base addresses that are asked first, in this order.</param>
internal sealed record RegistrySettings(IReadOnlySet<string> Insecure, IReadOnlyDictionary<string, IReadOnlyList<Uri>> Mirrors)
{
    /// <summary>Throws <see cref="AgentException"/> for settings that make no sense.</summary>
    public static RegistrySettings From(AgentOptions options)
    {
        var mirrors = new Dictionary<string, IReadOnlyList<Uri>>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in options.RegistryMirrors)
        {
            var equals = entry.IndexOf('=');
            if (equals <= 0 || !Uri.TryCreate(entry[(equals + 1)..], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                throw new AgentException($"--registry-mirrors: '{entry}' is not valid. Give REGISTRY=URL, such as docker.io=https://mirror.example.com.");
            }
            mirrors[entry[..equals]] = [.. mirrors.GetValueOrDefault(entry[..equals], []), address];
        }
        foreach (var host in options.InsecureRegistries)
        {
            if (host.Length == 0 || host.Contains('/'))
            {
                throw new AgentException($"--insecure-registries: '{host}' is not valid. Give a host and maybe a port, such as registry.local:5000.");
            }
        }
        return new RegistrySettings(options.InsecureRegistries.ToHashSet(StringComparer.OrdinalIgnoreCase), mirrors);
    }

    /// <summary>Base addresses for a registry, in the order to try them.</summary>
    public IReadOnlyList<Uri> Endpoints(string registry)
    {
        var host = registry == ImageName.DockerHub ? "registry-1.docker.io" : registry;
        Uri[] own = IsInsecure(registry) ? [new($"https://{host}"), new($"http://{host}")] : [new($"https://{host}")];
        return [.. Mirrors.GetValueOrDefault(registry, []), .. own];
    }

    /// <summary>Listed, or on this machine (as Docker has it): who listens there needs no certificate.</summary>
    public bool IsInsecure(string host) => Insecure.Contains(host) || IsLoopback(host);

    private static bool IsLoopback(string host) =>
        Uri.TryCreate("http://" + host, UriKind.Absolute, out var address) && address.IsLoopback;
}
