using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Users;
using Pacer.Agent.Node;

namespace Pacer.Agent.Containers.Oci;

/// <summary>Turns a plan into a bundle, after a look whether it can work: a message that names the cause beats an exit code.</summary>
internal sealed class BundleBuilder(OciTools tools, OciPaths paths, CgroupTree cgroups, ImageRoots imageRoots, SharedIpc sharedIpc, SeccompProfiles seccomp, ulong bounding)
{
    /// <summary>Mounts the image's root, if there is one. Throws <see cref="ContainerStartException"/>.</summary>
    public BundleSpec Build(ContainerPlan plan)
    {
        var spec = plan.Image is { } image ? OnImage(plan, image) : OnHost(plan);
        var ipc = plan.SharedIpc is { } group ? sharedIpc.Join(group, plan.ContainerId, plan.ShmBytes) : null;
        return spec with
        {
            IpcNamespace = ipc?.NamespacePath,
            Seccomp = seccomp.Find(plan.SeccompProfile, plan.SeccompUnconfined, plan.Image is not null, spec.Process.Capabilities),
            SharesNodeIpc = plan.ShareNodeIpc,
            Devices = plan.Devices,
            Mounts = [.. spec.Mounts.Select(mount => mount is { Destination: "/dev/shm", Type: "tmpfs" } ? SharedMemory(plan, ipc) : mount)],
        };
    }

    private static BundleMount SharedMemory(ContainerPlan plan, IpcPlace? shared) => plan.ShareNodeIpc || shared is not null
        ? new("/dev/shm", "bind", shared?.SharedMemory ?? "/dev/shm", ["rbind", "rw", "nosuid", "noexec", "nodev"])
        : new("/dev/shm", "tmpfs", "shm",
            ["nosuid", "noexec", "nodev", "mode=1777", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"size={plan.ShmBytes}")]);

    private BundleSpec OnHost(ContainerPlan plan)
    {
        var user = plan.User is null
            ? ContainerUser.Root
            : UserDatabase.OfHost().Find(plan.User)
              ?? throw new ContainerStartException($"user '{plan.User}' does not exist on this node");
        var environment = ContainerEnvironment.Of(plan.Environment, plan.Sandbox);
        CheckCommand(plan, environment, plan.Sandbox, path => HostRootView.HostPathOf(path, plan.Sandbox));
        foreach (var volume in plan.Mounts)
        {
            HostRootView.PrepareMountPoint(volume, paths.RootFileSystem, plan.Sandbox);
        }
        return new BundleSpec(
            Process(plan, tools.Init, environment, user, plan.Sandbox),
            paths.RootFileSystem,
            plan.Hostname,
            HostRootView.Mounts(HostRootView.TopLevelDirectories(), paths, plan.Sandbox, HostRootView.HiddenResolverFile(), plan.Mounts),
            cgroups.PathOf(plan.ContainerId),
            cgroups.Layout.Version,
            CgroupLimits.Of(plan));
    }

    private BundleSpec OnImage(ContainerPlan plan, ImageRoot image)
    {
        var mounted = imageRoots.Mount(plan.ContainerId, image.Layers);
        using var root = RootedDirectory.Open(mounted);
        var name = plan.User ?? image.User ?? "";
        var user = ImageUser.Find(ImageRoots.UsersOf(root), name)
            ?? throw new ContainerStartException($"user '{name}' does not exist in the image");
        var environment = ContainerEnvironment.Of(plan.Environment, user.Home ?? "/");
        var directory = image.WorkingDirectory ?? ImageRootView.Sandbox;
        CheckCommand(plan, environment, directory, path => ImageRootView.IsCovered(path) ? null : root.RealPath(path) ?? mounted + path);
        if (!ImageRootView.IsCovered(directory))
        {
            Make(root, directory);
        }
        foreach (var wanted in image.Directories.Where(path => !ImageRootView.IsCovered(path)))
        {
            Make(root, wanted);
        }
        var volumes = plan.Mounts.Select(volume => ImageRootView.InImage(volume, plan.Sandbox)).ToList();
        foreach (var volume in volumes.Where(volume => !ImageRootView.IsCovered(volume.Destination)))
        {
            // A file is bound over a file: an empty one is made for it.
            if (File.Exists(volume.Source))
            {
                MakeFile(root, volume.Destination);
            }
            else
            {
                Make(root, volume.Destination);
            }
        }
        var owner = new NodeUser(user.Uid, user.Gid);
        foreach (var volume in plan.Mounts.Where(volume => volume.IsUsers))
        {
            owner.Own(volume.Source);
        }
        owner.OwnTree(plan.Sandbox);
        return new BundleSpec(
            Process(plan, tools.Init is null ? null : ImageRootView.InitIn(tools.Init), environment, user, directory),
            mounted,
            plan.Hostname,
            ImageRootView.Mounts(plan.Sandbox, tools.Init, volumes),
            cgroups.PathOf(plan.ContainerId),
            cgroups.Layout.Version,
            CgroupLimits.Of(plan)) { WritableRoot = true };
    }

    private BundleProcess Process(ContainerPlan plan, string? init, IReadOnlyList<string> environment, ContainerUser user, string directory) => new(
        // -g: like Mesos, a signal reaches the command's whole process group, not only a shell in front of it.
        init is not null ? [init, "-g", "--", .. plan.Arguments] : plan.Arguments,
        environment,
        user,
        Capabilities.For(user, bounding),
        directory,
        null);

    private static void CheckCommand(ContainerPlan plan, IReadOnlyList<string> environment, string directory, Func<string, string?> hostPath)
    {
        var command = plan.Arguments.Count > 0 ? plan.Arguments[0] : "";
        if (CommandLookup.Problem(command, ContainerEnvironment.Value(environment, "PATH")!, directory, hostPath) is { } problem)
        {
            throw new ContainerStartException(problem);
        }
    }

    private static void Make(RootedDirectory root, string path)
    {
        try
        {
            _ = Libc.Close(root.OpenDirectory(path.Trim('/')));
        }
        catch (IOException e)
        {
            throw new ContainerStartException($"the directory {path} can't be made in the image: {e.Message}");
        }
    }

    private static void MakeFile(RootedDirectory root, string path)
    {
        if (root.RealPath(path) is not null)
        {
            return;
        }
        try
        {
            var slash = path.LastIndexOf('/');
            var parent = root.OpenDirectory(path[..slash].Trim('/') is { Length: > 0 } above ? above : ".");
            try
            {
                File.OpenHandle($"/proc/self/fd/{parent}/{path[(slash + 1)..]}", FileMode.CreateNew, FileAccess.Write).Dispose();
            }
            finally
            {
                _ = Libc.Close(parent);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContainerStartException($"the file {path} can't be made in the image: {e.Message}");
        }
    }
}
