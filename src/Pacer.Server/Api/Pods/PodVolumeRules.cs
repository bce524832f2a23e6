using Pacer.Contracts.Wire;
using Pacer.Server.Api.Apps;
using Pacer.Server.Api.Apps.Validation;
using Pacer.Server.Api.Json;

namespace Pacer.Server.Api.Pods;

/// <summary>Volumes of a pod and where its containers mount them (marathon-model.md §7.4).</summary>
internal static class PodVolumeRules
{
    public static void Validate(Pod pod, AppRules rules, ErrorCollector errors)
    {
        var volumes = pod.Volumes ?? [];
        var names = volumes.Select(v => v.Name).ToHashSet();
        var mounted = pod.Containers!.SelectMany(c => c.VolumeMounts ?? []).Select(m => m.Name).ToHashSet();
        PodValidator.RequireUnique(volumes.Select(v => v.Name), "/volumes", "volume names must be unique", errors);
        for (var i = 0; i < volumes.Count; i++)
        {
            var volume = volumes[i];
            var path = $"/volumes({i})";
            errors.Require(mounted.Contains(volume.Name), path, $"volume '{volume.Name}' must be referenced by at least one container");
            var kinds = (volume.Host is null ? 0 : 1) + (volume.Persistent is null ? 0 : 1) + (volume.Secret is null ? 0 : 1);
            errors.Require(kinds <= 1, path, "at most one of host, persistent and secret may be given");
            if (volume.Host is { } host)
            {
                errors.Require(!HasParent(host) && !host.Contains('\0'), $"{path}/host", "must not contain '..' or a NUL character");
            }
            if (volume.Persistent is { } persistent)
            {
                VolumeRules.Size(persistent, path, errors);
            }
            if (volume.Secret is { } secret)
            {
                AppValidator.RequireFeature(rules, AppRules.Secrets, path, errors);
                errors.Require(pod.Secrets?.ContainsKey(secret) == true, $"{path}/secret", "volume.secret must refer to an existing secret");
            }
        }
        for (var c = 0; c < pod.Containers!.Count; c++)
        {
            var mounts = pod.Containers[c].VolumeMounts ?? [];
            for (var i = 0; i < mounts.Count; i++)
            {
                var path = $"/containers({c})/volumeMounts({i})";
                errors.Require(names.Contains(mounts[i].Name), $"{path}/name", $"'{mounts[i].Name}' is none of the pod's volumes");
                var target = mounts[i].MountPath!;
                errors.Require(!HasParent(target) && !target.Contains('\0') && target.Trim('/', '.').Length > 0, $"{path}/mountPath",
                    "must be a path below the root or the sandbox, without '..'");
            }
            PodValidator.RequireUnique(
                mounts.Select(m => m.MountPath!.TrimEnd('/')), $"/containers({c})/volumeMounts", "mount paths must be unique in a container", errors);
        }
    }

    private static bool HasParent(string path) => path.Split('/').Contains("..");
}
