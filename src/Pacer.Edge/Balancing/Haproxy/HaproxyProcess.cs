using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Pacer.Edge.Balancing.Haproxy;

/// <summary>
/// HAProxy as a master with workers, in a directory of its own. It is no child that dies with Pacer: who comes next finds it by its pid file and
/// goes on with it.
/// </summary>
internal sealed partial class HaproxyProcess(string directory)
{
    private const int Terminate = 15;
    private const int EndSoftly = 10; // SIGUSR1
    private static readonly TimeSpan ReloadPatience = TimeSpan.FromSeconds(10);
    private static readonly string[] Places = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy", "/usr/local/bin/haproxy"];

    private int _worker;
    private int _master;

    /// <summary>Where the program is; null: nowhere.</summary>
    public static string? Program { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(place => Path.Combine(place, "haproxy")).Concat(Places).FirstOrDefault(File.Exists);

    public string ConfigurationFile => Path.Combine(directory, "haproxy.cfg");

    public string AdminSocket => Path.Combine(directory, "admin.sock");

    public string MasterSocket => Path.Combine(directory, "master.sock");

    private string PidFile => Path.Combine(directory, "haproxy.pid");

    /// <summary>The master's process; null when none runs.</summary>
    public int? Master
    {
        get
        {
            if (_master != 0 && IsOurs(_master))
            {
                return _master; // it keeps its number, and writes its file anew when it loads a configuration
            }
            try
            {
                return int.TryParse(File.ReadAllText(PidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && IsOurs(pid) ? _master = pid : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <summary>What is wrong with a configuration; null: nothing.</summary>
    public async Task<string?> CheckAsync(string file)
    {
        var (code, output) = await RunAsync("-c", "-f", file);
        return code == 0 ? null : Problem(output, code);
    }

    /// <summary>Starts it with <see cref="ConfigurationFile"/>. Returns what went wrong, or null.</summary>
    public async Task<string?> StartAsync()
    {
        List<string> arguments = ["-W", "-D", "-f", ConfigurationFile, "-p", PidFile, "-S", MasterSocket + ",mode,600"];
        if (_worker != 0 && IsOurs(_worker))
        {
            // Its master died and it did not: it ends in order now.
            arguments.AddRange(["-x", AdminSocket, "-sf", _worker.ToString(CultureInfo.InvariantCulture)]);
        }
        var (code, output) = await RunAsync([.. arguments]);
        if (code != 0)
        {
            return Problem(output, code);
        }
        // The sockets that say what it does are there a moment later.
        var since = Stopwatch.StartNew();
        while (await WorkersAsync() is not [_, ..])
        {
            if (since.Elapsed > ReloadPatience)
            {
                return "it does not answer on its socket";
            }
            await Task.Delay(10);
        }
        return null;
    }

    /// <summary>Loads <see cref="ConfigurationFile"/> in place of what runs. Returns what went wrong, or null.</summary>
    public async Task<string?> ReloadAsync()
    {
        var before = (await WorkersAsync())?.FirstOrDefault() ?? 0;
        try
        {
            await HaproxySocket.AskAsync(MasterSocket, "reload");
        }
        catch (IOException)
        {
            // The master starts itself anew, and its connections end.
        }
        var since = Stopwatch.StartNew();
        while (true)
        {
            if (await WorkersAsync() is [var now, .. var others] && now != before)
            {
                if (!others.Contains(before) || await IsStoppingAsync(before) || since.Elapsed > ReloadPatience)
                {
                    return null;
                }
                await Task.Delay(5); // the one before may still take a connection
                continue;
            }
            if (Master is null)
            {
                return "it ended instead";
            }
            if (since.Elapsed > ReloadPatience)
            {
                return "no new process came up";
            }
            await Task.Delay(10);
        }
    }

    /// <summary>Processes that serve: the newest first, then those that finish what they have. Null when the master does not say.</summary>
    public async Task<int[]?> WorkersAsync()
    {
        string text;
        try
        {
            text = await HaproxySocket.AskAsync(MasterSocket, "show proc");
        }
        catch (IOException)
        {
            return null;
        }
        var workers = new List<int>();
        var (current, section) = (0, "");
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith('#'))
            {
                section = line;
            }
            else if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var pid, "worker", ..] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                if (section.StartsWith("# workers", StringComparison.Ordinal))
                {
                    current = number;
                }
                else
                {
                    workers.Add(number);
                }
            }
        }
        if (current == 0)
        {
            return null; // it is between two
        }
        _worker = current;
        return [current, .. workers];
    }

    private async Task<bool> IsStoppingAsync(int worker)
    {
        try
        {
            return !(await AskAsync(worker, "show info", CancellationToken.None)).Contains("Stopping: 0", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Asks one of the workers.</summary>
    public Task<string> AskAsync(int worker, string command, CancellationToken cancellationToken) =>
        HaproxySocket.AskAsync(MasterSocket, FormattableString.Invariant($"@!{worker} {command}"), cancellationToken);

    /// <summary>What one of the workers counts. Throws <see cref="IOException"/> when it does not answer.</summary>
    public async Task<IReadOnlyList<HaproxyRow>> StatisticsAsync(int worker, CancellationToken cancellationToken) =>
        HaproxyStatistics.Read(await AskAsync(worker, "show stat", cancellationToken));

    /// <summary>No new connections; those there are may finish what they do, for so long.</summary>
    public async Task EndAsync(TimeSpan longest)
    {
        if (Master is not { } master)
        {
            return;
        }
        kill(master, EndSoftly);
        var since = Stopwatch.StartNew();
        while (IsOurs(master))
        {
            if (since.Elapsed > longest)
            {
                kill(master, Terminate);
                longest = TimeSpan.MaxValue;
            }
            if (since.Elapsed > TimeSpan.FromSeconds(20))
            {
                return;
            }
            await Task.Delay(20);
        }
    }

    // A number may belong to another process by now.
    private bool IsOurs(int pid)
    {
        try
        {
            var line = "";
            for (var patience = 0; patience < 20 && line.Length == 0; patience++)
            {
                line = File.ReadAllText(FormattableString.Invariant($"/proc/{pid}/cmdline"));
                if (line.Length == 0)
                {
                    Thread.Sleep(1); // it is just becoming another program
                }
            }
            return line.Contains(ConfigurationFile, StringComparison.Ordinal)
                && !File.ReadAllText(FormattableString.Invariant($"/proc/{pid}/stat")).Contains(") Z ", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program!, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true, WorkingDirectory = directory };
        start.Environment.Remove("NOTIFY_SOCKET"); // that is Pacer's
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, error + await output);
        }
        catch (Win32Exception e)
        {
            return (-1, $"[ALERT] {Program} can't be started: {e.Message}");
        }
    }

    /// <summary>The first lines that say what is wrong, without HAProxy's decoration.</summary>
    private static string Problem(string output, int code)
    {
        var alerts = output.Split('\n').Where(line => line.StartsWith("[ALERT]", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(" : ", StringComparison.Ordinal) is var colon and > 0 ? colon + 3 : 7)..].Trim())
            .Select(line => line.StartsWith("config : ", StringComparison.Ordinal) ? line[9..] : line)
            .Where(line => !line.StartsWith("Error(s) found in ", StringComparison.Ordinal) && !line.StartsWith("Fatal errors found in ", StringComparison.Ordinal));
        var text = string.Join(" ", alerts.Take(2));
        return text.Length > 0 ? text : string.Create(CultureInfo.InvariantCulture, $"it ended with {code}");
    }

    [LibraryImport("libc")]
    private static partial int kill(int id, int signal);
}
