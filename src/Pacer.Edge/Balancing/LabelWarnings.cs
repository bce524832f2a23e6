using Pacer.Contracts.Endpoints;
using Pacer.Edge.Balancing.Routes;

namespace Pacer.Edge.Balancing;

/// <summary>What a load balancer will say of the labels of one service, for those who are about to deploy it.</summary>
public static class LabelWarnings
{
    private static readonly string[] Prefixes = ["HAPROXY_", "PACER_LB_"];

    /// <summary>In words for users, each naming its label; empty when all do what they say, or there are none.</summary>
    public static IReadOnlyList<string> Of(EndpointService service)
    {
        if (!service.Labels.Keys.Any(label => Array.Exists(Prefixes, prefix => label.StartsWith(prefix, StringComparison.Ordinal))))
        {
            return [];
        }
        var endpoints = new EndpointSet();
        endpoints.Apply(new EndpointUpdate { Reset = true, Services = [service] });
        var warnings = RouteBuilder.Build(endpoints, new RouteOptions { Groups = ["*"] }).Warnings.Select(warning => warning.Text);
        return service.Labels.Keys.Any(label => label.StartsWith("HAPROXY_", StringComparison.Ordinal) && label.EndsWith("_GROUP", StringComparison.Ordinal) && label != "HAPROXY_DEPLOYMENT_GROUP")
            ? [.. warnings]
            : [.. warnings, "HAPROXY_GROUP is missing: no load balancer publishes the app, but for those of group *"];
    }
}
