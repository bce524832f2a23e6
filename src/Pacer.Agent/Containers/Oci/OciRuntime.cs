using System.Collections.Concurrent;
using System.Globalization;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Users;

namespace Pacer.Agent.Containers.Oci;

/// <summary>
/// "Mesos containers" without a daemon: crun makes the container, conmon holds it. Everything that is needed to go on after
/// <c>kill -9</c> of the agent lies in files (<see cref="OciPaths"/>); memory holds only who waits.
/// </summary>
internal sealed class OciRuntime : IContainerRuntime
{
    private const UnixFileMode AnyoneSticky = UnixFileMode.StickyBit |
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly TimeSpan MonitorEndTime = TimeSpan.FromSeconds(10);

    private readonly OciTools _tools;
    private readonly OciPaths _paths;
    private readonly CgroupTree _cgroups;
    private readonly MonitorLauncher _launcher;
    private readonly OciExec _exec;
    private readonly ImageRoots _imageRoots;
    private readonly SharedIpc _sharedIpc;
    private readonly SeccompProfiles _seccomp;
    private readonly ulong _bounding;
    private readonly ConcurrentDictionary<string, Lazy<Task<ContainerExit>>> _exits = new();
    private readonly ConcurrentDictionary<string, bool> _starting = new();

    /// <param name="paths">Its run directory is on a tmpfs.</param>
    public OciRuntime(OciTools tools, OciPaths paths, CgroupLayout layout, string? missingIsolation, SeccompProfiles? seccomp = null)
    {
        (_tools, _paths, MissingIsolation) = (tools, paths, missingIsolation);
        _cgroups = new CgroupTree(layout, paths.CgroupRoot);
        _launcher = new MonitorLauncher(tools, paths, layout);
        _bounding = Capabilities.Parse(File.ReadAllText("/proc/self/status"), "CapBnd");
        _exec = new OciExec(tools, paths, _bounding);
        paths.Create();
        HostRootView.PrepareRoot(paths.RootFileSystem);
        _imageRoots = new ImageRoots(paths);
        _sharedIpc = new SharedIpc(paths);
        _seccomp = seccomp ?? new SeccompProfiles(null);
        RunsImages = _imageRoots.Problem() is null;
    }

    public bool RunsImages { get; }

    public string Name => "mesos";

    public string? MissingIsolation { get; }

    public OciPaths Paths => _paths;

    public CgroupTree Cgroups => _cgroups;

    public Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken) =>
        Task.Run(() => StartCoreAsync(plan), cancellationToken);

    public Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken) =>
        _exits.GetOrAdd(containerId, id => new(() => ObserveAsync(id))).Value.WaitAsync(cancellationToken);

    public async Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken)
    {
        if (signal == Libc.SigKill)
        {
            // A frozen process would die only when thawed. The end of init is the end of its pid namespace.
            _cgroups.Thaw(containerId);
        }

        if (ContainerRecord.Read(_paths.Record(containerId)) is { IsOfThisBoot: true } record)
        {
            if (signal != Libc.SigKill && _tools.Init is { } program)
            {
                await InitProcess.WaitUntilListeningAsync(record.Init, program, signal, cancellationToken).ConfigureAwait(false);
            }
            record.Init.Signal(signal);
        }
        else if (signal == Libc.SigKill)
        {
            // Its files are gone, but its cgroup still tells what belongs to it.
            KillUnrecorded(containerId);
        }
    }

    public async Task DeleteAsync(string containerId, CancellationToken cancellationToken)
    {
        if (ContainerRecord.Read(_paths.Record(containerId)) is { IsOfThisBoot: true } record)
        {
            _cgroups.Thaw(containerId);
            record.Init.Signal(Libc.SigKill);
            await EndMonitorAsync(containerId, record.Monitor).ConfigureAwait(false);
        }
        else
        {
            KillUnrecorded(containerId);
        }

        if (Directory.Exists(_paths.RuntimeState(containerId)))
        {
            await ChildProcess.RunAsync(_tools.Runtime, [$"--root={_paths.RuntimeRoot}", "delete", "-f", containerId]).ConfigureAwait(false);
            DeleteTree(_paths.RuntimeState(containerId));
        }

        await _cgroups.RemoveAsync(containerId).ConfigureAwait(false);
        _imageRoots.Remove(containerId);
        _sharedIpc.Leave(containerId);
        DeleteTree(_paths.Bundle(containerId));
        File.Delete(_paths.Record(containerId));
        File.Delete(_paths.ExitFile(containerId));
        _exits.TryRemove(containerId, out _);
    }

    public async Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken)
    {
        if (File.Exists(_paths.ExitFile(containerId)))
        {
            return RecoveredState.Exited;
        }

        if (ContainerRecord.Read(_paths.Record(containerId)) is not { } record)
        {
            // Interrupted before the record was written, so before the command could run; or nothing at all.
            if (!KnownIds().Contains(containerId))
            {
                return RecoveredState.Absent;
            }

            await DeleteAsync(containerId, cancellationToken).ConfigureAwait(false);
            return RecoveredState.NeverStarted;
        }

        if (!record.IsOfThisBoot)
        {
            return RecoveredState.Exited;
        }

        if (File.Exists(_paths.StartFifo(containerId)))
        {
            // The agent died before it let the command run, or in the moment between that and the removal of the fifo. Frozen, so that a
            // process that waits can't go on while it is looked at.
            using (_cgroups.Freeze(containerId))
            {
                if (IsWaiting(record.Init, containerId))
                {
                    record.Init.Signal(Libc.SigKill);
                    await DeleteAsync(containerId, cancellationToken).ConfigureAwait(false);
                    return RecoveredState.NeverStarted;
                }
            }
            File.Delete(_paths.StartFifo(containerId));
        }

        // The agent may have died in the middle of a log rotation, or before it moved the monitor.
        _cgroups.Thaw(containerId);
        if (record.Monitor.IsAlive)
        {
            _cgroups.AdoptMonitor(record.Monitor.Pid);
            return RecoveredState.Running;
        }

        return !File.Exists(_paths.ExitFile(containerId)) && record.Init.IsAlive ? RecoveredState.Running : RecoveredState.Exited;
    }

    /// <summary>Whether a container's first process still is the OCI runtime's, which becomes the command at the start.</summary>
    private static bool IsWaiting(ProcessIdentity init, string containerId)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{init.Pid}/cmdline").Split('\0');
            // That of crun is a copy of the process that creates the container, that of runc is called "runc init".
            return init.IsAlive && ((arguments.Contains("create") && arguments.Contains(containerId)) || arguments is [_, "init", ""]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public async Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken)
    {
        foreach (var file in Directory.EnumerateFiles(_paths.Records, "*" + ContainerRecord.Unfinished)
            .Where(file => !_starting.ContainsKey(Path.GetFileName(file)[..^ContainerRecord.Unfinished.Length])))
        {
            // Its writer was killed.
            File.Delete(file);
        }
        var orphans = KnownIds().Where(id => !known.Contains(id) && !_starting.ContainsKey(id)).ToList();
        await Parallel.ForEachAsync(
            orphans,
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (id, token) => await DeleteAsync(id, token).ConfigureAwait(false)).ConfigureAwait(false);
        return orphans.Count;
    }

    public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken) =>
        _exec.StartAsync(containerId, plan, cancellationToken);

    public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) => Task.FromResult(_cgroups.ReadUsage(containerId));

    public IDisposable? Freeze(string containerId) => _cgroups.Freeze(containerId);

    private async Task<StartedContainer> StartCoreAsync(ContainerPlan plan)
    {
        if (!Directory.Exists(plan.Sandbox))
        {
            throw new ContainerStartException($"the sandbox {plan.Sandbox} does not exist");
        }

        var id = plan.ContainerId;
        var bundle = _paths.Bundle(id);
        if (Directory.Exists(bundle) || !_starting.TryAdd(id, true))
        {
            throw new ContainerStartException($"a container {id} exists already");
        }

        try
        {
            _exits.TryRemove(id, out _);
            var spec = NetworkView.Apply(new BundleBuilder(_tools, _paths, _cgroups, _imageRoots, _sharedIpc, _seccomp, _bounding).Build(plan), plan);
            if (plan.Image is null)
            {
                MakePrivateTmp(plan.Sandbox);
            }

            // The OCI runtime works in the container's cgroup: at a hundredth of a core its mounts alone would take a tenth of a second.
            WriteBundle(bundle, spec with { Limits = spec.Limits with { CpuQuotaMicroseconds = null } });
            var initPid = await _launcher.CreateAsync(id, plan.Sandbox).ConfigureAwait(false);
            var monitorPid = int.Parse(File.ReadAllText($"{bundle}/conmon.pid"), CultureInfo.InvariantCulture);
            var record = new ContainerRecord(ContainerRecord.CurrentBootId, ProcessIdentity.Of(monitorPid), ProcessIdentity.Of(initPid));
            record.Write(_paths.Record(id));
            spec.Seccomp?.LearnFrom(_paths.RuntimeState(id));
            if (spec.Limits.CpuQuotaMicroseconds is { } quota && !_cgroups.CapCpu(id, quota))
            {
                throw new ContainerStartException("its CPU time can't be capped: the cgroup refuses a quota");
            }
            if (!_tools.IsCrun || !TryStartByFifo(id))
            {
                var (code, output) = await ChildProcess.RunAsync(_tools.Runtime, [$"--root={_paths.RuntimeRoot}", "start", id])
                    .ConfigureAwait(false);
                if (code != 0)
                {
                    throw new ContainerStartException($"the container could not be started: {output}");
                }
            }

            // Off the path of the start: moving a process between cgroups waits for every CPU of the machine.
            ThreadPool.QueueUserWorkItem(_ => _cgroups.AdoptMonitor(monitorPid));
            return new StartedContainer(id, initPid);
        }
        catch (Exception e)
        {
            await DeleteAsync(id, CancellationToken.None).ConfigureAwait(false);
            throw e is IOException or UnauthorizedAccessException
                ? new ContainerStartException($"the container could not be prepared: {e.Message}")
                : e is ContainerStartException ? e : new ContainerStartException("the container could not be prepared");
        }
        finally
        {
            _starting.TryRemove(id, out _);
        }
    }

    private static void MakePrivateTmp(string sandbox)
    {
        var tmp = HostRootView.PrivateTmp(sandbox);
        if (new FileInfo(tmp).LinkTarget is not null)
        {
            // Out of an archive: what it points to is not ours to give away.
            File.Delete(tmp);
        }
        Directory.CreateDirectory(tmp);
        File.SetUnixFileMode(tmp, AnyoneSticky);
    }

    private static void WriteBundle(string bundle, BundleSpec spec)
    {
        Directory.CreateDirectory($"{bundle}/state");
        using var file = File.OpenHandle($"{bundle}/config.json", FileMode.CreateNew, FileAccess.Write);
        RandomAccess.Write(file, spec.ToJson().Span, 0);
    }

    /// <summary>
    /// Does what <c>crun start</c> does, without its process: the created container waits for one byte on a fifo. Anything
    /// unexpected (not waiting yet, no fifo) leaves it to the real command.
    /// </summary>
    private unsafe bool TryStartByFifo(string containerId)
    {
        var fifo = _paths.StartFifo(containerId);
        var descriptor = Libc.Open(fifo, Libc.OpenWriteOnly | Libc.OpenNonBlocking | Libc.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            return false;
        }

        byte go = 0;
        var written = Libc.Write(descriptor, &go, 1);
        _ = Libc.Close(descriptor);
        if (written == 1)
        {
            File.Delete(fifo);
        }

        return written == 1;
    }

    private async Task<ContainerExit> ObserveAsync(string containerId)
    {
        if (ContainerRecord.Read(_paths.Record(containerId)) is { IsOfThisBoot: true } record)
        {
            // The monitor ends right after it has written the exit code.
            if (ExitFiles.Read(_paths.ExitFile(containerId)) is null)
            {
                await ExitWatch.Shared.WaitAsync(record.Monitor, CancellationToken.None).ConfigureAwait(false);
            }

            if (ExitFiles.Read(_paths.ExitFile(containerId)) is null)
            {
                // Someone killed the monitor: the container runs on, but nobody learns its code.
                await ExitWatch.Shared.WaitAsync(record.Init, CancellationToken.None).ConfigureAwait(false);
            }
        }

        return ExitFiles.Read(_paths.ExitFile(containerId)) is { } code
            ? ContainerExit.FromCode(
                code,
                CgroupReadings.IsOutOfMemory(code, _cgroups.OomKills(containerId), File.Exists($"{_paths.MonitorState(containerId)}/oom")))
            : ContainerExit.Unknown;
    }

    private async Task EndMonitorAsync(string containerId, ProcessIdentity monitor)
    {
        using var limit = new CancellationTokenSource(MonitorEndTime);
        try
        {
            await ExitWatch.Shared.WaitAsync(monitor, limit.Token).ConfigureAwait(false);
            if (_exits.TryGetValue(containerId, out var exit))
            {
                // Whoever waits gets the code before its file is removed.
                await exit.Value.WaitAsync(limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            monitor.Signal(Libc.SigKill);
        }
    }

    /// <summary>For a start that was cut short: the monitor, the runtime it may be running, and whatever is in the cgroup.</summary>
    private void KillUnrecorded(string containerId)
    {
        var bundle = _paths.Bundle(containerId);
        if (ExitFiles.Read($"{bundle}/conmon.pid") is { } pid && IsMonitorOf(pid, bundle))
        {
            ProcessSession.KillSessionOf(pid);
        }

        _cgroups.Kill(containerId);
    }

    private static bool IsMonitorOf(int pid, string bundle)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0').Contains(bundle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Every container of which anything is left.</summary>
    private HashSet<string> KnownIds()
    {
        var ids = new HashSet<string>(_cgroups.Containers().Concat(_imageRoots.Containers()).Concat(_sharedIpc.Containers()), StringComparer.Ordinal);
        foreach (var directory in (string[])[_paths.Bundles, _paths.RuntimeRoot, _paths.Records, _paths.Exits])
        {
            ids.UnionWith(Directory.EnumerateFileSystemEntries(directory).Select(e => Path.GetFileName(e)!)
                .Where(n => !n.StartsWith('.') && !n.EndsWith(ContainerRecord.Unfinished, StringComparison.Ordinal)));
        }

        return ids;
    }

    private static void DeleteTree(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
    }
}
