using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Apps.Validation;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>The rules that one canonical pod must keep (marathon-model.md §5-§10). Rules that span run specs are the core's.</summary>
internal static class PodValidator
{
    public static void Validate(Pod pod, AppRules rules, IReadOnlyList<string> roles, ErrorCollector errors)
    {
        ValidateUser(pod.User, "/user", errors);
        ValidateEnvironment(pod.Environment, pod.Secrets, rules, "/environment", errors);
        EnvironmentRules.ValidateSecrets(pod.Secrets, new RunSpecId(pod.Id!), rules, errors);
        NetworkRules.ValidateNetworks(pod.Networks ?? [], isDocker: false, errors);
        PodVolumeRules.Validate(pod, rules, errors);
        ValidateScheduling(pod, rules, roles, errors);
        errors.Require(pod.LinuxInfo?.Seccomp is null, "/linuxInfo/seccomp", "Seccomp configuration on executor level is not supported");
        LinuxRules.Validate(pod.LinuxInfo is { } linux ? new LinuxInfo { IpcInfo = linux.IpcInfo } : null, "/linuxInfo", errors);
        var containers = pod.Containers!;
        for (var i = 0; i < containers.Count; i++)
        {
            PodContainerRules.Validate(pod, containers[i], rules, $"/containers({i})", errors);
        }
        RequireUnique(containers.Select(c => c.Name), "/containers", "container names must be unique", errors);
        var endpoints = containers.SelectMany(c => c.Endpoints ?? []).ToList();
        RequireUnique(endpoints.Select(e => e.Name), "/containers", "endpoint names must be unique across all containers", errors);
        RequireUnique(endpoints.Select(e => e.ContainerPort).Where(p => p is not null), "/containers",
            "container ports must be unique across all containers", errors);
        RequireUnique(endpoints.Select(e => e.HostPort).Where(p => p > 0), "/containers", "host ports must be unique across all containers", errors);
    }

    /// <summary>Names of variables are narrower than an app's.</summary>
    public static void ValidateEnvironment(
        Dictionary<string, EnvironmentValue>? environment, Dictionary<string, SecretSource>? secrets, AppRules rules, string path, ErrorCollector errors)
    {
        foreach (var name in (environment ?? []).Keys)
        {
            errors.Require(
                name.Length is > 0 and <= 254 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'),
                $"{path}/{name}", "a name must be letters, digits and underscores, not begin with a digit, and have at most 254 characters");
        }
        EnvironmentRules.Validate(environment, secrets, rules, path, errors);
    }

    public static void ValidateUser(string? user, string path, ErrorCollector errors)
    {
        if (user is not null)
        {
            errors.Require(user.Length > 0, path, "must not be empty");
            errors.Require(!user.Contains('\0'), path, "must not contain a NUL character");
        }
    }

    private static void ValidateScheduling(Pod pod, AppRules rules, IReadOnlyList<string> roles, ErrorCollector errors)
    {
        var scheduling = pod.Scheduling!;
        var isResident = PodDefaults.HasPersistentVolumes(pod);
        errors.Require(pod.Scaling!.Instances <= rules.MaxInstances, "/scaling/instances", $"must be at most {rules.MaxInstances}");
        errors.Require(!isResident || scheduling.Upgrade!.MaximumOverCapacity == 0, "/scheduling/upgrade/maximumOverCapacity",
            "must be 0 for pods with persistent volumes");
        UnreachableRules.Validate(scheduling.UnreachableStrategy!, isResident, "/scheduling/unreachableStrategy", errors);
        ConstraintRules.Validate(
            scheduling.Placement!.Constraints!.ConvertAll(PodConversion.Words), "/scheduling/placement/constraints", errors);
        errors.Require(roles.Contains(pod.Role!), "/role", $"must be one of the valid roles: {string.Join(", ", roles)}");
        var accepted = scheduling.Placement.AcceptedResourceRoles!;
        const string AcceptedPath = "/scheduling/placement/acceptedResourceRoles";
        errors.Require(accepted.All(role => role == "*" || role == pod.Role), AcceptedPath,
            $"must hold nothing but '*' and the pod's role '{pod.Role}'");
        errors.Require(!isResident || accepted is [] or ["*"], AcceptedPath, "must be [\"*\"] for pods with persistent volumes");
    }

    public static void RequireUnique<T>(IEnumerable<T> values, string path, string error, ErrorCollector errors)
    {
        var list = values.ToList();
        errors.Require(list.Distinct().Count() == list.Count, path, error);
    }
}
