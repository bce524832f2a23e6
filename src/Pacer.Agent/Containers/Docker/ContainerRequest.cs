using System.Globalization;
using Pacer.Agent.Containers.Oci;

namespace Pacer.Agent.Containers.Docker;

/// <summary>From a plan to what the Engine is asked to create. Pure but for files that parameters name.</summary>
internal static class ContainerRequest
{
    public const string AgentLabel = "pacer.agent";
    public const string ContainerLabel = "pacer.container";
    public const string TaskLabel = "pacer.task";

    private const long CpuPeriodMicroseconds = 100_000;
    private const long LeastShares = 2;

    /// <summary>The daemon's own copy of a log is for the agent to catch up with; the sandbox has the whole.</summary>
    private static readonly Dictionary<string, string> LogBounds = new() { ["max-size"] = "16m", ["max-file"] = "2" };

    /// <exception cref="ContainerStartException">A parameter can't be used; the message names it.</exception>
    public static CreateContainer Of(ContainerPlan plan, DockerSettings docker, string agentId)
    {
        var request = new CreateContainer
        {
            Image = docker.Image,
            Env = [.. plan.Environment.Select(entry => $"{entry.Key}={entry.Value}")],
            User = plan.User,
            Labels = new Dictionary<string, string>(docker.Labels, StringComparer.Ordinal)
            {
                [AgentLabel] = agentId,
                [ContainerLabel] = plan.ContainerId,
                [TaskLabel] = plan.TaskId,
            },
            HostConfig = new HostConfig
            {
                NetworkMode = docker.Network,
                Privileged = docker.Privileged,
                Binds = [.. Binds(plan).Distinct(StringComparer.Ordinal)],
                CpuShares = Math.Max(LeastShares, plan.CpuMillis * 1024 / 1000),
                PidsLimit = plan.PidsLimit,
                Memory = plan.MemoryLimitBytes,
                // Equal: no swap on top, as for every other container.
                MemorySwap = plan.MemoryLimitBytes,
                LogConfig = new LogConfig("json-file", LogBounds),
            },
        };
        if (plan.CpuLimitMillis is { } cap)
        {
            request.HostConfig.CpuPeriod = CpuPeriodMicroseconds;
            request.HostConfig.CpuQuota = Math.Max(1000, cap * CpuPeriodMicroseconds / 1000);
        }
        if (docker.IsShell)
        {
            request.Entrypoint = [plan.Arguments[0]];
            request.Cmd = [.. plan.Arguments.Skip(1)];
        }
        else if (plan.Arguments.Count > 0)
        {
            request.Cmd = [.. plan.Arguments];
        }
        if (plan.GpuNames.Count > 0)
        {
            request.HostConfig.DeviceRequests = [new DeviceRequest { DeviceIds = [.. plan.GpuNames], Capabilities = [["gpu"]] }];
        }
        request.HostConfig.Mounts = Volumes(plan) is { Count: > 0 } volumes ? volumes : null;
        AddPorts(request, docker);
        foreach (var (key, value) in docker.Parameters)
        {
            DockerParameters.Apply(request, key, value);
        }
        return request;
    }

    private static IEnumerable<string> Binds(ContainerPlan plan) =>
    [
        $"{plan.Sandbox}:{ImageRootView.Sandbox}",
        .. plan.Mounts.Where(mount => mount.DockerDriver is null).Select(mount => ImageRootView.InImage(mount, plan.Sandbox)).OrderBy(mount => mount.Destination.Length)
            .Select(mount => $"{mount.Source}:{mount.Destination}{(mount.ReadOnly ? ":ro" : "")}"),
    ];

    private static List<MountPoint> Volumes(ContainerPlan plan) =>
    [
        .. plan.Mounts.Where(mount => mount.DockerDriver is not null).Select(mount => ImageRootView.InImage(mount, plan.Sandbox))
            .Select(mount => new MountPoint("volume", mount.Source, mount.Destination, mount.ReadOnly)
            {
                VolumeOptions = new VolumeOptions(new VolumeDriver(mount.DockerDriver!)),
            }),
    ];

    private static void AddPorts(CreateContainer request, DockerSettings docker)
    {
        if (docker.Network == DockerSettings.HostNetwork || docker.Ports.Count == 0)
        {
            return;
        }
        request.ExposedPorts = [];
        request.HostConfig.PortBindings = [];
        foreach (var port in docker.Ports)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{port.ContainerPort}/{port.Protocol}");
            request.ExposedPorts[name] = new Nothing();
            if (!request.HostConfig.PortBindings.TryGetValue(name, out var bindings))
            {
                request.HostConfig.PortBindings[name] = bindings = [];
            }
            bindings.Add(new PortBinding("", port.HostPort.ToString(CultureInfo.InvariantCulture)));
        }
    }
}
