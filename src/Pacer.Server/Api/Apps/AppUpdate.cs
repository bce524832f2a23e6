using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Apps;

/// <summary>Partial update (marathon-api.md §2.3): top-level members replace, nothing merges deeper.</summary>
internal static class AppUpdate
{
    /// <summary>Puts <paramref name="update"/> over <paramref name="app"/>, which is changed and returned.</summary>
    public static App Merge(App app, App update)
    {
        if (update.Networks is { Count: > 0 } networks)
        {
            DropPortsOfOtherMode(app, update, isHost: "host".Equals(networks[0].Mode, StringComparison.OrdinalIgnoreCase));
        }
        app.Cmd = update.Cmd ?? app.Cmd;
        app.Args = update.Args ?? app.Args;
        app.User = update.User ?? app.User;
        app.Env = update.Env ?? app.Env;
        app.Instances = update.Instances ?? app.Instances;
        app.Cpus = update.Cpus ?? app.Cpus;
        app.Mem = update.Mem ?? app.Mem;
        app.Disk = update.Disk ?? app.Disk;
        app.Gpus = update.Gpus ?? app.Gpus;
        app.Executor = update.Executor ?? app.Executor;
        // These two do not survive an update that leaves them out: clients have come to rely on repeating them.
        app.ExecutorResources = update.ExecutorResources;
        app.ResourceLimits = update.ResourceLimits;
        app.Constraints = update.Constraints ?? app.Constraints;
        app.Fetch = update.Fetch ?? app.Fetch;
        app.BackoffSeconds = update.BackoffSeconds ?? app.BackoffSeconds;
        app.BackoffFactor = update.BackoffFactor ?? app.BackoffFactor;
        app.MaxLaunchDelaySeconds = update.MaxLaunchDelaySeconds ?? app.MaxLaunchDelaySeconds;
        app.Container = update.Container ?? app.Container;
        app.HealthChecks = update.HealthChecks ?? app.HealthChecks;
        app.Check = update.Check ?? app.Check;
        app.ReadinessChecks = update.ReadinessChecks ?? app.ReadinessChecks;
        app.Dependencies = update.Dependencies ?? app.Dependencies;
        app.UpgradeStrategy = update.UpgradeStrategy ?? app.UpgradeStrategy;
        app.UnreachableStrategy = update.UnreachableStrategy ?? app.UnreachableStrategy;
        app.KillSelection = update.KillSelection ?? app.KillSelection;
        app.Labels = update.Labels ?? app.Labels;
        app.AcceptedResourceRoles = update.AcceptedResourceRoles ?? app.AcceptedResourceRoles;
        app.Role = update.Role ?? app.Role;
        app.Residency = update.Residency ?? app.Residency;
        app.RequirePorts = update.RequirePorts ?? app.RequirePorts;
        app.Secrets = update.Secrets ?? app.Secrets;
        app.TaskKillGracePeriodSeconds = update.TaskKillGracePeriodSeconds ?? app.TaskKillGracePeriodSeconds;
        app.Tty = update.Tty ?? app.Tty;
        app.Networks = update.Networks ?? app.Networks;
        app.PortDefinitions = update.PortDefinitions ?? app.PortDefinitions;
        return app;
    }

    // Port definitions live on the host's network, port mappings off it: a change of network leaves the old ones without a place.
    private static void DropPortsOfOtherMode(App app, App update, bool isHost)
    {
        if (isHost == AppDefaults.IsHostMode(app))
        {
            return;
        }
        app.PortDefinitions = null;
        if (app.Container is not null && update.Container is null)
        {
            app.Container.PortMappings = null;
        }
    }
}
