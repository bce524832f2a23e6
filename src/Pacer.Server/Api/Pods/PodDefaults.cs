using Pacer.Contracts.Wire;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>
/// Brings a pod into its canonical form, in place, as <see cref="AppDefaults"/> does for apps. Two pods that mean the same have the same
/// canonical form.
/// </summary>
internal static class PodDefaults
{
    public static void Fill(Pod pod, AppRules rules)
    {
        pod.Version = null;
        pod.Labels = AppDefaults.NullIfEmpty(AppDefaults.Sorted(pod.Labels));
        pod.Environment = AppDefaults.NullIfEmpty(AppDefaults.Sorted(pod.Environment));
        pod.Secrets = AppDefaults.NullIfEmpty(AppDefaults.Sorted(pod.Secrets));
        pod.Volumes = AppDefaults.NullIfEmpty(pod.Volumes);
        foreach (var volume in pod.Volumes ?? [])
        {
            AppDefaults.FillPersistent(volume.Persistent);
        }
        pod.Networks = AppDefaults.NullIfEmpty(pod.Networks);
        foreach (var network in pod.Networks ?? [])
        {
            network.Mode = EnumTexts.Canonical(network.Mode ?? "container", EnumTexts.NetworkModes);
            network.Labels = AppDefaults.NullIfEmpty(AppDefaults.Sorted(network.Labels));
            if (network.Mode == "container")
            {
                network.Name ??= rules.DefaultNetworkName;
            }
        }
        pod.Scaling ??= new PodScaling();
        pod.Scaling.Kind = EnumTexts.Canonical(pod.Scaling.Kind ?? "fixed", EnumTexts.PodScalings);
        pod.Scaling.Instances ??= 1;
        pod.ExecutorResources ??= new ExecutorResources();
        pod.ExecutorResources.Cpus ??= 0.1;
        pod.ExecutorResources.Mem ??= 32;
        pod.ExecutorResources.Disk ??= 10;
        pod.Role ??= rules.DefaultRole;
        pod.LegacySharedCgroups = pod.LegacySharedCgroups == true ? true : null;
        AppDefaults.FillLinux(pod.LinuxInfo);
        FillScheduling(pod);
        foreach (var container in pod.Containers ?? [])
        {
            FillContainer(container, IsContainerMode(pod));
        }
    }

    /// <summary>Whether the pod is on a named network, where a port of the node is taken only on request.</summary>
    public static bool IsContainerMode(Pod pod) => pod.Networks is { Count: > 0 } networks && networks[0].Mode == "container";

    /// <summary>Whether containers share their node's network.</summary>
    public static bool IsHostMode(Pod pod) => pod.Networks is not { Count: > 0 } networks || networks[0].Mode == "host";

    public static bool HasPersistentVolumes(Pod pod) => pod.Volumes?.Any(volume => volume.Persistent is not null) == true;

    private static void FillScheduling(Pod pod)
    {
        var isResident = HasPersistentVolumes(pod);
        var scheduling = pod.Scheduling ??= new PodScheduling();
        scheduling.Backoff ??= new PodBackoff();
        scheduling.Backoff.Backoff ??= 1;
        scheduling.Backoff.BackoffFactor ??= 1.15;
        scheduling.Backoff.MaxLaunchDelay ??= 300;
        scheduling.Upgrade ??= isResident
            ? new UpgradeStrategy { MinimumHealthCapacity = 0.5, MaximumOverCapacity = 0 }
            : new UpgradeStrategy();
        scheduling.Upgrade.MinimumHealthCapacity ??= 1;
        scheduling.Upgrade.MaximumOverCapacity ??= 1;
        scheduling.Placement ??= new PodPlacement();
        scheduling.Placement.Constraints ??= [];
        scheduling.Placement.AcceptedResourceRoles =
            scheduling.Placement.AcceptedResourceRoles?.Distinct().Order(StringComparer.Ordinal).ToList() ?? [];
        foreach (var constraint in scheduling.Placement.Constraints)
        {
            constraint.Operator = EnumTexts.Canonical(constraint.Operator, EnumTexts.ConstraintOperators);
            // An empty value is how old clients write "no value"; to IS it is a value.
            if (constraint is { Value: "", Operator: "UNIQUE" or "CLUSTER" or "GROUP_BY" })
            {
                constraint.Value = null;
            }
        }
        scheduling.KillSelection = EnumTexts.Canonical(scheduling.KillSelection ?? "YOUNGEST_FIRST", EnumTexts.KillSelections);
        scheduling.UnreachableStrategy = AppDefaults.FillUnreachable(scheduling.UnreachableStrategy, isResident);
    }

    private static void FillContainer(PodContainer container, bool isContainerMode)
    {
        container.Resources ??= new PodResources();
        container.Resources.Cpus ??= 1;
        container.Resources.Mem ??= 128;
        container.Resources.Disk ??= 0;
        container.Resources.Gpus ??= 0;
        if (container.ResourceLimits is { Cpus: null, Mem: null })
        {
            container.ResourceLimits = null;
        }
        container.Environment = AppDefaults.NullIfEmpty(AppDefaults.Sorted(container.Environment));
        container.Labels = AppDefaults.NullIfEmpty(AppDefaults.Sorted(container.Labels));
        container.Artifacts = AppDefaults.FillArtifacts(container.Artifacts);
        container.Endpoints = AppDefaults.NullIfEmpty(container.Endpoints);
        foreach (var endpoint in container.Endpoints ?? [])
        {
            endpoint.Labels = AppDefaults.NullIfEmpty(AppDefaults.Sorted(endpoint.Labels));
            endpoint.NetworkNames = AppDefaults.NullIfEmpty(endpoint.NetworkNames);
            endpoint.Protocol = AppDefaults.NullIfEmpty(endpoint.Protocol);
            if (!isContainerMode)
            {
                endpoint.HostPort ??= 0;
            }
        }
        container.VolumeMounts = AppDefaults.NullIfEmpty(container.VolumeMounts);
        foreach (var mount in container.VolumeMounts ?? [])
        {
            mount.ReadOnly ??= false;
        }
        if (container.Image is { } image)
        {
            image.Kind = EnumTexts.Canonical(image.Kind, EnumTexts.ImageKinds);
            image.Labels = AppDefaults.NullIfEmpty(AppDefaults.Sorted(image.Labels));
        }
        if (container.Lifecycle is { KillGracePeriodSeconds: null })
        {
            container.Lifecycle = null;
        }
        AppDefaults.FillLinux(container.LinuxInfo);
        container.Check = null; // as Marathon: accepted, and never seen again
        if (container.HealthCheck is { } check)
        {
            check.GracePeriodSeconds ??= 300;
            check.IntervalSeconds ??= 60;
            check.TimeoutSeconds ??= 20;
            check.MaxConsecutiveFailures ??= 3;
            check.DelaySeconds ??= 15;
            if (check.Http is { } http)
            {
                http.Scheme = EnumTexts.Canonical(http.Scheme ?? "HTTP", EnumTexts.HttpSchemes);
            }
        }
    }
}
