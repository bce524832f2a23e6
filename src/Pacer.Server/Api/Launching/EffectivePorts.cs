using Pacer.Core.Model;
using Pacer.Server.Api.Apps;

namespace Pacer.Server.Api.Launching;

/// <summary>One port of a task as it is in the end.</summary>
/// <param name="Declared">The number in the definition: container port of a mapping, service port on the host's network; 0: none.</param>
/// <param name="HostPort">Port of the node; null when none is taken.</param>
/// <param name="ContainerPort">Where the process listens: never 0.</param>
/// <param name="Generated">The number was made up: neither the node nor the definition gave one.</param>
internal sealed record EffectivePort(int Declared, int? HostPort, int ContainerPort, bool Generated, string Protocol, string? Name)
{
    /// <summary>The node's port, else the container's.</summary>
    public int Effective => HostPort ?? ContainerPort;
}

internal static class EffectivePorts
{
    private const int FirstGenerated = 1025;
    private const int LastPort = 65535;

    /// <summary>In the definition's order, all of them. Numbers that must be made up derive from the task's id, so that a repeated order equals the first.</summary>
    public static IReadOnlyList<EffectivePort> Resolve(RunSpec spec, Placement placement, TaskId taskId)
    {
        var isHostMode = AppDefaults.IsHostMode(AppRendering.Read(spec));
        var ports = new List<EffectivePort>(spec.Ports.Count);
        var used = spec.Ports.Select(port => port.ContainerPort).Concat(placement.HostPorts).ToHashSet();
        var nextHostPort = 0;
        foreach (var port in spec.Ports)
        {
            int? hostPort = port.HostPort is null || nextHostPort >= placement.HostPorts.Count ? null : placement.HostPorts[nextHostPort++];
            var generated = hostPort is null && port.ContainerPort == 0;
            var containerPort = port.ContainerPort != 0 ? port.ContainerPort : hostPort ?? Generate(taskId, used);
            ports.Add(new EffectivePort(
                isHostMode ? port.ServicePort : port.ContainerPort, hostPort, containerPort, generated, port.Protocol, port.Name));
        }
        return ports;
    }

    private static int Generate(TaskId taskId, HashSet<int> used)
    {
        // FNV-1a: the same on every machine and in every process.
        var hash = 14695981039346656037UL;
        foreach (var c in taskId.Value)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }
        var port = FirstGenerated + (int)(hash % (LastPort - FirstGenerated + 1));
        while (!used.Add(port))
        {
            port = port == LastPort ? FirstGenerated : port + 1;
        }
        return port;
    }
}
