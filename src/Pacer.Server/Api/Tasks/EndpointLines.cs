using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Tasks;

/// <summary>The text form that load-balancer scripts read: a line for each service port with the places behind it (marathon-api.md §6.1).</summary>
internal static class EndpointLines
{
    /// <summary>Whether the client asks for text. JSON is preferred wherever it leaves the choice.</summary>
    public static bool AreWanted(HttpContext http)
    {
        var accepted = http.Request.GetTypedHeaders().Accept;
        return accepted.Any(type => type.MatchesMediaType("text/plain"))
            && !accepted.Any(type => type.MatchesMediaType("application/json"));
    }

    public static byte[] Render(ClusterState state, IEnumerable<RunSpec> apps)
    {
        var text = new StringBuilder();
        foreach (var app in apps)
        {
            var running = state.InstancesOf(app.Id).Values
                .Where(instance => instance is { Condition: Condition.Running, Placement: not null }).ToList();
            if (app.Ports.IsEmpty)
            {
                text.Append(app.Id.SafePath).Append("\t \t");
                foreach (var instance in running)
                {
                    text.Append(instance.Placement!.Hostname).Append('\t');
                }
                text.Append('\n');
                continue;
            }
            var hostPort = 0;
            foreach (var port in app.Ports)
            {
                text.Append(app.Id.SafePath).Append('\t').Append(port.ServicePort.ToString(CultureInfo.InvariantCulture)).Append('\t');
                if (port.HostPort is not null)
                {
                    AppendPlaces(text, running, hostPort);
                    hostPort++;
                }
                text.Append('\n');
            }
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void AppendPlaces(StringBuilder text, List<Instance> running, int hostPort)
    {
        foreach (var instance in running)
        {
            // Launched from a version with fewer ports: nothing listens there.
            if (hostPort < instance.Placement!.HostPorts.Count)
            {
                text.Append(CultureInfo.InvariantCulture, $"{instance.Placement.Hostname}:{instance.Placement.HostPorts[hostPort]}\t");
            }
        }
    }
}
