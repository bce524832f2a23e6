using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using CoreConstraint = Pacer.Core.Model.Constraint;
using CoreUnreachable = Pacer.Core.Model.UnreachableStrategy;
using CoreUpgrade = Pacer.Core.Model.UpgradeStrategy;

namespace Pacer.Server.Api.Apps;

/// <summary>Between the canonical app and the core's run spec.</summary>
internal static class AppConversion
{
    private const double MiB = 1024 * 1024;
    private const long MaxSeconds = 100_000_000_000;

    /// <summary>
    /// The run spec of a valid canonical app. Version stamps are zero: the core sets them. Service ports of 0 ask the core for numbers.
    /// </summary>
    public static RunSpec ToRunSpec(App app)
    {
        var ports = Ports(app);
        return new RunSpec(
            new RunSpecId(app.Id!),
            RunSpecKind.App,
            Definition(app),
            app.Instances!.Value,
            new Resources(CpuMillis(app.Cpus!.Value), Bytes(app.Mem!.Value), Bytes(app.Disk!.Value + PersistentMiB(app)), app.Gpus!.Value),
            app.Container switch
            {
                { Type: "DOCKER" } => RuntimeKind.Docker,
                // Not every node that runs commands can stack the layers of an image.
                { Docker: not null } => RuntimeKind.MesosImage,
                _ => RuntimeKind.Mesos,
            },
            [TaskId.AppContainer],
            ports,
            app.RequirePorts == true,
            ValueList.From((app.Constraints ?? []).Select(ToConstraint)),
            ValueList.From(app.Dependencies ?? []),
            new BackoffPolicy(Seconds(app.BackoffSeconds!.Value), app.BackoffFactor!.Value, Seconds(app.MaxLaunchDelaySeconds!.Value)),
            new CoreUpgrade(app.UpgradeStrategy!.MinimumHealthCapacity!.Value, app.UpgradeStrategy.MaximumOverCapacity!.Value),
            app.UnreachableStrategy is { Disabled: false } unreachable
                ? new CoreUnreachable(Seconds(unreachable.InactiveAfterSeconds ?? 0), Seconds(unreachable.ExpungeAfterSeconds ?? 0))
                : null,
            app.KillSelection == "OLDEST_FIRST" ? KillSelection.OldestFirst : KillSelection.YoungestFirst,
            app.Role!,
            ValueList.From(app.AcceptedResourceRoles ?? []),
            app.HealthChecks?.Count ?? 0,
            app.ReadinessChecks is { Count: > 0 },
            Timestamp.Zero,
            Timestamp.Zero,
            Timestamp.Zero)
        {
            ExclusiveVolumes = ValueList.From((app.Container?.Volumes ?? [])
                .Select(volume => volume.External).OfType<ExternalVolume>().Where(volume => volume.Shared != true).Select(volume => volume.Name!)),
            VolumeDrivers = ExternalVolumes.Drivers(app),
            ExecutorResources = app.ExecutorResources is { } executor
                ? JsonSerializer.Serialize(executor, WireJson.Plain.ExecutorResources)
                : null,
            GpuScheduling = GpuPolicy(app.Labels),
            IsResident = AppDefaults.HasPersistentVolumes(app),
            PersistentVolumes = ValueList.From(Persistent(app).Select(volume => volume.ContainerPath!)),
            Disks = OtherDisks(Persistent(app).Select(volume => (volume.ContainerPath!, volume.Persistent!))),
            Networks = ValueList.From(app.Container?.Type == "DOCKER" ? AppNetworks.DockerNames(app.Networks) : AppNetworks.Names(app.Networks)),
        };
    }

    /// <summary>The app of a run spec, with its instance count and assigned service ports, without version stamps. A fresh copy each time.</summary>
    public static App ToApp(RunSpec spec)
    {
        var app = JsonSerializer.Deserialize(spec.Definition, WireJson.Plain.App)
            ?? throw new InvalidOperationException($"the definition of {spec.Id} is no app");
        app.Instances = spec.Instances;
        if (spec.ExecutorResources is { } executor)
        {
            app.ExecutorResources = JsonSerializer.Deserialize(executor, WireJson.Plain.ExecutorResources);
        }
        var index = 0;
        foreach (var definition in app.PortDefinitions ?? [])
        {
            definition.Port = ServicePort(spec, index++);
        }
        foreach (var mapping in app.Container?.PortMappings ?? [])
        {
            mapping.ServicePort = ServicePort(spec, index++);
        }
        return app;
    }

    /// <summary>What the label GPU_SCHEDULING_BEHAVIOR says; null when it is absent or says nothing known.</summary>
    public static GpuScheduling? GpuPolicy(IReadOnlyDictionary<string, string>? labels) => labels?.GetValueOrDefault("GPU_SCHEDULING_BEHAVIOR") switch
    {
        "restricted" => GpuScheduling.Restricted,
        "unrestricted" => GpuScheduling.Unrestricted,
        _ => null,
    };

    private static IEnumerable<Volume> Persistent(App app) => (app.Container?.Volumes ?? []).Where(volume => volume.Persistent is not null);

    // What lies on the agent's own disk counts as disk.
    private static double PersistentMiB(App app) => RootMiB(Persistent(app).Select(volume => volume.Persistent!));

    /// <summary>MiB of the volumes that lie on the agent's own disk.</summary>
    public static double RootMiB(IEnumerable<PersistentVolume> volumes) =>
        volumes.Where(volume => volume.Type is null or "root").Sum(volume => (double)(volume.Size ?? 0));

    /// <summary>What volumes ask for that do not lie on the agent's own disk.</summary>
    public static ValueList<DiskRequest> OtherDisks(IEnumerable<(string Name, PersistentVolume Volume)> volumes) => ValueList.From(
        volumes.Where(pair => pair.Volume.Type is not (null or "root")).Select(pair => new DiskRequest(
            pair.Name,
            pair.Volume.Type == "mount" ? DiskType.Mount : DiskType.Path,
            Bytes(pair.Volume.Size ?? 0),
            pair.Volume.MaxSize is { } most ? Bytes(most) : null,
            pair.Volume.ProfileName,
            ValueList.From((pair.Volume.Constraints ?? []).Select(ToConstraint)))));

    /// <summary>Half a thousandth counts up.</summary>
    public static long CpuMillis(double cpus) => (long)Math.Round((decimal)cpus * 1000, MidpointRounding.AwayFromZero);

    public static long Bytes(double mebibytes) => (long)Math.Round(mebibytes * MiB, MidpointRounding.AwayFromZero);

    private static int ServicePort(RunSpec spec, int index) => index < spec.Ports.Count ? spec.Ports[index].ServicePort : 0;

    private static TimeSpan Seconds(long seconds) => TimeSpan.FromSeconds(Math.Min(seconds, MaxSeconds));

    private static ValueList<PortSpec> Ports(App app)
    {
        var ports = new List<PortSpec>();
        if (AppDefaults.IsHostMode(app))
        {
            foreach (var definition in app.PortDefinitions ?? [])
            {
                ports.Add(new PortSpec(definition.Port!.Value, 0, 0, definition.Protocol!, definition.Name));
            }
        }
        else
        {
            foreach (var mapping in app.Container?.PortMappings ?? [])
            {
                ports.Add(new PortSpec(
                    mapping.ServicePort!.Value, mapping.HostPort, mapping.ContainerPort!.Value, mapping.Protocol!, mapping.Name));
            }
        }
        return ValueList.From(ports);
    }

    public static CoreConstraint ToConstraint(IReadOnlyList<string> constraint) => new(
        constraint[0],
        constraint[1] switch
        {
            "UNIQUE" => ConstraintOperator.Unique,
            "CLUSTER" => ConstraintOperator.Cluster,
            "GROUP_BY" => ConstraintOperator.GroupBy,
            "LIKE" => ConstraintOperator.Like,
            "UNLIKE" => ConstraintOperator.Unlike,
            "MAX_PER" => ConstraintOperator.MaxPer,
            "IS" => ConstraintOperator.Is,
            var other => throw new InvalidOperationException($"unvalidated constraint operator {other}"),
        },
        constraint.Count > 2 ? constraint[2] : null);

    // The canonical text has no service ports: assigned or asked for, they are no change of the definition, only of PortSpec.
    private static string Definition(App app)
    {
        var (instances, version, versionInfo, executor) = (app.Instances, app.Version, app.VersionInfo, app.ExecutorResources);
        var definitions = app.PortDefinitions?.Select(p => p.Port).ToList();
        var mappings = app.Container?.PortMappings?.Select(p => p.ServicePort).ToList();
        try
        {
            (app.Instances, app.Version, app.VersionInfo, app.ExecutorResources) = (null, null, null, null);
            foreach (var definition in app.PortDefinitions ?? [])
            {
                definition.Port = 0;
            }
            foreach (var mapping in app.Container?.PortMappings ?? [])
            {
                mapping.ServicePort = 0;
            }
            return JsonSerializer.Serialize(app, WireJson.Plain.App);
        }
        finally
        {
            (app.Instances, app.Version, app.VersionInfo, app.ExecutorResources) = (instances, version, versionInfo, executor);
            for (var i = 0; i < definitions?.Count; i++)
            {
                app.PortDefinitions![i].Port = definitions[i];
            }
            for (var i = 0; i < mappings?.Count; i++)
            {
                app.Container!.PortMappings![i].ServicePort = mappings[i];
            }
        }
    }
}
