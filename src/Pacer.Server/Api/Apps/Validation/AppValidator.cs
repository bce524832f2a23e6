using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>The rules that one canonical app must keep (marathon-model.md §2-§9). Rules that span apps are the core's.</summary>
internal static class AppValidator
{
    public static void Validate(App app, AppRules rules, IReadOnlyList<string> roles, ErrorCollector errors)
    {
        ValidateId(app, errors);
        ValidateCommand(app, errors);
        EnvironmentRules.Validate(app.Env, app.Secrets, rules, "/env", errors);
        EnvironmentRules.ValidateSecrets(app.Secrets, new RunSpecId(app.Id!), rules, errors);
        ValidateScale(app, rules, errors);
        ValidateResources(app, rules, errors);
        ValidateLabels(app, errors);
        ValidateRoles(app, roles, errors);
        ArtifactRules.Validate(app.Fetch, "/fetch", errors);
        UnreachableRules.Validate(app.UnreachableStrategy!, AppDefaults.HasPersistentVolumes(app), "/unreachableStrategy", errors);
        ValidateDependencies(app, errors);
        ConstraintRules.Validate(app.Constraints, "/constraints", errors);
        NetworkRules.Validate(app, errors);
        ContainerRules.Validate(app, rules, errors);
        VolumeRules.Validate(app, rules, errors);
        CheckRules.Validate(app, errors);
    }

    private static void ValidateId(App app, ErrorCollector errors)
    {
        if (app.Id is null)
        {
            errors.Add("/id", "error.path.missing", "id is required");
        }
        else if (!RunSpecPath.TryResolve(app.Id, out _, out var error))
        {
            errors.Add("/id", error!);
        }
    }

    private static void ValidateCommand(App app, ErrorCollector errors)
    {
        var hasImage = !string.IsNullOrEmpty(app.Container?.Docker?.Image);
        if (app.Cmd is not null && app.Args is not null)
        {
            errors.Add("/", "AppDefinition must contain either 'cmd' or 'args', not both");
        }
        else if (app.Cmd is null && app.Args is null && !hasImage)
        {
            errors.Add("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container' with an image");
        }
        if (app.Cmd is not null)
        {
            errors.Require(!string.IsNullOrWhiteSpace(app.Cmd), "/cmd", "must not be an empty string");
            errors.Require(!app.Cmd.Contains('\0'), "/cmd", "must not contain a NUL character");
        }
        for (var i = 0; i < app.Args?.Count; i++)
        {
            errors.Require(!app.Args[i].Contains('\0'), $"/args({i})", "must not contain a NUL character");
        }
        if (app.Args is { Count: > 0 } args && !hasImage)
        {
            errors.Require(args[0].Length > 0, "/args(0)", "must name an executable");
        }
        if (app.User is not null)
        {
            errors.Require(app.User.Length > 0, "/user", "must not be empty");
            errors.Require(!app.User.Contains('\0'), "/user", "must not contain a NUL character");
        }
    }

    private static void ValidateScale(App app, AppRules rules, ErrorCollector errors)
    {
        errors.Require(app.Instances <= rules.MaxInstances, "/instances", $"must be at most {rules.MaxInstances}");
        var upgrade = app.UpgradeStrategy!;
        if (app.Labels!.GetValueOrDefault("MARATHON_SINGLE_INSTANCE_APP") == "true")
        {
            errors.Require(app.Instances <= 1, "/instances", "Single instance app may only have one instance");
            errors.Require(upgrade is { MinimumHealthCapacity: 0, MaximumOverCapacity: 0 }, "/upgradeStrategy",
                "Single instance app must give minimumHealthCapacity 0 and maximumOverCapacity 0");
        }
        if (AppDefaults.HasPersistentVolumes(app))
        {
            errors.Require(upgrade.MaximumOverCapacity == 0, "/upgradeStrategy/maximumOverCapacity",
                "must be 0 for apps with persistent volumes");
        }
    }

    private static void ValidateResources(App app, AppRules rules, ErrorCollector errors)
    {
        if (app.Gpus > 0)
        {
            RequireFeature(rules, AppRules.GpuResources, "/gpus", errors);
        }
        LimitRules.Validate(app.ResourceLimits, app.Cpus!.Value, app.Mem!.Value, "/resourceLimits", errors);
    }

    private static void ValidateLabels(App app, ErrorCollector errors)
    {
        var labels = app.Labels!;
        if (labels.GetValueOrDefault("DCOS_MIGRATION_API_VERSION") is { Length: > 0 } api)
        {
            errors.Require(api == "v1", "/labels/DCOS_MIGRATION_API_VERSION", "must be 'v1'");
            foreach (var needed in (ReadOnlySpan<string>)["DCOS_PACKAGE_FRAMEWORK_NAME", "DCOS_MIGRATION_API_PATH"])
            {
                errors.Require(labels.GetValueOrDefault(needed) is { Length: > 0 }, "/labels",
                    $"{needed} must be given when DCOS_MIGRATION_API_VERSION is");
            }
        }
    }

    private static void ValidateRoles(App app, IReadOnlyList<string> roles, ErrorCollector errors)
    {
        errors.Require(roles.Contains(app.Role!), "/role", $"must be one of the valid roles: {string.Join(", ", roles)}");
        if (app.AcceptedResourceRoles is { } accepted)
        {
            errors.Require(accepted.Count > 0, "/acceptedResourceRoles", "must not be empty; leave it out for the default");
            errors.Require(accepted.All(role => role == "*" || role == app.Role), "/acceptedResourceRoles",
                $"must hold nothing but '*' and the app's role '{app.Role}'");
            if (AppDefaults.HasPersistentVolumes(app))
            {
                errors.Require(accepted is ["*"], "/acceptedResourceRoles", "must be [\"*\"] for apps with persistent volumes");
            }
        }
    }

    private static void ValidateDependencies(App app, ErrorCollector errors)
    {
        for (var i = 0; i < app.Dependencies?.Count; i++)
        {
            errors.Require(app.Dependencies[i] != app.Id, $"/dependencies({i})", "must not name the app itself");
        }
    }

    public static void RequireFeature(AppRules rules, string feature, string path, ErrorCollector errors) =>
        errors.Require(rules.Features.Contains(feature), path, $"requires feature {feature} to be enabled: --enable_features {feature}");
}
