using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// Brings an app into its canonical form, in place: every default filled in, every word in its canonical spelling, sets and maps in a
/// fixed order, what is empty and not shown absent. Two apps that mean the same have the same canonical form.
/// </summary>
internal static class AppDefaults
{
    public static void Fill(App app, AppRules rules)
    {
        app.Args = NullIfEmpty(app.Args);
        app.Env = NullIfEmpty(Sorted(app.Env));
        app.Labels = Sorted(app.Labels) ?? [];
        app.Secrets = NullIfEmpty(Sorted(app.Secrets));
        app.Instances ??= 1;
        app.Cpus ??= 1;
        app.Mem ??= 128;
        app.Disk ??= 0;
        app.Gpus ??= 0;
        app.Executor ??= "";
        app.BackoffSeconds ??= 1;
        app.BackoffFactor ??= 1.15;
        app.MaxLaunchDelaySeconds ??= 300;
        app.KillSelection = EnumTexts.Canonical(app.KillSelection ?? "YOUNGEST_FIRST", EnumTexts.KillSelections);
        app.Role ??= rules.DefaultRole;
        app.AcceptedResourceRoles = app.AcceptedResourceRoles?.Distinct().Order(StringComparer.Ordinal).ToList();
        app.Dependencies = NullIfEmpty(app.Dependencies?
            .Select(id => RunSpecPath.Resolve(id, "/", out _) ?? id).Distinct().Order(StringComparer.Ordinal).ToList());
        // Sets: what is said twice counts once.
        app.Constraints = NullIfEmpty(app.Constraints?.ConvertAll(Constraint).DistinctBy(constraint => string.Join('\0', constraint)).ToList());
        app.Fetch = FillArtifacts(app.Fetch);
        if (app.ExecutorResources is { } executor)
        {
            executor.Cpus ??= 0.1;
            executor.Mem ??= 32;
            executor.Disk ??= 10;
        }
        if (app.ResourceLimits is { Cpus: null, Mem: null })
        {
            app.ResourceLimits = null;
        }
        FillNetworks(app, rules);
        FillContainer(app);
        FillChecks(app);
        FillStrategies(app);
    }

    /// <summary>Whether tasks share their node's network.</summary>
    public static bool IsHostMode(App app) => app.Networks is not { Count: > 0 } networks || networks[0].Mode == "host";

    public static bool HasPersistentVolumes(App app) => app.Container?.Volumes?.Any(volume => volume.Persistent is not null) == true;

    private static bool HasExternalVolumes(App app) => app.Container?.Volumes?.Any(volume => volume.External is not null) == true;

    private static List<string> Constraint(List<string> constraint)
    {
        var canonical = new List<string>(constraint);
        if (canonical.Count >= 2)
        {
            canonical[1] = EnumTexts.Canonical(canonical[1], EnumTexts.ConstraintOperators)!;
        }
        // An empty third field is how old clients write "no value"; to IS it is a value.
        if (canonical.Count == 3 && canonical[2].Length == 0 && canonical[1] is ("UNIQUE" or "CLUSTER" or "GROUP_BY"))
        {
            canonical.RemoveAt(2);
        }
        return canonical;
    }

    private static void FillNetworks(App app, AppRules rules)
    {
        if (app.Networks is not { Count: > 0 })
        {
            app.Networks = [new Network { Mode = "host" }];
        }
        foreach (var network in app.Networks)
        {
            network.Mode = EnumTexts.Canonical(network.Mode ?? "container", EnumTexts.NetworkModes);
            network.Labels = NullIfEmpty(Sorted(network.Labels));
            if (network.Mode == "container")
            {
                network.Name ??= rules.DefaultNetworkName;
            }
        }
        if (IsHostMode(app))
        {
            app.PortDefinitions ??= [new PortDefinition { Name = "default" }];
            app.RequirePorts ??= false;
            if (app.Container is not null)
            {
                app.Container.PortMappings = null;
            }
        }
        else
        {
            app.RequirePorts = false;
            app.Container ??= new Container { Type = "MESOS" };
            app.Container.PortMappings ??= [new PortMapping { Name = "default" }];
        }
        foreach (var definition in app.PortDefinitions ?? [])
        {
            definition.Port ??= 0;
            definition.Protocol = PortProtocol(definition.Protocol);
            definition.Labels = NullIfEmpty(Sorted(definition.Labels));
        }
        foreach (var mapping in app.Container?.PortMappings ?? [])
        {
            mapping.ContainerPort ??= 0;
            mapping.ServicePort ??= 0;
            mapping.Protocol = PortProtocol(mapping.Protocol);
            mapping.Labels = Sorted(mapping.Labels) ?? [];
            mapping.NetworkNames = NullIfEmpty(mapping.NetworkNames);
            if (app.Networks[0].Mode == "container/bridge")
            {
                mapping.HostPort ??= 0;
            }
        }
    }

    private static string PortProtocol(string? protocol) => EnumTexts.Canonical(protocol ?? "tcp", EnumTexts.PortProtocols) switch
    {
        "tcp,udp" => "udp,tcp",
        var canonical => canonical!,
    };

    private static void FillContainer(App app)
    {
        if (app.Container is not { } container)
        {
            return;
        }
        container.Type = EnumTexts.Canonical(container.Type ?? "DOCKER", EnumTexts.ContainerTypes);
        container.Volumes ??= [];
        var isDocker = container.Type == "DOCKER";
        if (container.Docker is { } docker)
        {
            docker.ForcePullImage ??= false;
            docker.Privileged = isDocker && docker.Privileged == true;
            docker.Parameters ??= [];
        }
        if (isDocker)
        {
            container.LinuxInfo = null;
        }
        FillLinux(container.LinuxInfo);
        foreach (var volume in container.Volumes)
        {
            volume.Mode = EnumTexts.Canonical(volume.Mode, EnumTexts.ReadModes);
            FillPersistent(volume.Persistent);
            if (volume.External is { Provider: not "csi" } external)
            {
                external.Shared ??= false;
            }
        }
    }

    private static void FillChecks(App app)
    {
        app.HealthChecks = NullIfEmpty(app.HealthChecks);
        foreach (var check in app.HealthChecks ?? [])
        {
            check.Protocol = check.Command is not null ? "COMMAND" : EnumTexts.Canonical(check.Protocol ?? "HTTP", EnumTexts.HealthProtocols);
            check.GracePeriodSeconds ??= 300;
            check.IntervalSeconds ??= 60;
            check.TimeoutSeconds ??= 20;
            check.MaxConsecutiveFailures ??= 3;
            check.DelaySeconds ??= 15;
            check.IpProtocol = EnumTexts.Canonical(check.IpProtocol ?? "IPv4", EnumTexts.IpProtocols);
        }
        app.HealthChecks = app.HealthChecks?
            .DistinctBy(check => JsonSerializer.Serialize(check, WireJson.Plain.HealthCheck), StringComparer.Ordinal).ToList();
        if (app.Check is { } appCheck)
        {
            appCheck.IntervalSeconds ??= 60;
            appCheck.TimeoutSeconds ??= 20;
            appCheck.DelaySeconds ??= 15;
            if (appCheck.Http is { } http)
            {
                http.Scheme = EnumTexts.Canonical(http.Scheme ?? "HTTP", EnumTexts.HttpSchemes);
            }
        }
        app.ReadinessChecks = NullIfEmpty(app.ReadinessChecks);
        foreach (var check in app.ReadinessChecks ?? [])
        {
            check.Name ??= "readinessCheck";
            check.Protocol = EnumTexts.Canonical(check.Protocol ?? "HTTP", EnumTexts.HttpSchemes);
            check.Path ??= "/";
            check.PortName ??= "http-api";
            check.IntervalSeconds ??= 30;
            check.TimeoutSeconds ??= 10;
            check.HttpStatusCodesForReady = check.HttpStatusCodesForReady?.Distinct().ToList() ?? [200];
            check.PreserveLastResponse ??= false;
        }
    }

    private static void FillStrategies(App app)
    {
        var isResident = HasPersistentVolumes(app);
        app.UpgradeStrategy ??= isResident || HasExternalVolumes(app)
            ? new UpgradeStrategy { MinimumHealthCapacity = 0.5, MaximumOverCapacity = 0 }
            : new UpgradeStrategy { MinimumHealthCapacity = 1, MaximumOverCapacity = 1 };
        app.UnreachableStrategy = FillUnreachable(app.UnreachableStrategy, isResident);
        if (isResident)
        {
            app.Residency ??= new Residency();
            app.Residency.RelaunchEscalationTimeoutSeconds ??= 3600;
            app.Residency.TaskLostBehavior =
                EnumTexts.Canonical(app.Residency.TaskLostBehavior ?? "WAIT_FOREVER", EnumTexts.TaskLostBehaviors);
        }
        else
        {
            app.Residency = null;
        }
    }

    internal static List<Artifact>? FillArtifacts(List<Artifact>? artifacts)
    {
        foreach (var artifact in artifacts ?? [])
        {
            artifact.Extract ??= true;
            artifact.Executable ??= false;
            artifact.Cache ??= false;
        }
        return NullIfEmpty(artifacts);
    }

    internal static void FillLinux(LinuxInfo? linux)
    {
        if (linux?.Seccomp is { } seccomp)
        {
            seccomp.Unconfined ??= false;
        }
        if (linux?.IpcInfo is { } ipc)
        {
            ipc.Mode = EnumTexts.Canonical(ipc.Mode, EnumTexts.IpcModes);
        }
    }

    internal static void FillPersistent(PersistentVolume? persistent)
    {
        if (persistent is not null)
        {
            persistent.Type = EnumTexts.Canonical(
                persistent.Type ?? (persistent.ProfileName is null ? "root" : "mount"), EnumTexts.VolumeTypes);
            persistent.Constraints ??= [];
        }
    }

    internal static UnreachableStrategy FillUnreachable(UnreachableStrategy? strategy, bool isResident)
    {
        strategy ??= new UnreachableStrategy { Disabled = isResident };
        if (!strategy.Disabled)
        {
            strategy.InactiveAfterSeconds ??= 0;
            strategy.ExpungeAfterSeconds ??= 0;
        }
        return strategy;
    }

    internal static List<T>? NullIfEmpty<T>(List<T>? list) => list is { Count: > 0 } ? list : null;

    internal static Dictionary<string, T>? NullIfEmpty<T>(Dictionary<string, T>? map) => map is { Count: > 0 } ? map : null;

    // JSON null as a value means absence.
    internal static Dictionary<string, T>? Sorted<T>(Dictionary<string, T>? map)
        where T : class =>
        map?.Where(entry => entry.Value is not null).OrderBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary();
}
