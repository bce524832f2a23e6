using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Docker;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Images;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Turns the server's order into a container of a Docker daemon. The image's part of it is the daemon's to know.</summary>
internal static class DockerPlan
{
    private static readonly string[] OfNodeNetwork = ["MESOS_CONTAINER_IP", "LIBPROCESS_IP"];

    public static ContainerPlan Make(TaskSpec spec, string containerId, string sandbox, NodeFacts node, string clusterId)
    {
        var docker = spec.Docker;
        var isShell = spec.Command?.KindCase == Command.KindOneofCase.Shell;
        var environment = TaskPlan.Environment(spec, sandbox, ImageRootView.Sandbox, node, clusterId, []);
        environment["MESOS_CONTAINER_NAME"] = DockerRuntime.NameOf(containerId);
        if (docker.Network != DockerSettings.HostNetwork)
        {
            // The daemon chooses the address when the container starts.
            foreach (var name in OfNodeNetwork.Where(name => !spec.Environment.ContainsKey(name)))
            {
                environment.Remove(name);
            }
        }
        return new ContainerPlan(
            containerId,
            spec.TaskId,
            isShell ? ImageCommand.Shell(spec.Command!.Shell) : [.. spec.Command?.Arguments?.Values ?? []],
            environment,
            spec.User.Length == 0 ? null : spec.User,
            sandbox,
            "",
            spec.Resources?.CpuMillis ?? 0,
            TaskPlan.Limit(spec.CpuLimitMillis, spec.Resources?.CpuMillis ?? 0),
            TaskPlan.MemoryLimitBytes(spec),
            TaskPlan.MostProcesses)
        {
            Docker = new DockerSettings(
                DockerImages.Reference(spec.Image.Name),
                docker.Network,
                docker.Privileged,
                isShell,
                [.. docker.Parameters.Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value))],
                spec.Labels,
                [.. spec.Ports.Where(port => port.HostPort > 0).SelectMany(port => port.Protocol
                    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(protocol => new PublishedPort(port.HostPort, port.ContainerPort, protocol)))]),
        };
    }
}
