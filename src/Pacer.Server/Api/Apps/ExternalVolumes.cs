using System.Globalization;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using AgentVolume = Pacer.Contracts.AgentLink.ExternalVolume;

namespace Pacer.Server.Api.Apps;

/// <summary>What valid external volumes of an app mean for placement and for the agent (marathon-model.md §7.3).</summary>
internal static class ExternalVolumes
{
    private const string Namespace = "dvdi/";
    private const string Driver = Namespace + "driver";
    private const string Size = Namespace + "size";

    /// <summary>Drivers that a node must have, in the words of <see cref="AgentNode.VolumeDrivers"/>.</summary>
    public static ValueList<string> Drivers(App app) => ValueList.From((app.Container?.Volumes ?? [])
        .Select(volume => volume.External).OfType<ExternalVolume>()
        .Select(external => DriverOf(external, app.Container!.Type == "DOCKER")).Distinct(StringComparer.Ordinal));

    /// <summary>A volume of provider <c>dvdi</c>, as its driver gets it. No node takes one of provider <c>csi</c>.</summary>
    public static AgentVolume ForAgent(ExternalVolume external)
    {
        var options = Options(external);
        var volume = new AgentVolume
        {
            Driver = options.GetValueOrDefault(Driver, ""),
            SizeGib = external.Size ?? (long.TryParse(options.GetValueOrDefault(Size), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0),
            Shared = external.Shared == true,
        };
        foreach (var (key, value) in options.Where(option => option.Key.StartsWith(Namespace, StringComparison.Ordinal) && option.Key is not (Driver or Size)))
        {
            volume.Options[key[Namespace.Length..]] = value;
        }
        return volume;
    }

    private static string DriverOf(ExternalVolume external, bool isDocker)
    {
        if (external.Provider == "csi")
        {
            return "csi/" + external.Options?.Deserialize(WireJson.Default.CsiOptions)?.PluginName;
        }
        var driver = Options(external).GetValueOrDefault(Driver, "");
        // An agent's own driver has no slash in its name, so that nobody takes one of the daemon's for it.
        return isDocker ? "docker/" + driver : driver.Replace('/', ':');
    }

    private static Dictionary<string, string> Options(ExternalVolume external) =>
        external.Options is { ValueKind: JsonValueKind.Object } given
            ? given.EnumerateObject().Where(option => option.Value.ValueKind == JsonValueKind.String)
                .ToDictionary(option => option.Name, option => option.Value.GetString()!, StringComparer.Ordinal)
            : [];
}
