using Pacer.Contracts.Wire;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Apps.Validation;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>The rules of one container of a pod (marathon-model.md §10.1, §10.2).</summary>
internal static class PodContainerRules
{
    public static void Validate(Pod pod, PodContainer container, AppRules rules, string path, ErrorCollector errors)
    {
        PodValidator.ValidateUser(container.User, $"{path}/user", errors);
        PodValidator.ValidateEnvironment(container.Environment, pod.Secrets, rules, $"{path}/environment", errors);
        ArtifactRules.Validate(container.Artifacts, $"{path}/artifacts", errors);
        LinuxRules.Validate(container.LinuxInfo, $"{path}/linuxInfo", errors);
        ValidateExec(container, path, errors);
        ValidateResources(pod, container, rules, path, errors);
        ValidateEndpoints(pod, container, path, errors);
        ValidateHealthCheck(container, path, errors);
        if (container.Image?.PullConfig is { } pull)
        {
            AppValidator.RequireFeature(rules, AppRules.Secrets, $"{path}/image/pullConfig", errors);
            errors.Require(pod.Secrets?.ContainsKey(pull.Secret!) == true, $"{path}/image/pullConfig",
                "pullConfig.secret must refer to an existing secret");
        }
    }

    private static void ValidateExec(PodContainer container, string path, ErrorCollector errors)
    {
        if (container.Exec is null)
        {
            errors.Require(container.Image is not null, $"{path}/exec", "must be given for a container without an image");
            return;
        }
        ValidateCommand(container.Exec.Command!, $"{path}/exec/command", errors);
        if (container.Exec.Command?.Argv is { Count: > 0 } argv && container.Image is null)
        {
            errors.Require(argv[0].Length > 0, $"{path}/exec/command/argv(0)", "must name an executable");
        }
    }

    private static void ValidateCommand(CommandForm command, string path, ErrorCollector errors)
    {
        errors.Require(command.Shell is null != command.Argv is null, path, "exactly one of shell and argv must be given");
        if (command.Shell is { } shell)
        {
            errors.Require(!string.IsNullOrWhiteSpace(shell), $"{path}/shell", "must not be an empty string");
            errors.Require(!shell.Contains('\0'), $"{path}/shell", "must not contain a NUL character");
        }
        for (var i = 0; i < command.Argv?.Count; i++)
        {
            errors.Require(!command.Argv[i].Contains('\0'), $"{path}/argv({i})", "must not contain a NUL character");
        }
    }

    private static void ValidateResources(Pod pod, PodContainer container, AppRules rules, string path, ErrorCollector errors)
    {
        var resources = container.Resources!;
        if (resources.Gpus > 0)
        {
            AppValidator.RequireFeature(rules, AppRules.GpuResources, $"{path}/resources/gpus", errors);
        }
        LimitRules.Validate(container.ResourceLimits, resources.Cpus!.Value, resources.Mem!.Value, $"{path}/resourceLimits", errors);
        errors.Require(container.ResourceLimits is null || pod.LegacySharedCgroups != true, $"{path}/resourceLimits",
            "must not be given when legacySharedCgroups is true: containers then share one cgroup");
    }

    private static void ValidateEndpoints(Pod pod, PodContainer container, string path, ErrorCollector errors)
    {
        var networks = pod.Networks ?? [];
        var names = networks.Select(n => n.Name).OfType<string>().ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < container.Endpoints?.Count; i++)
        {
            var endpoint = container.Endpoints[i];
            var place = $"{path}/endpoints({i})";
            if (PodDefaults.IsContainerMode(pod))
            {
                errors.Require(endpoint.ContainerPort is not null, $"{place}/containerPort", "is required when using container-mode networking");
            }
            else if (networks is [{ Mode: "host" }])
            {
                errors.Require(endpoint.ContainerPort is null, $"{place}/containerPort", "is not allowed when using host-mode networking");
            }
            PodValidator.RequireUnique(endpoint.Protocol ?? [], $"{place}/protocol", "must not name a protocol twice", errors);
            foreach (var name in endpoint.NetworkNames ?? [])
            {
                errors.Require(names.Contains(name), $"{place}/networkNames", $"'{name}' is none of the pod's networks");
            }
            if (networks.Count > 1 && endpoint.HostPort is not null)
            {
                errors.Require(endpoint.NetworkNames is { Count: 1 }, place,
                    "must name exactly one network in networkNames when there are several and a hostPort is given");
            }
        }
    }

    private static void ValidateHealthCheck(PodContainer container, string path, ErrorCollector errors)
    {
        if (container.HealthCheck is not { } check)
        {
            return;
        }
        path += "/healthCheck";
        var kinds = (check.Http is null ? 0 : 1) + (check.Tcp is null ? 0 : 1) + (check.Exec is null ? 0 : 1);
        errors.Require(kinds == 1, path, "Only one of http, tcp, or command may be specified, and one must be");
        if (check.Exec?.Command is { } command)
        {
            ValidateCommand(command, $"{path}/exec/command", errors);
        }
        if ((check.Http?.Endpoint ?? check.Tcp?.Endpoint) is { } endpoint)
        {
            errors.Require(container.Endpoints?.Any(e => e.Name == endpoint) == true,
                $"{path}/{(check.Http is null ? "tcp" : "http")}/endpoint",
                $"health check endpoint '{endpoint}' must be contained in the container endpoints");
        }
        errors.Require(check.TimeoutSeconds < check.IntervalSeconds, $"{path}/timeoutSeconds",
            $"must be less than intervalSeconds ({check.IntervalSeconds})");
    }
}
