using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Text;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;

namespace Pacer.Agent.Containers.Processes;

/// <summary>
/// Containers as plain process groups, for machines without root or without namespaces. A small shell in front of each command
/// outlives the agent and writes down the exit code. No isolation and no limits: <see cref="MissingIsolation"/> says so.
/// </summary>
/// <param name="why">Why this machine has no better runtime, and how it gets one.</param>
internal sealed class ProcessRuntime(string workDir, string why) : IContainerRuntime
{
    // Descriptor 4 is the gate: it opens once the agent has recorded the pid, and an agent that dies before leaves a command that
    // never ran. Descriptor 3 is the command's stderr, so that the shell's own "Terminated" is not in the log (which takes
    // the brackets: a redirection of a plain command is in force while the shell reports). A trap keeps the shell
    // alive when its group gets SIGTERM and is undone in the command. Only builtins after the command: a kill of everything but the shell must not hit a helper of its own.
    private const string Wrapper =
        """
        leave() { echo "$1" >"$exit"; }
        exit=$0
        trap : TERM INT HUP QUIT USR1 USR2
        read -r go <&4 || { leave never; exit; }
        exec 4<&-
        ( exec "$@" 2>&3 3>&- )
        leave $?
        """;

    private const string Never = "never";
    private const string Shell = "/bin/sh";
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(10);

    private readonly ProcessPaths _paths = new(workDir);
    private readonly ConcurrentDictionary<string, Lazy<Task<ContainerExit>>> _exits = new();

    public string Name => "process";

    public string? MissingIsolation { get; } = $"no namespaces and no cpu, memory or process limits for containers: {why}";

    public Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken) =>
        Task.Run(() => StartCoreAsync(plan), cancellationToken);

    public Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken) =>
        _exits.GetOrAdd(containerId, id => new(() => ObserveAsync(id))).Value.WaitAsync(cancellationToken);

    public async Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken)
    {
        if (Read(containerId) is not { } record || !record.Monitor.IsAlive)
        {
            return;
        }

        if (signal == Libc.SigKill)
        {
            await KillAllAsync(containerId, record.Monitor.Pid).ConfigureAwait(false);
        }
        else
        {
            _ = Libc.Kill(-record.Monitor.Pid, signal);
        }
    }

    public async Task DeleteAsync(string containerId, CancellationToken cancellationToken)
    {
        var wrapper = Read(containerId)?.Monitor ?? ProcessIdentity.None;
        await KillAllAsync(containerId, wrapper.IsAlive ? wrapper.Pid : 0).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(KillTime);
        try
        {
            await ExitWatch.Shared.WaitAsync(wrapper, limit.Token).ConfigureAwait(false);
            if (_exits.TryGetValue(containerId, out var exit))
            {
                // Whoever waits gets the code before its file is removed.
                await exit.Value.WaitAsync(limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            wrapper.Signal(Libc.SigKill);
        }

        if (Directory.Exists(_paths.Directory(containerId)))
        {
            Directory.Delete(_paths.Directory(containerId), recursive: true);
        }

        _exits.TryRemove(containerId, out _);
    }

    public async Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_paths.Directory(containerId)))
        {
            return RecoveredState.Absent;
        }

        if (Read(containerId) is not { } record || ReadText(_paths.ExitFile(containerId)) == Never)
        {
            await DeleteAsync(containerId, cancellationToken).ConfigureAwait(false);
            return RecoveredState.NeverStarted;
        }

        return record.IsOfThisBoot && record.Monitor.IsAlive
            ? RecoveredState.Running
            : RecoveredState.Exited;
    }

    public async Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken)
    {
        var ids = MarkedProcesses.Of(_paths.Owner).Select(p => p.ContainerId).ToHashSet(StringComparer.Ordinal);
        if (Directory.Exists(_paths.All))
        {
            ids.UnionWith(Directory.EnumerateDirectories(_paths.All).Select(d => Path.GetFileName(d)!));
        }

        ids.ExceptWith(known);
        foreach (var id in ids)
        {
            await DeleteAsync(id, cancellationToken).ConfigureAwait(false);
        }

        return ids.Count;
    }

    public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken) =>
        Task.Run(() => Exec(containerId, plan), cancellationToken);

    private IExecProcess Exec(string containerId, ExecPlan plan)
    {
        if (ReadText(_paths.Sandbox(containerId)) is not { } sandbox || ReadText(_paths.Environment(containerId)) is not { } stored)
        {
            return new RefusedExec($"container {containerId} is not running", RefusedExec.CannotRun, plan.Tty);
        }

        var user = plan.User ?? (ReadText(_paths.User(containerId)) is { Length: > 0 } containerUser ? containerUser : null);
        var (prefix, problem) = UserSwitch.To(user);
        if (problem is not null)
        {
            return new RefusedExec(problem, RefusedExec.CannotRun, plan.Tty);
        }

        var environment = ContainerEnvironment.Merge(stored.Split('\0', StringSplitOptions.RemoveEmptyEntries), plan.Environment);
        var path = ContainerEnvironment.Value(environment, "PATH") ?? CommandLookup.DefaultPath;
        if (CommandLookup.Problem(plan.Arguments.Count > 0 ? plan.Arguments[0] : "", path, sandbox, p => p) is { } missing)
        {
            return new RefusedExec(
                missing, missing.Contains("not found", StringComparison.Ordinal) ? RefusedExec.NotFound : RefusedExec.CannotRun, plan.Tty);
        }

        if (plan.Tty && ContainerEnvironment.Value(environment, "TERM") is null)
        {
            environment = [.. environment, "TERM=xterm"];
        }

        return ExecProcess.Start(
            // The shell searches PATH and becomes the command.
            new ChildPlan(Shell, ["-c", "exec \"$@\"", "exec", .. prefix, .. plan.Arguments], environment, [], sandbox),
            plan.Tty ? (plan.Rows, plan.Columns) : null,
            pid =>
            {
                ProcessSession.KillSessionOf(pid);
                return Task.CompletedTask;
            },
            () => { });
    }

    public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) => Task.FromResult(
        Read(containerId) is { } record && record.Monitor.IsAlive ? SessionUsage.Of(record.Monitor.Pid) : new ContainerUsage(null, null, null));

    /// <summary>Not possible: stopping processes by signals is visible to them and to their parents.</summary>
    public IDisposable? Freeze(string containerId) => null;

    private async Task<StartedContainer> StartCoreAsync(ContainerPlan plan)
    {
        var id = plan.ContainerId;
        var directory = _paths.Directory(id);
        var (prefix, problem) = UserSwitch.To(plan.User);
        if (problem is not null)
        {
            throw new ContainerStartException(problem);
        }

        if (!Directory.Exists(plan.Sandbox))
        {
            throw new ContainerStartException($"the sandbox {plan.Sandbox} does not exist");
        }

        var environment = ContainerEnvironment.Of(plan.Environment, plan.Sandbox);
        var path = ContainerEnvironment.Value(environment, "PATH")!;
        if (CommandLookup.Problem(plan.Arguments.Count > 0 ? plan.Arguments[0] : "", path, plan.Sandbox, p => p) is { } missing)
        {
            throw new ContainerStartException(missing);
        }

        if (Directory.Exists(directory))
        {
            throw new ContainerStartException($"a container {id} exists already");
        }

        VolumeLinks.Make(plan.Mounts, plan.Sandbox);

        _exits.TryRemove(id, out _);
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await File.WriteAllTextAsync(_paths.Environment(id), string.Join('\0', environment)).ConfigureAwait(false);
            await File.WriteAllTextAsync(_paths.User(id), plan.User ?? "").ConfigureAwait(false);
            await File.WriteAllTextAsync(_paths.Sandbox(id), plan.Sandbox).ConfigureAwait(false);
            var pid = Spawn(plan, [.. prefix, .. plan.Arguments], [.. environment, $"{MarkedProcesses.Variable}={_paths.Owner}/{id}"]);
            return new StartedContainer(id, pid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await DeleteAsync(id, CancellationToken.None).ConfigureAwait(false);
            throw new ContainerStartException($"the process could not be started: {e.Message}");
        }
    }

    private int Spawn(ContainerPlan plan, IReadOnlyList<string> command, IReadOnlyList<string> environment)
    {
        var id = plan.ContainerId;
        var (gateReader, gateWriter) = ChildProcess.CreatePipe();
        using var gate = new AnonymousPipeClientStream(PipeDirection.Out, gateWriter);
        int pid;
        using (gateReader)
        {
            pid = ChildProcess.Start(new ChildPlan(
                Shell,
                ["-c", Wrapper, _paths.ExitFile(id), .. command],
                environment,
                [
                    // The source of a copy must not be a later target.
                    ChildDescriptor.Copy(4, gateReader),
                    ChildDescriptor.AppendTo(3, $"{plan.Sandbox}/stderr"),
                    ChildDescriptor.Nothing(0),
                    ChildDescriptor.AppendTo(1, $"{plan.Sandbox}/stdout"),
                    ChildDescriptor.Nothing(2),
                ],
                plan.Sandbox,
                NewSession: true));
        }

        _ = ChildProcess.WaitAsync(pid);
        new ContainerRecord(ContainerRecord.CurrentBootId, ProcessIdentity.Of(pid), ProcessIdentity.None).Write(_paths.Record(id));
        gate.Write("\n"u8);
        return pid;
    }

    private async Task<ContainerExit> ObserveAsync(string containerId)
    {
        if (Read(containerId) is { IsOfThisBoot: true } record)
        {
            await ExitWatch.Shared.WaitAsync(record.Monitor, CancellationToken.None).ConfigureAwait(false);
        }

        return ExitFiles.Read(_paths.ExitFile(containerId)) is { } code ? ContainerExit.FromCode(code, false) : ContainerExit.Unknown;
    }

    /// <summary>Kills all but the wrapper, which then writes down how its command ended; again until nothing new has been forked.</summary>
    private async Task KillAllAsync(string containerId, int wrapper)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < KillTime)
        {
            var pids = MarkedProcesses.Of(_paths.Owner).Where(p => p.ContainerId == containerId).Select(p => p.Pid)
                .Concat(wrapper > 0 ? ProcessSession.Members(wrapper) : []).Where(p => p != wrapper).Distinct()
                .Where(p => ProcessIdentity.Of(p).Pid != 0).ToList();
            if (pids.Count == 0)
            {
                return;
            }

            foreach (var pid in pids)
            {
                _ = Libc.Kill(pid, Libc.SigKill);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2)).ConfigureAwait(false);
        }
    }

    private ContainerRecord? Read(string containerId) => ContainerRecord.Read(_paths.Record(containerId));

    private static string? ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file, Encoding.UTF8).Trim('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
