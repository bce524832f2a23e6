using System.Diagnostics;

namespace Pacer.Bench;

/// <summary>
/// Starts containers with nothing but conmon and crun: the very bundle and command line that Pacer used for one of its own, with
/// the container's id and places replaced.
/// </summary>
internal sealed class BareContainers : IAsyncDisposable
{
    private readonly string _directory = $"/dev/shm/pacer-bench-{Environment.ProcessId}"; // a tmpfs, as Pacer's own run directory
    private readonly string _id;
    private readonly string _config;
    private readonly string _bundle;
    private readonly string[] _monitor;
    private readonly List<(string Id, int Monitor)> _started = [];
    private int _number;

    private BareContainers(string id, string config, string bundle, string[] monitor)
    {
        (_id, _config, _bundle, _monitor) = (id, config, bundle, monitor);
        Directory.CreateDirectory(_directory + "/exits");
    }

    public static bool ArePossible => File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/conmon");

    public static async Task<BareContainers> LikeOneOfAsync(BenchCluster cluster)
    {
        await cluster.TimeToRunningAsync("/template", 1);
        var monitor = Directory.GetDirectories("/proc").Select(CommandLine).First(line => line is [var program, ..]
            && program.EndsWith("conmon", StringComparison.Ordinal) && line.Any(word => word.StartsWith(cluster.DataDirectory, StringComparison.Ordinal)));
        var id = monitor[Array.IndexOf(monitor, "-c") + 1];
        var bundle = monitor[Array.IndexOf(monitor, "-b") + 1];
        return new BareContainers(id, await File.ReadAllTextAsync(bundle + "/config.json"), bundle, monitor);
    }

    /// <summary>From the first step to the moment when the command runs, as <c>TASK_RUNNING</c> tells it.</summary>
    public async Task<TimeSpan> StartAsync()
    {
        var since = Stopwatch.StartNew();
        var id = "bare-" + Interlocked.Increment(ref _number);
        var bundle = $"{_directory}/{id}";
        Directory.CreateDirectory(bundle + "/state");
        await File.WriteAllTextAsync(bundle + "/config.json", _config.Replace(_id, id, StringComparison.Ordinal));
        var arguments = Array.ConvertAll(_monitor, word => word.Replace(_bundle, bundle, StringComparison.Ordinal).Replace(_id, id, StringComparison.Ordinal));
        arguments[Array.IndexOf(arguments, "--exit-dir") + 1] = _directory + "/exits";
        var root = Array.Find(arguments, word => word.StartsWith("--root=", StringComparison.Ordinal))!;
        var ownRoot = $"--root={_directory}/oci";
        arguments = Array.ConvertAll(arguments, word => word == root ? ownRoot : word);

        await RunAsync(arguments[0], arguments[1..]);
        var pid = arguments[Array.IndexOf(arguments, "-p") + 1];
        for (var waited = 0; !(File.Exists(pid) && new FileInfo(pid).Length > 0); waited++)
        {
            if (since.Elapsed > TimeSpan.FromSeconds(10))
            {
                throw new InvalidOperationException("bare container was not created: " + (File.Exists(bundle + "/runtime.log") ? await File.ReadAllTextAsync(bundle + "/runtime.log") : ""));
            }
            Thread.Sleep(TimeSpan.FromMicroseconds(200));
        }
        await RunAsync("/usr/bin/crun", ownRoot, "start", id);
        var monitor = int.Parse(await File.ReadAllTextAsync(bundle + "/conmon.pid"), System.Globalization.CultureInfo.InvariantCulture);
        var took = since.Elapsed;
        lock (_started)
        {
            _started.Add((id, monitor));
        }
        return took;
    }

    public async Task RemoveAllAsync()
    {
        await Parallel.ForEachAsync(_started, async (container, _) =>
        {
            await RunAsync("/usr/bin/crun", $"--root={_directory}/oci", "delete", "-f", container.Id);
            while (CommandLine($"/proc/{container.Monitor}").Contains(container.Id))
            {
                await Task.Delay(2, CancellationToken.None); // its monitor goes last
            }
        });
        _started.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await RemoveAllAsync();
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

    private static double Proportional(string directory)
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

    private static string[] CommandLine(string directory)
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

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // Pipes that nobody reads: a monitor passes its own output on to the container, and ours is a terminal.
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }
}
