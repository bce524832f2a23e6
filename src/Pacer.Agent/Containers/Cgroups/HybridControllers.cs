using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Cgroups;

/// <summary>
/// crun refuses a hybrid machine whose v2 hierarchy holds a controller ("drop all controllers from cgroupv2"; usually hugetlb is
/// left there). Nobody uses such a controller on a hybrid machine, so it is mounted as a v1 hierarchy of its own. That lasts until
/// reboot or <c>umount /sys/fs/cgroup/NAME</c> and is the same for every agent of the machine, hence the lock.
/// </summary>
internal static class HybridControllers
{
    private const string LockFile = "/run/pacer-cgroups.lock";

    /// <summary>True when v2 holds no controller any more.</summary>
    public static async Task<bool> MoveToV1Async(CgroupLayout layout, CancellationToken cancellationToken)
    {
        if (layout is not { Version: CgroupVersion.Hybrid, Unified: { } unified } || Left(unified).Length == 0)
        {
            return true;
        }

        try
        {
            await using var held = await LockAsync(cancellationToken).ConfigureAwait(false);
            foreach (var controller in Left(unified))
            {
                var target = $"{Path.GetDirectoryName(unified)}/{controller}";
                Directory.CreateDirectory(target);
                _ = Libc.Mount("cgroup", target, "cgroup", 0, controller);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Someone forbids it (a read-only /sys/fs/cgroup); the monitors then start without sight of the v2 hierarchy.
        }

        return Left(unified).Length == 0;
    }

    private static string[] Left(string unified)
    {
        try
        {
            return File.ReadAllText($"{unified}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                // Another agent holds it for a few milliseconds.
                await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
