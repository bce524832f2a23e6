using Pacer.Edge.Balancing.Labels;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>Writes configurations that HAProxy takes: without ports that somebody else has, and without certificates and services that it refuses.</summary>
/// <param name="setup">What holds at the moment a configuration is written.</param>
internal sealed class ConfigurationWriter(HaproxyProcess process, HaproxyDirectory directory, Func<HaproxySetup> setup)
{
    private readonly UnavailablePorts _ports = new();
    private readonly RefusedServices _services = new();
    private readonly RefusedCertificates _certificates = new();

    /// <summary>What was left out, and why.</summary>
    public IEnumerable<BalancerWarning> Warnings => [.. _certificates.Warnings, .. _services.Warnings, .. _ports.Warnings];

    /// <summary>A port that somebody else had may be free by now.</summary>
    public bool WaitsForPorts => _ports.Warnings.Count > 0;

    /// <param name="running">What runs; null: nothing that is known.</param>
    /// <param name="held">Binds that HAProxy has.</param>
    public HaproxyConfiguration Render(RoutingTable table, HaproxyConfiguration? running, IReadOnlySet<string> held)
    {
        var now = setup() with { Directory = directory.Path };
        now = now with { Certificates = _certificates.Accepted(now.Certificates) };
        table = _services.Without(table, now.MarathonLbPaths);
        return HaproxyRenderer.Render(table, now with { Unavailable = _ports.Probe(table, now, held) }, running?.Proxies.ToDictionary(proxy => proxy.Name, proxy => proxy.Slots));
    }

    /// <summary>Writes what HAProxy is to load next. Returns that, and what is wrong with it as a whole; null: nothing.</summary>
    public async Task<(HaproxyConfiguration Configuration, string? Problem)> WriteAsync(string file, RoutingTable table, HaproxyConfiguration? running, IReadOnlySet<string> held)
    {
        while (true)
        {
            var configuration = Render(table, running, held);
            directory.Write(configuration, file);
            var problem = await process.CheckAsync(file);
            if (problem is null || !(_certificates.TryAdd(configuration, problem) || _services.TryAdd(configuration, problem)))
            {
                return (configuration, problem);
            }
        }
    }
}
