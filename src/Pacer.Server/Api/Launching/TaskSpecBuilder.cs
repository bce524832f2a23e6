using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Agents;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Apps.Validation;
using AgentArtifact = Pacer.Contracts.AgentLink.Artifact;
using AgentHealthCheck = Pacer.Contracts.AgentLink.HealthCheck;
using AgentResources = Pacer.Contracts.AgentLink.Resources;
using WireHealthCheck = Pacer.Contracts.Wire.HealthCheck;

namespace Pacer.Server.Api.Launching;

/// <summary>Translates a placed instance into the order that its agent carries out. The same input gives the same order, always.</summary>
internal static class TaskSpecBuilder
{
    private const long Unlimited = -1;

    // 0 is allowed and means "at once"; a node that took it literally would do nothing else.
    internal const long ShortestIntervalMs = 100;

    /// <param name="instance">Placed, with the incarnation to launch.</param>
    /// <param name="spec">The version that the instance runs.</param>
    /// <exception cref="LaunchRefusedException">A secret can't be had.</exception>
    public static LaunchInstance Build(RunSpec spec, Instance instance, AppRules rules, SecretReader secrets)
    {
        if (spec.Kind == RunSpecKind.Pod)
        {
            return PodLaunchBuilder.Build(spec, instance, rules, secrets);
        }
        var app = AppRendering.Read(spec);
        var placement = instance.Placement
            ?? throw new InvalidOperationException($"instance {instance.Id} has no place and can't be launched");
        var taskId = TaskId.Create(instance.Id, TaskId.AppContainer, instance.Incarnation);
        var ports = EffectivePorts.Resolve(spec, placement, taskId);
        var task = new TaskSpec
        {
            TaskId = taskId.Value,
            RunSpecId = spec.Id.Path,
            RunSpecVersion = spec.Version.ToString(),
            Name = "",
            Runtime = spec.Runtime == RuntimeKind.Docker ? Runtime.Docker : Runtime.Mesos,
            Command = ToCommand(app),
            User = app.User ?? "",
            Resources = new AgentResources
            {
                CpuMillis = spec.Resources.CpuMillis,
                MemoryBytes = spec.Resources.MemoryBytes,
                DiskBytes = spec.Resources.DiskBytes,
                Gpus = spec.Resources.Gpus,
            },
            CpuLimitMillis = Limit(app.ResourceLimits?.Cpus, AppConversion.CpuMillis),
            MemoryLimitBytes = Limit(app.ResourceLimits?.Mem, AppConversion.Bytes),
            KillGraceMs = app.TaskKillGracePeriodSeconds is { } grace ? Math.Max(1, grace * 1000L) : 0,
            Role = spec.Role,
            DrainMs = DrainPause.Milliseconds(app.Labels),
        };
        if (app.Container?.Docker is { Image: { } image } docker)
        {
            task.Image = new ImageSpec
            {
                Name = image,
                ForcePull = docker.ForcePullImage == true,
                DockerConfig = SecretValues.PullLogins(docker.PullConfig, app.Secrets, secrets),
            };
        }
        if (app.Container?.LinuxInfo is { } linux)
        {
            task.Linux = ToLinux(linux);
        }
        task.Environment.Add(TaskEnvironment.Build(spec, app, taskId, placement.Hostname, ports, rules));
        SecretValues.AddEnvironment(task, app.Env, app.Secrets, secrets);
        task.Labels.Add(app.Labels ?? []);
        var mappings = AppDefaults.IsHostMode(app) ? null : app.Container?.PortMappings;
        task.Ports.AddRange(ports.Select((port, index) => new TaskPort
        {
            HostPort = port.HostPort ?? 0,
            ContainerPort = port.ContainerPort,
            Protocol = port.Protocol,
            Name = port.Name ?? "",
            Network = mappings?[index].NetworkNames is [var network, ..] ? network : "",
        }));
        if (app.Container is { Type: "DOCKER" } container)
        {
            task.Docker = ToDocker(app, container);
        }
        else if (mappings is not null)
        {
            task.Networks.AddRange(app.Networks!.Select(ToNetwork));
        }
        task.Fetch.AddRange((app.Fetch ?? []).Select(ToArtifact));
        task.Mounts.AddRange(VolumeMounts.Of(app, instance, secrets));
        task.HealthChecks.AddRange((app.HealthChecks ?? []).Select(check => ToHealthCheck(check, ports, app)));
        task.ReadinessChecks.AddRange((app.ReadinessChecks ?? []).Select(check => CheckSpecs.Readiness(check, ports, app)));
        task.Check = CheckSpecs.Check(app.Check, ports);
        return new LaunchInstance { InstanceId = instance.Id.Value, Tasks = { task } };
    }

    private static Command? ToCommand(App app)
    {
        if (app.Cmd is not null)
        {
            return new Command { Shell = app.Cmd };
        }
        return app.Args is { Count: > 0 } args ? new Command { Arguments = new Arguments { Values = { args } } } : null;
    }

    // One network at most, as its daemon has it.
    private static DockerSpec ToDocker(App app, Container container)
    {
        var docker = new DockerSpec
        {
            Network = AppDefaults.IsHostMode(app) ? "host" : AppNetworks.DockerName(app.Networks![0]),
            Privileged = container.Docker?.Privileged == true,
        };
        docker.Parameters.AddRange((container.Docker?.Parameters ?? [])
            .Select(parameter => new Contracts.AgentLink.DockerParameter { Key = parameter.Key, Value = parameter.Value }));
        return docker;
    }

    internal static LinuxSpec ToLinux(LinuxInfo linux) => new()
    {
        SeccompProfile = linux.Seccomp?.ProfileName ?? "",
        SeccompUnconfined = linux.Seccomp is { ProfileName: null, Unconfined: true },
        ShareNodeIpc = linux.IpcInfo?.Mode == "SHARE_PARENT",
        ShmBytes = ShmBytes(linux),
    };

    internal static long ShmBytes(LinuxInfo? linux) => (linux?.IpcInfo?.ShmSize ?? 0) * 1024L * 1024;

    internal static AgentArtifact ToArtifact(Contracts.Wire.Artifact artifact) => new()
    {
        Uri = artifact.Uri,
        Extract = artifact.Extract ?? true,
        Executable = artifact.Executable ?? false,
        Cache = artifact.Cache ?? false,
        DestPath = artifact.DestPath ?? "",
    };

    internal static TaskNetwork ToNetwork(Network network)
    {
        var wanted = new TaskNetwork { Name = AppNetworks.Name(network) };
        wanted.Labels.Add(network.Labels ?? []);
        return wanted;
    }

    private static AgentHealthCheck ToHealthCheck(WireHealthCheck check, IReadOnlyList<EffectivePort> ports, App app)
    {
        var isAgentRun = CheckRules.IsAgentRun(check);
        return new AgentHealthCheck
        {
            Protocol = check.Protocol switch
            {
                "HTTPS" or "MESOS_HTTPS" => AgentHealthCheck.Types.Protocol.Https,
                "TCP" or "MESOS_TCP" => AgentHealthCheck.Types.Protocol.Tcp,
                "COMMAND" => AgentHealthCheck.Types.Protocol.Command,
                _ => AgentHealthCheck.Types.Protocol.Http,
            },
            Port = check.Protocol == "COMMAND" ? 0 : HealthPort(check, ports, isAgentRun),
            Path = check.Path ?? "/",
            Command = check.Command?.Value ?? "",
            GracePeriodMs = Milliseconds(check.GracePeriodSeconds),
            IntervalMs = Math.Max(ShortestIntervalMs, Milliseconds(check.IntervalSeconds)),
            TimeoutMs = Math.Max(ShortestIntervalMs, Milliseconds(check.TimeoutSeconds)),
            MaxConsecutiveFailures = check.MaxConsecutiveFailures ?? 3,
            DelayMs = Milliseconds(check.DelaySeconds),
            IgnoreHttp1Xx = check.IgnoreHttp1xx == true && check.Protocol is "HTTP" or "MESOS_HTTP",
            AgentKills = isAgentRun,
            Ipv6 = check.IpProtocol == "IPv6",
            Target = HealthTarget(check, ports, app, isAgentRun),
        };
    }

    /// <summary>
    /// Where the number of <see cref="HealthPort"/> counts: inside for the agent's own checks; for Marathon's the node where the port is
    /// one of the node's, else the container's address.
    /// </summary>
    private static AgentHealthCheck.Types.Target HealthTarget(WireHealthCheck check, IReadOnlyList<EffectivePort> ports, App app, bool isAgentRun)
    {
        if (AppDefaults.IsHostMode(app))
        {
            return AgentHealthCheck.Types.Target.Node;
        }
        if (isAgentRun)
        {
            return AgentHealthCheck.Types.Target.Inside;
        }
        var isOfNode = check.Port is null
            ? (check.PortIndex ?? 0) < ports.Count && ports[check.PortIndex ?? 0].HostPort is not null
            : app.Networks![0].Mode == "container/bridge";
        return isOfNode ? AgentHealthCheck.Types.Target.Node : AgentHealthCheck.Types.Target.Address;
    }

    // A fixed port is taken as it is. Otherwise checks from inside the container prefer its own port, others the node's.
    private static int HealthPort(WireHealthCheck check, IReadOnlyList<EffectivePort> ports, bool fromInside)
    {
        if (check.Port is { } fixedPort)
        {
            return fixedPort;
        }
        var index = check.PortIndex ?? 0;
        if (index >= ports.Count)
        {
            return 0;
        }
        var port = ports[index];
        return fromInside ? port.ContainerPort : port.HostPort ?? port.ContainerPort;
    }

    internal static long Milliseconds(int? seconds) => (seconds ?? 0) * 1000L;

    internal static long Limit(ResourceLimit? limit, Func<double, long> convert) => limit switch
    {
        null => 0,
        { Amount: null } => Unlimited,
        { Amount: { } amount } => convert(amount),
    };
}
