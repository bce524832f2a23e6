using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;
using System.Text.Json;

namespace Pacer.Server.Api.Apps;

/// <summary>
/// What an update may not change once an app keeps data on its nodes (marathon-model.md §7.2). Holds when the old or the new version has
/// persistent volumes.
/// </summary>
internal static class ResidentRules
{
    public static void ValidateUpdate(App before, App after, bool force, ErrorCollector errors)
    {
        if (!AppDefaults.HasPersistentVolumes(before) && !AppDefaults.HasPersistentVolumes(after))
        {
            return;
        }
        errors.Require(
            before.Cpus == after.Cpus && before.Mem == after.Mem && before.Disk == after.Disk && before.Gpus == after.Gpus
                && before.RequirePorts == after.RequirePorts,
            "/", "Resident Tasks may not change resource requirements! Create a new app for the new requirements instead.");
        errors.Require(HostPorts(before).SetEquals(HostPorts(after)), "/", "Resident Tasks may not change host ports!");
        errors.Require(Volumes(before) == Volumes(after), "/container/volumes", "Persistent volumes can not be changed!");
        errors.Require(force || before.Role == after.Role, "/role",
            "changing the role of an app with persistent volumes leaves reservations with the previous role; retry with force=true to do it");
    }

    private static HashSet<int> HostPorts(App app) =>
    [
        .. AppDefaults.IsHostMode(app)
            ? (app.PortDefinitions ?? []).Select(p => p.Port ?? 0).Where(p => p != 0)
            : (app.Container?.PortMappings ?? []).Select(p => p.HostPort).OfType<int>(),
    ];

    private static string Volumes(App app) => JsonSerializer.Serialize(
        new Container { Volumes = [.. (app.Container?.Volumes ?? []).Where(v => v.Persistent is not null)] }, WireJson.Default.Container);
}
