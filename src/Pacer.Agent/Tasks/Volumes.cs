using Pacer.Agent.Containers;
using Pacer.Agent.Fetching;
using Pacer.Agent.Node;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Where the volumes of a task lie on the node, and where its container sees them.</summary>
internal static class Volumes
{
    // Containers of one pod may run as different users, and share what they mount. Nobody else can reach the directory.
    private const UnixFileMode Everyone =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Why the order's mounts make no sense; null when they do.</summary>
    public static string? Refuse(TaskSpec spec)
    {
        if (spec.Group.Length > 0 && !TaskPlan.IsSafeName(spec.Group))
        {
            return "The name of the pod instance can't be the name of a directory";
        }
        foreach (var mount in spec.Mounts)
        {
            if (mount.Source.Length == 0 || mount.Destination.Length == 0
                || mount.Source.Split('/').Contains("..") || mount.Destination.Split('/').Contains(".."))
            {
                return $"The volume '{mount.Source}' can't be mounted at '{mount.Destination}': paths must not be empty and not contain '..'";
            }
            if (mount.Volume is { } volume && VolumeStore.Refuse(volume) is { } problem)
            {
                return problem;
            }
        }
        return null;
    }

    /// <summary>
    /// Makes the directories of volumes and the mount points in the sandbox. Repeatable. Throws <see cref="FetchException"/> when a path of
    /// the node is missing.
    /// </summary>
    public static void Prepare(TaskSpec spec, TaskTools tools, string sandbox, NodeUser user)
    {
        tools.Secrets.Write(spec, user, forAnyUser: spec.Docker is not null);
        foreach (var (mount, volume) in spec.Mounts.Zip(Of(spec, tools, sandbox)))
        {
            if (mount.IsSecret || mount.Volume is not null || mount.External is not null)
            {
                // Made already.
            }
            else if (!mount.Source.StartsWith('/'))
            {
                if (spec.Group.Length > 0)
                {
                    Directory.CreateDirectory(tools.Sandboxes.GroupPathOf(spec.Group));
                }
                if (!Path.Exists(volume.Source))
                {
                    Directory.CreateDirectory(volume.Source);
                    File.SetUnixFileMode(volume.Source, Everyone);
                }
            }
            else if (!Path.Exists(volume.Source) && spec.Docker is null) // the daemon makes what is missing
            {
                throw new FetchException($"The host volume {volume.Source} does not exist on this node");
            }
            if (!mount.Destination.StartsWith('/') && !Path.Exists(volume.Destination))
            {
                MakeMountPoint(volume, sandbox, user);
            }
        }
    }

    public static IReadOnlyList<ContainerMount> Of(TaskSpec spec, TaskTools tools, string sandbox) =>
    [
        .. spec.Mounts.Select((mount, index) =>
        {
            if (mount.External is { } external && spec.Docker is not null)
            {
                return new ContainerMount(mount.Source, Absolute(mount.Destination, sandbox), mount.ReadOnly) { DockerDriver = external.Driver };
            }
            var source = mount.IsSecret ? tools.Secrets.PathOf(spec.TaskId, index)
                : mount.Volume is { } volume ? tools.Volumes.DataOf(volume)
                : mount.External is not null ? tools.ExternalVolumes.PathOf(mount)
                : Absolute(mount.Source, spec.Group.Length > 0 ? tools.Sandboxes.GroupPathOf(spec.Group) : sandbox);
            return new ContainerMount(source, Absolute(mount.Destination, sandbox), mount.ReadOnly)
            {
                IsFile = File.Exists(source),
                IsUsers = mount.IsSecret || mount.Volume is not null || mount.External is { Shared: false },
            };
        }),
    ];

    private static void MakeMountPoint(ContainerMount volume, string sandbox, NodeUser user)
    {
        var parts = volume.Destination[(sandbox.Length + 1)..].Split('/');
        var path = sandbox;
        for (var i = 0; i < parts.Length; i++)
        {
            path += "/" + parts[i];
            if (Path.Exists(path))
            {
                continue;
            }
            if (i == parts.Length - 1 && volume.IsFile)
            {
                File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write).Dispose();
            }
            else
            {
                Directory.CreateDirectory(path);
            }
            user.Own(path);
        }
    }

    // Without "." and doubled slashes, so that a path can be compared.
    private static string Absolute(string path, string root) => Path.GetFullPath(path, root).TrimEnd('/') is { Length: > 0 } full ? full : "/";
}
