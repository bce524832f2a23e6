using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Pacer.Agent.Containers;

namespace Pacer.Shell.Tests.Agent;

/// <summary>
/// The smallest runtime whose containers outlive the agent: real processes without any isolation, each under a shell that notes pid
/// and exit code in files. For tests of what is above the runtime; they then need neither root nor crun.
/// </summary>
internal sealed class PlainRuntime(string directory) : IContainerRuntime
{
    private const string Script = """
        exec 3>&1 >/dev/null 2>&1 </dev/null
        trap : TERM
        dir=$1 sandbox=$2; shift 2
        exec 3>&-
        "$@" >>"$sandbox/stdout" 2>>"$sandbox/stderr" &
        c=$!
        echo $c >"$dir/pid.tmp"; mv "$dir/pid.tmp" "$dir/pid"
        while :; do wait $c; rc=$?; kill -0 $c || break; done
        echo $rc >"$dir/exit.tmp"; mv "$dir/exit.tmp" "$dir/exit"
        """;

    public string Name => "process";

    public string? MissingIsolation => "everything";

    public int Starts;

    public async Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Starts);
        if (plan.Arguments[^1].Contains("refuse-to-start", StringComparison.Ordinal))
        {
            throw new ContainerStartException("exec: no such program");
        }
        var place = Directory.CreateDirectory(PlaceOf(plan.ContainerId)).FullName;
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script, plan.ContainerId, place, plan.Sandbox, .. plan.Arguments]) { WorkingDirectory = plan.Sandbox };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (var (name, value) in plan.Environment)
        {
            start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        while (!File.Exists(Path.Combine(place, "pid")))
        {
            await Task.Delay(1, cancellationToken);
        }
        return new StartedContainer(plan.ContainerId, ReadPid(plan.ContainerId));
    }

    public async Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken)
    {
        var exit = Path.Combine(PlaceOf(containerId), "exit");
        while (!File.Exists(exit))
        {
            await Task.Delay(5, cancellationToken);
        }
        var code = int.Parse(File.ReadAllText(exit), CultureInfo.InvariantCulture);
        return code switch
        {
            // By agreement with the tests: what a kernel would say of a process that ate too much.
            77 => new ContainerExit(null, 9, OutOfMemory: true, Lost: false),
            78 => ContainerExit.Unknown,
            _ => ContainerExit.FromCode(code, outOfMemory: false),
        };
    }

    public Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(PlaceOf(containerId), "pid")) && !File.Exists(Path.Combine(PlaceOf(containerId), "exit")))
        {
            _ = kill(ReadPid(containerId), signal);
        }
        return Task.CompletedTask;
    }

    public async Task DeleteAsync(string containerId, CancellationToken cancellationToken)
    {
        await SignalAsync(containerId, 9, cancellationToken);
        if (Directory.Exists(PlaceOf(containerId)))
        {
            // Its shell still notes the exit code; deleting under its hands would fail.
            for (var i = 0; i < 2_000 && File.Exists(Path.Combine(PlaceOf(containerId), "pid")) && !File.Exists(Path.Combine(PlaceOf(containerId), "exit")); i++)
            {
                await Task.Delay(5, cancellationToken);
            }
            Directory.Delete(PlaceOf(containerId), recursive: true);
        }
    }

    public async Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken)
    {
        var place = PlaceOf(containerId);
        if (!Directory.Exists(place))
        {
            return RecoveredState.Absent;
        }
        for (var i = 0; i < 100 && !File.Exists(Path.Combine(place, "pid")); i++)
        {
            // Its shell may have been started a moment before the agent died.
            await Task.Delay(5, cancellationToken);
        }
        return File.Exists(Path.Combine(place, "exit")) ? RecoveredState.Exited
            : File.Exists(Path.Combine(place, "pid")) ? RecoveredState.Running
            : RecoveredState.NeverStarted;
    }

    public async Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken)
    {
        var removed = 0;
        Directory.CreateDirectory(directory);
        foreach (var place in Directory.EnumerateDirectories(directory).Select(Path.GetFileName).Where(id => !known.Contains(id!)).ToList())
        {
            await DeleteAsync(place!, cancellationToken);
            removed++;
        }
        return removed;
    }

    public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(plan.Arguments[0], plan.Arguments.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CONTAINER"] = containerId;
        return Task.FromResult<IExecProcess>(new ExecProcess(Process.Start(start)!));
    }

    public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) => Task.FromResult(new ContainerUsage(null, null, null));

    public IDisposable? Freeze(string containerId)
    {
        var pid = ReadPid(containerId);
        _ = kill(pid, 19);
        // The signal is only on its way yet: what the process still writes would be lost by a rotation.
        for (var looks = 0; looks < 100_000 && StateOf(pid) is not ('T' or 'Z' or null); looks++)
        {
            Thread.Yield();
        }
        return new Thaw(pid);
    }

    /// <summary>Ids of containers that have not ended.</summary>
    public IReadOnlyList<string> Running() => !Directory.Exists(directory) ? [] : [.. Directory.EnumerateDirectories(directory)
        .Where(place => File.Exists(Path.Combine(place, "pid")) && !File.Exists(Path.Combine(place, "exit")))
        .Select(place => Path.GetFileName(place))];

    private string PlaceOf(string containerId) => Path.Combine(directory, containerId);

    private int ReadPid(string containerId) =>
        int.Parse(File.ReadAllText(Path.Combine(PlaceOf(containerId), "pid")), CultureInfo.InvariantCulture);

    private static char? StateOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    [DllImport("libc")]
    internal static extern int kill(int pid, int signal);

    private sealed class Thaw(int pid) : IDisposable
    {
        public void Dispose() => _ = kill(pid, 18);
    }

    private sealed class ExecProcess(Process process) : IExecProcess
    {
        public Stream Input => process.StandardInput.BaseStream;

        public Stream Output => process.StandardOutput.BaseStream;

        public Stream ErrorOutput => process.StandardError.BaseStream;

        public void Resize(int rows, int columns)
        {
        }

        public async Task<int> WaitAsync(CancellationToken cancellationToken)
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }

        public ValueTask DisposeAsync()
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
            process.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
