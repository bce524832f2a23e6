using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Gpus;

/// <summary>What a container has of the node's GPUs. Pure but for a look which files the driver has.</summary>
internal static class GpuPlan
{
    private const string Visible = "NVIDIA_VISIBLE_DEVICES";
    private const string LibraryPath = "LD_LIBRARY_PATH";

    /// <param name="given">The task's own.</param>
    /// <param name="isolated">Its runtime keeps it from the node's other devices.</param>
    public static ContainerPlan Apply(ContainerPlan plan, TaskSpec spec, NodeGpus node, IReadOnlyList<GpuDevice> given, bool isolated)
    {
        if (given.Count == 0)
        {
            // Images for CUDA say "all", which a daemon with NVIDIA's runtime would take at its word.
            return plan.Docker is null || node.Devices.Count == 0 || spec.Environment.ContainsKey(Visible) ? plan : plan with { Environment = With(plan, (Visible, "void")) };
        }
        var names = string.Join(',', given.Select(gpu => gpu.Name));
        if (plan.Docker is not null)
        {
            // The daemon gives the devices and the driver's files.
            return plan with { Environment = With(plan, (Visible, names)), GpuNames = [.. given.Select(gpu => gpu.Name)] };
        }
        if (!isolated)
        {
            // All that can be done: CUDA takes no others by itself.
            return plan with { Environment = With(plan, (Visible, names), ("CUDA_VISIBLE_DEVICES", names)) };
        }
        var devices = plan with { Environment = With(plan, (Visible, names)), Devices = [.. given.Select(gpu => gpu.Node), .. node.ControlNodes()] };
        return plan.Image is null ? devices : WithDriver(devices, spec, node);
    }

    private static ContainerPlan WithDriver(ContainerPlan plan, TaskSpec spec, NodeGpus node)
    {
        var files = DriverFiles.Of(node.Root);
        if (files.Count == 0)
        {
            return plan;
        }
        var path = plan.Environment.GetValueOrDefault(LibraryPath) ?? "";
        return plan with
        {
            Mounts = [.. plan.Mounts, .. files.Where(file => plan.Mounts.All(mount => mount.Destination != file.Destination))],
            Environment = spec.Environment.ContainsKey(LibraryPath) || path.Split(':').Contains(DriverFiles.Libraries)
                ? plan.Environment
                : With(plan, (LibraryPath, path.Length > 0 ? $"{path}:{DriverFiles.Libraries}" : DriverFiles.Libraries)),
        };
    }

    private static Dictionary<string, string> With(ContainerPlan plan, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var environment = new Dictionary<string, string>(plan.Environment, StringComparer.Ordinal);
        foreach (var (name, value) in more)
        {
            environment[name] = value;
        }
        return environment;
    }
}
