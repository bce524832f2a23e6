using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using CoreUnreachable = Pacer.Core.Model.UnreachableStrategy;
using CoreUpgrade = Pacer.Core.Model.UpgradeStrategy;

namespace Pacer.Server.Api.Pods;

/// <summary>Between the canonical pod and the core's run spec.</summary>
internal static class PodConversion
{
    private const double MaxSeconds = 1e11;

    /// <summary>
    /// The run spec of a valid canonical pod. Version stamps are zero: the core sets them. Its ports are the endpoints of all containers,
    /// in order; they have no service ports.
    /// </summary>
    public static RunSpec ToRunSpec(Pod pod)
    {
        var containers = pod.Containers!;
        var scheduling = pod.Scheduling!;
        var executor = pod.ExecutorResources!;
        var resources = new Resources(
            AppConversion.CpuMillis(executor.Cpus!.Value), AppConversion.Bytes(executor.Mem!.Value), AppConversion.Bytes(executor.Disk!.Value), 0);
        foreach (var container in containers)
        {
            resources += Resources(container);
        }
        resources += new Resources(0, 0, AppConversion.Bytes(AppConversion.RootMiB((pod.Volumes ?? []).Select(v => v.Persistent).OfType<PersistentVolume>())), 0);
        var checks = containers.Select(container => container.HealthCheck is null ? 0 : 1).ToArray();
        return new RunSpec(
            new RunSpecId(pod.Id!),
            RunSpecKind.Pod,
            Definition(pod),
            pod.Scaling!.Instances!.Value,
            resources,
            containers.Any(container => container.Image is not null) ? RuntimeKind.MesosImage : RuntimeKind.Mesos,
            ValueList.From(containers.Select(container => container.Name!)),
            ValueList.From(containers.SelectMany(container => container.Endpoints ?? []).Select(endpoint => new PortSpec(
                0, endpoint.HostPort, endpoint.ContainerPort ?? 0, string.Join(',', endpoint.Protocol ?? ["tcp"]), endpoint.Name))),
            RequirePorts: false,
            ValueList.From(scheduling.Placement!.Constraints!.Select(constraint => AppConversion.ToConstraint(Words(constraint)))),
            [],
            new BackoffPolicy(
                Seconds(scheduling.Backoff!.Backoff!.Value), scheduling.Backoff.BackoffFactor!.Value, Seconds(scheduling.Backoff.MaxLaunchDelay!.Value)),
            new CoreUpgrade(scheduling.Upgrade!.MinimumHealthCapacity!.Value, scheduling.Upgrade.MaximumOverCapacity!.Value),
            scheduling.UnreachableStrategy is { Disabled: false } unreachable
                ? new CoreUnreachable(Seconds(unreachable.InactiveAfterSeconds ?? 0), Seconds(unreachable.ExpungeAfterSeconds ?? 0))
                : null,
            scheduling.KillSelection == "OLDEST_FIRST" ? KillSelection.OldestFirst : KillSelection.YoungestFirst,
            pod.Role!,
            ValueList.From(scheduling.Placement.AcceptedResourceRoles!),
            checks.Sum(),
            HasReadinessCheck: false,
            Timestamp.Zero,
            Timestamp.Zero,
            Timestamp.Zero)
        {
            Networks = ValueList.From(AppNetworks.Names(pod.Networks)),
            ContainerHealthChecks = ValueList.Create<int>(checks),
            GpuScheduling = AppConversion.GpuPolicy(pod.Labels),
            IsResident = pod.Volumes?.Any(volume => volume.Persistent is not null) == true,
            PersistentVolumes = ValueList.From((pod.Volumes ?? []).Where(volume => volume.Persistent is not null).Select(volume => volume.Name!)),
            Disks = AppConversion.OtherDisks((pod.Volumes ?? []).Where(volume => volume.Persistent is not null).Select(volume => (volume.Name!, volume.Persistent!))),
        };
    }

    /// <summary>The pod of a run spec, with its instance count, without its version. A fresh copy each time.</summary>
    public static Pod ToPod(RunSpec spec)
    {
        var pod = JsonSerializer.Deserialize(spec.Definition, WireJson.Plain.Pod)
            ?? throw new InvalidOperationException($"the definition of {spec.Id} is no pod");
        pod.Scaling = new PodScaling { Kind = "fixed", Instances = spec.Instances };
        return pod;
    }

    /// <summary>What one container asks for.</summary>
    public static Resources Resources(PodContainer container) => new(
        AppConversion.CpuMillis(container.Resources!.Cpus!.Value),
        AppConversion.Bytes(container.Resources.Mem!.Value),
        AppConversion.Bytes(container.Resources.Disk!.Value),
        container.Resources.Gpus!.Value);

    /// <summary>A constraint in the form that apps write it.</summary>
    public static List<string> Words(PodConstraint constraint) => constraint.Value is { } value
        ? [constraint.FieldName!, constraint.Operator!, value]
        : [constraint.FieldName!, constraint.Operator!];

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(Math.Min(seconds, MaxSeconds));

    private static string Definition(Pod pod)
    {
        var (scaling, version) = (pod.Scaling, pod.Version);
        try
        {
            (pod.Scaling, pod.Version) = (null, null);
            return JsonSerializer.Serialize(pod, WireJson.Plain.Pod);
        }
        finally
        {
            (pod.Scaling, pod.Version) = (scaling, version);
        }
    }
}
