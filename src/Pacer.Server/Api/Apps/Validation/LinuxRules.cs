using Pacer.Contracts.Wire;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Apps.Validation;

/// <summary>marathon-model.md §3.1.</summary>
internal static class LinuxRules
{
    public static void Validate(LinuxInfo? linux, string path, ErrorCollector errors)
    {
        if (linux?.Seccomp is { } seccomp)
        {
            errors.Require(seccomp.ProfileName is null || seccomp.Unconfined != true, $"{path}/seccomp",
                "Seccomp unconfined can NOT be true when Profile is defined");
            errors.Require(seccomp.ProfileName is not null || seccomp.Unconfined == true, $"{path}/seccomp",
                "Seccomp unconfined must be true when Profile is NOT defined");
        }
        if (linux?.IpcInfo is { } ipc)
        {
            errors.Require(ipc.Mode != "SHARE_PARENT" || ipc.ShmSize is null, $"{path}/ipcInfo",
                "shmSize can NOT be set when mode is SHARE_PARENT");
        }
    }
}
