using Google.Protobuf;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;
using Pacer.Server.Api.Apps;
using AgentPersistentVolume = Pacer.Contracts.AgentLink.PersistentVolume;
using WirePersistentVolume = Pacer.Contracts.Wire.PersistentVolume;

namespace Pacer.Server.Api.Launching;

/// <summary>The volumes of a task, as its agent mounts them.</summary>
internal static class VolumeMounts
{
    /// <summary>All volumes of an app.</summary>
    /// <exception cref="Agents.LaunchRefusedException">A secret can't be had.</exception>
    public static IEnumerable<Mount> Of(App app, Instance instance, SecretReader secrets)
    {
        foreach (var volume in app.Container?.Volumes ?? [])
        {
            var mount = new Mount { Destination = volume.ContainerPath, ReadOnly = volume.Mode == "RO" };
            if (volume.Secret is { } secret)
            {
                Fill(mount, secret, app.Secrets, secrets);
            }
            else if (volume.Persistent is { } persistent)
            {
                mount.Source = volume.ContainerPath;
                mount.Volume = Persistent(instance, volume.ContainerPath!, persistent);
            }
            else if (volume.External is { } external)
            {
                mount.Source = external.Name;
                mount.External = ExternalVolumes.ForAgent(external);
            }
            else
            {
                mount.Source = volume.HostPath;
            }
            yield return mount;
        }
    }

    /// <summary>What a container of a pod mounts of the pod's volumes.</summary>
    /// <exception cref="Agents.LaunchRefusedException">A secret can't be had.</exception>
    public static IEnumerable<Mount> Of(Pod pod, PodContainer container, Instance instance, SecretReader secrets)
    {
        foreach (var wanted in container.VolumeMounts ?? [])
        {
            var volume = pod.Volumes!.First(v => v.Name == wanted.Name);
            var mount = new Mount { Source = volume.Host ?? $"volumes/{volume.Name}", Destination = wanted.MountPath, ReadOnly = wanted.ReadOnly == true };
            if (volume.Secret is { } secret)
            {
                Fill(mount, secret, pod.Secrets, secrets);
            }
            else if (volume.Persistent is { } persistent)
            {
                mount.Volume = Persistent(instance, volume.Name!, persistent);
            }
            yield return mount;
        }
    }

    private static void Fill(Mount mount, string secret, IReadOnlyDictionary<string, SecretSource>? sources, SecretReader read)
    {
        mount.Source = secret;
        mount.ReadOnly = true;
        mount.IsSecret = true;
        mount.Secret = ByteString.CopyFrom(read(SecretValues.SourceOf(secret, sources)));
    }

    private static AgentPersistentVolume Persistent(Instance instance, string name, WirePersistentVolume volume)
    {
        var share = instance.Placement!.Disks.FirstOrDefault(share => share.Volume == name);
        return new AgentPersistentVolume
        {
            Id = instance.Volumes.First(v => v.Name == name).Id,
            InstanceId = instance.Id.Value,
            SizeBytes = share?.SizeBytes ?? AppConversion.Bytes(volume.Size ?? 0),
            Disk = share?.Path ?? "",
        };
    }
}
