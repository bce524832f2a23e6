using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Agents;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Pods;
using AgentHealthCheck = Pacer.Contracts.AgentLink.HealthCheck;
using AgentResources = Pacer.Contracts.AgentLink.Resources;

namespace Pacer.Server.Api.Launching;

/// <summary>Translates a placed instance of a pod into the order that its agent carries out: a task for each container.</summary>
internal static class PodLaunchBuilder
{
    /// <exception cref="LaunchRefusedException">A secret can't be had.</exception>
    public static LaunchInstance Build(RunSpec spec, Instance instance, AppRules rules, SecretReader secrets)
    {
        var pod = PodRendering.Read(spec);
        var placement = instance.Placement
            ?? throw new InvalidOperationException($"instance {instance.Id} has no place and can't be launched");
        var ports = PodInstanceRendering.HostPorts(placement, spec);
        var order = new LaunchInstance { InstanceId = instance.Id.Value };
        foreach (var container in pod.Containers!)
        {
            order.Tasks.Add(ToTask(spec, pod, container, instance, placement, ports, rules, secrets));
        }
        return order;
    }

    private static TaskSpec ToTask(
        RunSpec spec, Pod pod, PodContainer container, Instance instance, Placement placement, Dictionary<string, int> ports, AppRules rules,
        SecretReader secrets)
    {
        var taskId = TaskId.Create(instance.Id, container.Name!, instance.Incarnation);
        var resources = PodConversion.Resources(container);
        var task = new TaskSpec
        {
            TaskId = taskId.Value,
            RunSpecId = spec.Id.Path,
            RunSpecVersion = spec.Version.ToString(),
            Name = container.Name!,
            Runtime = Runtime.Mesos,
            Command = ToCommand(container.Exec?.Command),
            User = container.User ?? pod.User ?? "",
            Resources = new AgentResources
            {
                CpuMillis = resources.CpuMillis,
                MemoryBytes = resources.MemoryBytes,
                DiskBytes = resources.DiskBytes,
                Gpus = resources.Gpus,
            },
            CpuLimitMillis = TaskSpecBuilder.Limit(container.ResourceLimits?.Cpus, AppConversion.CpuMillis),
            MemoryLimitBytes = TaskSpecBuilder.Limit(container.ResourceLimits?.Mem, AppConversion.Bytes),
            // 0 would mean the agent's own default.
            KillGraceMs = container.Lifecycle?.KillGracePeriodSeconds is { } grace ? Math.Max(1, (long)Math.Min(grace * 1000, 1e14)) : 0,
            Role = spec.Role,
            Linux = ToLinux(pod, container),
            DrainMs = DrainPause.Milliseconds(pod.Labels),
            Group = FormattableString.Invariant($"{instance.Id}.{instance.Incarnation}"),
        };
        if (container.Image is { } image)
        {
            task.Image = new ImageSpec
            {
                Name = image.Id,
                ForcePull = image.ForcePull == true,
                DockerConfig = SecretValues.PullLogins(image.PullConfig, pod.Secrets, secrets),
                OverrideEntrypoint = container.Exec?.OverrideEntrypoint == true,
            };
        }
        task.Environment.Add(PodEnvironment.Build(spec, pod, container, instance, taskId, placement, ports, rules));
        SecretValues.AddEnvironment(task, pod.Environment, pod.Secrets, secrets);
        SecretValues.AddEnvironment(task, container.Environment, pod.Secrets, secrets);
        // A later layer that is a plain text hides a secret of the same name.
        foreach (var name in task.Environment.Keys)
        {
            task.SecretEnvironment.Remove(name);
        }
        foreach (var (name, value) in pod.Labels ?? [])
        {
            task.Labels[name] = value;
        }
        foreach (var (name, value) in container.Labels ?? [])
        {
            task.Labels[name] = value;
        }
        task.Ports.AddRange((container.Endpoints ?? []).Select(endpoint => ToPort(endpoint, ports)));
        if (!PodDefaults.IsHostMode(pod))
        {
            // One namespace for all of them: the agent knows it by the group.
            task.Networks.AddRange(pod.Networks!.Select(TaskSpecBuilder.ToNetwork));
        }
        task.Fetch.AddRange((container.Artifacts ?? []).Select(TaskSpecBuilder.ToArtifact));
        task.Mounts.AddRange(VolumeMounts.Of(pod, container, instance, secrets));
        if (container.HealthCheck is { } check)
        {
            task.HealthChecks.Add(ToHealthCheck(check, container, ports, PodDefaults.IsHostMode(pod)));
        }
        return task;
    }

    // A container's parent is the pod, whose parent is the node. Containers share with their pod unless they say otherwise.
    private static LinuxSpec ToLinux(Pod pod, PodContainer container)
    {
        var linux = TaskSpecBuilder.ToLinux(container.LinuxInfo ?? new LinuxInfo());
        var isPrivate = container.LinuxInfo?.IpcInfo?.Mode == "PRIVATE";
        linux.ShareNodeIpc = !isPrivate && pod.LinuxInfo?.IpcInfo?.Mode == "SHARE_PARENT";
        linux.ShareGroupIpc = !isPrivate && !linux.ShareNodeIpc && pod.Containers!.Count > 1;
        if (!isPrivate)
        {
            linux.ShmBytes = TaskSpecBuilder.ShmBytes(pod.LinuxInfo);
        }
        return linux;
    }

    private static Command? ToCommand(CommandForm? command) => command switch
    {
        { Shell: { } shell } => new Command { Shell = shell },
        { Argv: { } argv } => new Command { Arguments = new Arguments { Values = { argv } } },
        _ => null,
    };

    private static TaskPort ToPort(PodEndpoint endpoint, Dictionary<string, int> ports)
    {
        var hostPort = ports.GetValueOrDefault(endpoint.Name!);
        return new TaskPort
        {
            HostPort = hostPort,
            ContainerPort = endpoint.ContainerPort ?? hostPort,
            Protocol = string.Join(',', endpoint.Protocol ?? ["tcp"]),
            Name = endpoint.Name,
            Network = endpoint.NetworkNames is [var network, ..] ? network : "",
        };
    }

    private static AgentHealthCheck ToHealthCheck(PodHealthCheck check, PodContainer container, Dictionary<string, int> ports, bool isHostMode) => new()
    {
        Protocol = check switch
        {
            { Exec: not null } => AgentHealthCheck.Types.Protocol.Command,
            { Tcp: not null } => AgentHealthCheck.Types.Protocol.Tcp,
            { Http.Scheme: "HTTPS" } => AgentHealthCheck.Types.Protocol.Https,
            _ => AgentHealthCheck.Types.Protocol.Http,
        },
        Port = PodEnvironment.ListenPort(
            container.Endpoints?.FirstOrDefault(e => e.Name == (check.Http?.Endpoint ?? check.Tcp?.Endpoint)), ports) ?? 0,
        Path = check.Http?.Path ?? "/",
        Command = check.Exec?.Command is { } command ? command.Shell ?? Quoted(command.Argv!) : "",
        GracePeriodMs = TaskSpecBuilder.Milliseconds(check.GracePeriodSeconds),
        IntervalMs = Math.Max(TaskSpecBuilder.ShortestIntervalMs, TaskSpecBuilder.Milliseconds(check.IntervalSeconds)),
        TimeoutMs = Math.Max(TaskSpecBuilder.ShortestIntervalMs, TaskSpecBuilder.Milliseconds(check.TimeoutSeconds)),
        MaxConsecutiveFailures = check.MaxConsecutiveFailures ?? 3,
        DelayMs = TaskSpecBuilder.Milliseconds(check.DelaySeconds),
        AgentKills = true,
        Target = isHostMode ? AgentHealthCheck.Types.Target.Node : AgentHealthCheck.Types.Target.Inside,
    };

    // The node runs a check's command by its shell: what is quoted reaches the command as it was written.
    private static string Quoted(List<string> argv) => "exec " + string.Join(' ', argv.Select(word => $"'{word.Replace("'", "'\\''")}'"));
}
