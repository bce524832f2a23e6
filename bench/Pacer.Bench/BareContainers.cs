using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Pacer.Bench;

/// <summary>
/// Starts containers with nothing but conmon and crun: the very bundle and command line that Pacer used for one of its own, with
/// the container's id and places replaced. Bundles are written before the clock starts, and a small shell does the starting.
/// </summary>
internal sealed class BareContainers : IAsyncDisposable
{
    // conmon tells on its sync pipe when the container is created; then it can be started. Prints microseconds.
    private const string Script = """
        dir=$1 parallel=$2; shift 2
        mapfile -t monitor < "$dir/monitor"
        prepare() { :; }
        [ ! -e "$dir/prepare" ] || . "$dir/prepare"
        start() {
          prepare "$1"
          read -r line < <(_OCI_SYNCPIPE=3 "${monitor[@]//@ID@/$1}" 3>&1 >/dev/null 2>&1 </dev/null)
          /usr/bin/crun --root="$dir/oci" start "$1"
        }
        before=${EPOCHREALTIME/./}
        running=0
        for id; do
          if [ "$parallel" -eq 1 ]; then start "$id"; continue; fi
          start "$id" &
          running=$((running + 1))
          if [ "$running" -ge "$parallel" ]; then wait -n; running=$((running - 1)); fi
        done
        wait
        echo $(( ${EPOCHREALTIME/./} - before ))
        """;

    private static int s_last;

    private readonly string _directory = $"/dev/shm/pacer-bench-{Environment.ProcessId}-{++s_last}"; // a tmpfs, as Pacer's own run directory
    private string _config;
    private readonly string _id;
    private readonly List<string> _started = [];
    private readonly BareGround? _ground;
    private int _number;

    private BareContainers(string id, string config, string bundle, string[] monitor, BareGround? ground = null)
    {
        (_id, _config, _ground) = (id, config, ground);
        Directory.CreateDirectory(_directory + "/exits");
        monitor = Array.ConvertAll(monitor, word => word.Replace(bundle, $"{_directory}/@ID@", StringComparison.Ordinal).Replace(id, "@ID@", StringComparison.Ordinal));
        monitor[Array.IndexOf(monitor, "--exit-dir") + 1] = _directory + "/exits";
        monitor = Array.ConvertAll(monitor, word => word.StartsWith("--root=", StringComparison.Ordinal) ? $"--root={_directory}/oci" : word);
        File.WriteAllLines(_directory + "/monitor", monitor);
        File.WriteAllText(_directory + "/start", Script);
        if (ground is not null)
        {
            File.WriteAllText(_directory + "/prepare", ground.Script);
        }
    }

    public static bool ArePossible => File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/conmon");

    public static async Task<BareContainers> LikeOneOfAsync(BenchCluster cluster)
    {
        await cluster.TimeToRunningAsync("/template", 1);
        var (monitor, id, bundle) = MonitorOf(cluster, "template");
        return new BareContainers(id, await File.ReadAllTextAsync(bundle + "/config.json"), bundle, monitor);
    }

    /// <summary>Like the container of an app with an image, which is running.</summary>
    public static async Task<BareContainers> LikeAsync(BenchCluster cluster, string app, bool onBridge)
    {
        var (monitor, id, bundle) = MonitorOf(cluster, app);
        var config = await File.ReadAllTextAsync(bundle + "/config.json");
        var root = (string)JsonNode.Parse(config)!["root"]!["path"]!;
        var bare = new BareContainers(id, config, bundle, monitor, await BareGround.OfAsync(root, onBridge));
        bare._config = BareGround.Adapt(config, root, id, bare._directory);
        return bare;
    }

    private static (string[] Line, string Id, string Bundle) MonitorOf(BenchCluster cluster, string name)
    {
        var monitor = Directory.GetDirectories("/proc").Select(CommandLine).First(line => line is [var program, ..]
            && program.EndsWith("conmon", StringComparison.Ordinal) && line.Any(word => word.StartsWith(cluster.DataDirectory, StringComparison.Ordinal))
            && line[Array.IndexOf(line, "-c") + 1].Contains(name, StringComparison.Ordinal));
        return (monitor, monitor[Array.IndexOf(monitor, "-c") + 1], monitor[Array.IndexOf(monitor, "-b") + 1]);
    }

    /// <summary>From the first step to the moment when all commands run, as <c>TASK_RUNNING</c> tells it.</summary>
    public async Task<TimeSpan> StartAsync(int count, int parallelism)
    {
        var ids = Enumerable.Range(0, count).Select(_ => $"bare-{Environment.ProcessId}-{++_number}").ToList();
        foreach (var id in ids)
        {
            Directory.CreateDirectory($"{_directory}/{id}/state");
            _ground?.MakeDirectories(_directory, id);
            await File.WriteAllTextAsync($"{_directory}/{id}/config.json", _config.Replace(_id, id, StringComparison.Ordinal));
        }
        _started.AddRange(ids);
        // Of a session of its own: a start that Ctrl-C cut short would leave more than its end could find.
        var output = await RunAsync("/usr/bin/setsid", ["-w", "/bin/bash", _directory + "/start", _directory, parallelism.ToString(System.Globalization.CultureInfo.InvariantCulture), .. ids]);
        return TimeSpan.FromMicroseconds(double.Parse(output, System.Globalization.CultureInfo.InvariantCulture));
    }

    public async Task RemoveAllAsync()
    {
        await Parallel.ForEachAsync(_started, async (id, _) =>
        {
            var pidFile = $"{_directory}/{id}/conmon.pid";
            var monitor = File.Exists(pidFile) ? (await File.ReadAllTextAsync(pidFile, CancellationToken.None)).Trim() : "";
            await RunAsync("/usr/bin/crun", $"--root={_directory}/oci", "delete", "-f", id);
            while (monitor.Length > 0 && CommandLine("/proc/" + monitor).Contains(id))
            {
                await Task.Delay(2, CancellationToken.None); // its monitor goes last
            }
            await (_ground?.RemoveAsync(_directory, id) ?? Task.CompletedTask);
        });
        _started.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await RemoveAllAsync();
        await (_ground?.DisposeAsync() ?? ValueTask.CompletedTask);
        Directory.Delete(_directory, true);
    }

    /// <summary>Proportional memory of all monitors and inits of a data directory's containers, in kilobytes; and how many there are.</summary>
    public static (double Kilobytes, int Containers) MemoryOutside(string dataDirectory)
    {
        var (kilobytes, containers) = (0.0, 0);
        foreach (var directory in Directory.GetDirectories("/proc").Where(directory => int.TryParse(Path.GetFileName(directory), out _)))
        {
            var line = CommandLine(directory);
            var isMonitor = line is [var program, ..] && program.EndsWith("conmon", StringComparison.Ordinal) && line.Any(word => word.StartsWith(dataDirectory, StringComparison.Ordinal));
            var isInit = line is [var first, ..] && first.EndsWith("catatonit", StringComparison.Ordinal) && Variables(directory).Contains("MESOS_SANDBOX=" + dataDirectory, StringComparison.Ordinal);
            if (isMonitor || isInit)
            {
                kilobytes += Proportional(directory);
                containers += isMonitor ? 1 : 0;
            }
        }
        return (kilobytes, containers);
    }

    public static double Proportional(string directory)
    {
        var line = File.ReadLines(directory + "/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Variables(string directory)
    {
        try
        {
            return File.ReadAllText(directory + "/environ");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    public static string[] CommandLine(string directory)
    {
        try
        {
            return File.ReadAllText(directory + "/cmdline").TrimEnd('\0').Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadLineAsync() ?? "";
        await process.WaitForExitAsync();
        return output;
    }
}
