using System.Globalization;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>marathon-model.md §7.</summary>
internal static class VolumeRules
{
    private static readonly string[] ExclusiveModes = ["SINGLE_NODE_WRITER", "SINGLE_NODE_READER_ONLY"];

    public static void Validate(App app, AppRules rules, ErrorCollector errors)
    {
        var volumes = app.Container?.Volumes ?? [];
        for (var i = 0; i < volumes.Count; i++)
        {
            var volume = volumes[i];
            var path = $"/container/volumes({i})";
            if (volume.Persistent is { } persistent)
            {
                Persistent(volume, persistent, path, errors);
            }
            else if (volume.External is { } external)
            {
                AppValidator.RequireFeature(rules, AppRules.ExternalVolumes, path, errors);
                External(app, volume, external, path, errors);
            }
            else if (volume.Secret is { } secret)
            {
                AppValidator.RequireFeature(rules, AppRules.Secrets, path, errors);
                errors.Require(app.Secrets?.ContainsKey(secret) == true, $"{path}/secret", "volume.secret must refer to an existing secret");
            }
            else
            {
                errors.Require(!string.IsNullOrEmpty(volume.HostPath), $"{path}/hostPath", "must not be empty");
                errors.Require(volume.Mode is not null, $"{path}/mode", "must be RO or RW");
            }
        }
        var names = volumes.Where(v => v.External is { Shared: not true }).Select(v => v.External!.Name).OfType<string>().ToList();
        errors.Require(names.Distinct(StringComparer.Ordinal).Count() == names.Count, "/container/volumes", "Volume names must be unique");
    }

    private static void Persistent(Volume volume, PersistentVolume persistent, string path, ErrorCollector errors)
    {
        errors.Require(!volume.ContainerPath!.Contains('/'), $"{path}/containerPath", "must not contain '/': it lies in the sandbox");
        errors.Require(volume.ContainerPath is not ("." or ".."), $"{path}/containerPath", "must not be '.' or '..'");
        errors.Require(volume.Mode == "RW", $"{path}/mode", "must be RW for persistent volumes");
        Size(persistent, path, errors);
    }

    /// <summary>What holds for persistent volumes of apps and pods alike.</summary>
    public static void Size(PersistentVolume persistent, string path, ErrorCollector errors)
    {
        errors.Require(persistent.Size > 0, $"{path}/persistent/size", "must be greater than 0");
        if (persistent.MaxSize is { } maximum)
        {
            errors.Require(persistent.Type == "mount", $"{path}/persistent/maxSize", "Only mount volumes can have maxSize");
            errors.Require(maximum > persistent.Size, $"{path}/persistent/maxSize", "must be greater than size");
        }
        if (persistent.Constraints is { Count: > 0 } constraints)
        {
            errors.Require(persistent.Type != "root", $"{path}/persistent/constraints", "Constraints on root volumes are not supported");
            for (var i = 0; i < constraints.Count; i++)
            {
                errors.Require(constraints[i] is ["path", "LIKE", { Length: > 0 }], $"{path}/persistent/constraints({i})",
                    "must be [\"path\", \"LIKE\", regular expression]");
            }
        }
    }

    private static void External(App app, Volume volume, ExternalVolume external, string path, ErrorCollector errors)
    {
        errors.Require(volume.ContainerPath is not ("." or ".."), $"{path}/containerPath", "must not be '.' or '..'");
        errors.Require(volume.Mode is not null, $"{path}/mode", "must be RO or RW");
        errors.Require(!string.IsNullOrEmpty(external.Name), $"{path}/external/name", "must not be empty");
        switch (external.Provider)
        {
            case "dvdi":
                Dvdi(app, volume, external, path, errors);
                break;
            case "csi":
                Csi(app, volume, external, path, errors);
                break;
            default:
                errors.Add($"{path}/external/provider", "is unknown provider: must be dvdi or csi");
                break;
        }
    }

    private static void Dvdi(App app, Volume volume, ExternalVolume external, string path, ErrorCollector errors)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in external.Options is { ValueKind: JsonValueKind.Object } given ? given.EnumerateObject() : default)
        {
            var optionPath = $"{path}/external/options/{option.Name}";
            if (option.Value.ValueKind != JsonValueKind.String)
            {
                errors.Add(optionPath, "error.expected.jsstring", "must be a text");
                continue;
            }
            options[option.Name] = option.Value.GetString()!;
            errors.Require(IsOptionKey(option.Name), optionPath, "a key is a label, or a namespace, a slash and a label");
        }
        var isDocker = app.Container!.Type == "DOCKER";
        if (!options.TryGetValue("dvdi/driver", out var driver) || driver.Length == 0)
        {
            errors.Add($"{path}/external/options", "must contain dvdi/driver");
        }
        errors.Require(app.Instances <= 1, "/instances",
            $"Number of instances is limited to 1 when declaring DVDI volumes in app [{app.Id}]");
        errors.Require(app.UpgradeStrategy!.MaximumOverCapacity == 0, "/upgradeStrategy/maximumOverCapacity",
            "must be 0 for apps with external volumes");
        if (isDocker)
        {
            errors.Require(external.Size is null, $"{path}/external/size", "must be undefined for Docker containers");
            errors.Require(options.Keys.All(k => k == "dvdi/driver"), $"{path}/external/options",
                "must only contain dvdi/driver for Docker containers");
        }
        else
        {
            errors.Require(volume.Mode == "RW", $"{path}/mode", "must be RW");
        }
        if (driver == "rexray")
        {
            if (options.TryGetValue("dvdi/iops", out var iops))
            {
                errors.Require(long.TryParse(iops, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0,
                    $"{path}/external/options/dvdi~1iops", "must be a natural number");
            }
            if (options.TryGetValue("dvdi/overwritefs", out var overwrite))
            {
                errors.Require(bool.TryParse(overwrite, out _), $"{path}/external/options/dvdi~1overwritefs", "must be true or false");
            }
        }
    }

    private static bool IsOptionKey(string key) =>
        key.Split('/') is { Length: 1 or 2 } parts && parts.All(p => p.Length > 0 && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'));

    private static void Csi(App app, Volume volume, ExternalVolume external, string path, ErrorCollector errors)
    {
        CsiOptions? options = null;
        if (external.Options is { ValueKind: JsonValueKind.Object } given)
        {
            try
            {
                options = given.Deserialize(WireJson.Default.CsiOptions);
            }
            catch (JsonException)
            {
                errors.Add($"{path}/external/options", "must be an object with pluginName and capability");
                return;
            }
        }
        errors.Require(!string.IsNullOrEmpty(options?.PluginName), $"{path}/external/options/pluginName", "must not be empty");
        if (options?.Capability is not { } capability)
        {
            errors.Add($"{path}/external/options/capability", "error.path.missing", "capability is required");
            return;
        }
        var mode = EnumTexts.Canonical(capability.AccessMode, EnumTexts.AccessModes);
        var type = EnumTexts.Canonical(capability.AccessType, EnumTexts.AccessTypes);
        errors.Require(EnumTexts.AccessModes.Contains(mode), $"{path}/external/options/capability/accessMode",
            $"must be one of {string.Join(", ", EnumTexts.AccessModes)}");
        errors.Require(EnumTexts.AccessTypes.Contains(type), $"{path}/external/options/capability/accessType", "must be block or mount");
        errors.Require(type != "mount" || !string.IsNullOrEmpty(capability.FsType), $"{path}/external/options/capability/fsType",
            "must be given for accessType mount");
        var readOnly = mode is "SINGLE_NODE_READER_ONLY" or "MULTI_NODE_READER_ONLY";
        errors.Require(!readOnly || volume.Mode == "RO", $"{path}/mode", $"must be RO for access mode {mode}");
        if (app.Instances > 1)
        {
            var shareable = !ExclusiveModes.Contains(mode) && !(mode == "MULTI_NODE_SINGLE_WRITER" && volume.Mode == "RW");
            errors.Require(shareable, "/instances", "may not be greater than 1 while non-shareable CSI volumes are defined");
        }
    }
}
