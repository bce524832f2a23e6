using System.Globalization;
using System.Text;
using Pacer.Agent.Containers.Native;

namespace Pacer.Agent.Containers.Cgroups;

/// <summary>
/// The cgroups of one work directory: ROOT/CONTAINER in every hierarchy, and ROOT/.monitors for the containers' monitors.
/// Touches nothing outside its root.
/// </summary>
/// <param name="root">Like <c>/pacer-1a2b3c4d</c>, the same in all hierarchies.</param>
internal sealed class CgroupTree(CgroupLayout layout, string root)
{
    private const string Monitors = ".monitors";
    private static readonly TimeSpan RemovalTime = TimeSpan.FromSeconds(5);

    public CgroupLayout Layout => layout;

    public string PathOf(string containerId) => $"{root}/{containerId}";

    /// <summary>Containers that have a cgroup in any hierarchy.</summary>
    public IReadOnlySet<string> Containers()
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var hierarchy in layout.Hierarchies.Where(h => Directory.Exists(h + root)))
        {
            found.UnionWith(Directory.EnumerateDirectories(hierarchy + root).Select(d => Path.GetFileName(d)!).Where(n => n != Monitors));
        }

        return found;
    }

    /// <summary>Every process in the container's cgroup, in whichever hierarchy it is listed.</summary>
    public IReadOnlyCollection<int> Processes(string containerId)
    {
        var pids = new HashSet<int>();
        foreach (var hierarchy in layout.Hierarchies)
        {
            pids.UnionWith(ReadPids(hierarchy + PathOf(containerId)));
        }

        return pids;
    }

    /// <summary>Kills everything in the container's cgroup, and thaws it, since a frozen process does not die.</summary>
    public void Kill(string containerId)
    {
        var path = PathOf(containerId);
        Thaw(containerId);
        if (layout.Unified is { } unified && TryWrite($"{unified}{path}/cgroup.kill", "1"))
        {
            return;
        }

        foreach (var pid in Processes(containerId))
        {
            _ = Libc.Kill(pid, Libc.SigKill);
        }
    }

    /// <summary>Removes the container's cgroups in every hierarchy, killing what is left in them.</summary>
    public async Task RemoveAsync(string containerId)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!TryRemove(PathOf(containerId)) && TimeProvider.System.GetElapsedTime(deadline) < RemovalTime)
        {
            // Dying processes keep a cgroup busy for a moment and the kernel tells nobody when they are gone.
            Kill(containerId);
            await Task.Delay(TimeSpan.FromMilliseconds(2)).ConfigureAwait(false);
        }
    }

    /// <summary>Removes the root as well; only when nothing of this work directory is to live on.</summary>
    public void RemoveRoot()
    {
        TryRemove($"{root}/{Monitors}");
        TryRemove(root);
    }

    /// <summary>
    /// Takes a monitor out of the agent's own cgroup wherever the agent is in one, so that neither a limit on the agent nor
    /// a service manager that ends "the agent and all its children" reaches it.
    /// </summary>
    public void AdoptMonitor(int pid)
    {
        foreach (var hierarchy in HierarchiesThatConfine(pid))
        {
            var directory = $"{hierarchy}{root}/{Monitors}";
            try
            {
                Directory.CreateDirectory(directory);
                FillCpuset(hierarchy);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            TryWrite($"{directory}/cgroup.procs", pid.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Caps the CPU time of a container that has been made. False: it can't be; true also where the machine has no such controller.</summary>
    public bool CapCpu(string containerId, long quotaMicroseconds) =>
        layout.Directory("cpu", PathOf(containerId)) is not { } directory || (layout.Version == CgroupVersion.V2
            ? TryWrite($"{directory}/cpu.max", string.Create(CultureInfo.InvariantCulture, $"{quotaMicroseconds} {CgroupLimits.PeriodMicroseconds}"))
            : TryWrite($"{directory}/cpu.cfs_period_us", CgroupLimits.PeriodMicroseconds.ToString(CultureInfo.InvariantCulture))
              && TryWrite($"{directory}/cpu.cfs_quota_us", quotaMicroseconds.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Times the kernel killed a process of the container for memory; null when its cgroup is gone.</summary>
    public long? OomKills(string containerId) =>
        layout.Directory("memory", PathOf(containerId)) is { } directory
            ? CgroupReadings.Value(TryRead($"{directory}/{(layout.Version == CgroupVersion.V2 ? "memory.events" : "memory.oom_control")}"), "oom_kill")
            : null;

    public ContainerUsage ReadUsage(string containerId)
    {
        string? Read(string controller, string file) =>
            layout.Directory(controller, PathOf(containerId)) is { } directory ? TryRead($"{directory}/{file}") : null;

        return layout.Version == CgroupVersion.V2 ? CgroupReadings.UsageV2(Read) : CgroupReadings.UsageV1(Read);
    }

    /// <summary>Stops the container's processes and waits until they stand still; null when that is not possible.</summary>
    public IDisposable? Freeze(string containerId)
    {
        if (FreezeFiles(containerId) is not { } files || !TryWrite(files.Control, files.Frozen))
        {
            return null;
        }

        var started = TimeProvider.System.GetTimestamp();
        while (!(TryRead(files.State) ?? "").Contains(files.FrozenState, StringComparison.Ordinal))
        {
            if (TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromMilliseconds(200))
            {
                Thaw(containerId);
                return null;
            }

            Thread.Sleep(0);
        }

        return new Thawing(this, containerId);
    }

    /// <summary>Lets a container run on that an agent froze and then left.</summary>
    public void Thaw(string containerId)
    {
        if (FreezeFiles(containerId) is { } files)
        {
            TryWrite(files.Control, files.Thawed);
        }
    }

    private (string Control, string Frozen, string Thawed, string State, string FrozenState)? FreezeFiles(string containerId) =>
        layout.Directory("freezer", PathOf(containerId)) is not { } directory ? null
        : layout.Version == CgroupVersion.V2 ? ($"{directory}/cgroup.freeze", "1", "0", $"{directory}/cgroup.events", "frozen 1")
        : ($"{directory}/freezer.state", "FROZEN", "THAWED", $"{directory}/freezer.state", "FROZEN");

    /// <summary>Hierarchies in which this process is not at the root already; moving costs milliseconds, so none for nothing.</summary>
    private List<string> HierarchiesThatConfine(int pid)
    {
        var confined = new List<string>();
        foreach (var line in (TryRead($"/proc/{pid}/cgroup") ?? "").Split('\n'))
        {
            var parts = line.Split(':', 3);
            if (parts.Length < 3 || parts[2] == "/" || parts[2].StartsWith(root + "/", StringComparison.Ordinal))
            {
                continue;
            }

            var hierarchy = parts[1].Length == 0 ? layout.Unified : layout.Controllers.GetValueOrDefault(parts[1].Split(',')[0]);
            if (hierarchy is not null)
            {
                confined.Add(hierarchy);
            }
        }

        return confined;
    }

    // A v1 cpuset takes no process before its CPUs and memory nodes are named.
    private void FillCpuset(string hierarchy)
    {
        var parent = hierarchy;
        foreach (var directory in (string[])[hierarchy + root, $"{hierarchy}{root}/{Monitors}"])
        {
            foreach (var file in (string[])["cpuset.cpus", "cpuset.mems"])
            {
                if (layout.Version != CgroupVersion.V2 && TryRead($"{directory}/{file}") is { } text && text.Trim().Length == 0)
                {
                    TryWrite($"{directory}/{file}", (TryRead($"{parent}/{file}") ?? "").Trim());
                }
            }

            parent = directory;
        }
    }

    private bool TryRemove(string path)
    {
        var all = true;
        foreach (var hierarchy in layout.Hierarchies)
        {
            all &= RemoveTree(hierarchy + path);
        }

        return all;
    }

    private static bool RemoveTree(string directory)
    {
        try
        {
            if (!Directory.Exists(directory))
            {
                return true;
            }

            // Containers may have made cgroups of their own below.
            foreach (var child in Directory.GetDirectories(directory))
            {
                RemoveTree(child);
            }

            Directory.Delete(directory, recursive: false);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static List<int> ReadPids(string directory)
    {
        var pids = new List<int>();
        foreach (var line in (TryRead($"{directory}/cgroup.procs") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0)
            {
                pids.Add(pid);
            }
        }

        return pids;
    }

    private static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool TryWrite(string file, string value)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            stream.Write(Encoding.ASCII.GetBytes(value));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private sealed class Thawing(CgroupTree tree, string containerId) : IDisposable
    {
        public void Dispose() => tree.Thaw(containerId);
    }
}
