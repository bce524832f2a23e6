using System.Globalization;
using Pacer.Agent.Disks;
using Pacer.Contracts.AgentLink;

namespace Pacer.Agent.Tasks;

/// <summary>Ends tasks that take more of a disk than they asked for.</summary>
internal sealed class DiskWatch(TaskTools tools)
{
    public void Look(IEnumerable<TaskSupervisor> tasks)
    {
        foreach (var task in tasks)
        {
            if (task.Snapshot is { Phase: TaskPhase.Running, Kill: null } && tools.Checkpoints.ReadSpec(task.TaskId) is { } spec && Exceeded(spec) is { } message)
            {
                task.Post(new TaskEvent.DiskExceeded(message));
            }
        }
    }

    /// <summary>What the sandbox may take; null: as much as there is. Volumes on the same disk have limits of their own.</summary>
    public static long? SandboxLimit(TaskSpec spec)
    {
        var volumes = spec.Mounts.Select(mount => mount.Volume).OfType<PersistentVolume>().Where(volume => volume.Disk.Length == 0).Sum(volume => volume.SizeBytes);
        return (spec.Resources?.DiskBytes ?? 0) - volumes is > 0 and var limit ? limit : null;
    }

    private string? Exceeded(TaskSpec spec)
    {
        if (SandboxLimit(spec) is { } limit && DirectorySize.Of(tools.Sandboxes.PathOf(spec.TaskId)) is var size && size > limit)
        {
            return $"Disk limit exceeded: the sandbox takes {MiB(size)} of {MiB(limit)} MiB";
        }
        foreach (var mount in spec.Mounts)
        {
            if (mount.Volume is { } volume && DirectorySize.Of(tools.Volumes.DataOf(volume)) is var taken && taken > volume.SizeBytes)
            {
                return $"Disk limit exceeded: the volume {mount.Destination} takes {MiB(taken)} of {MiB(volume.SizeBytes)} MiB";
            }
        }
        return null;
    }

    private static string MiB(long bytes) => (bytes / (double)(1 << 20)).ToString("0.#", CultureInfo.InvariantCulture);
}
