using System.Security.Cryptography;
using System.Text;

namespace Pacer.EndToEnd.Support;

/// <summary>What really runs and lies on this machine of one data directory, found without asking Pacer.</summary>
internal sealed class Machine(string dataDirectory)
{
    private readonly string _work = Path.Combine(dataDirectory, "agent");

    /// <summary>Where the agent mounts and keeps its bundles.</summary>
    private string RunHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dataDirectory)))[..12];

    private string CgroupRoot => "pacer-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_work)))[..8];

    /// <summary>
    /// Task ids of all living processes, one entry for every container: a task that runs twice is there twice. Told by the
    /// environment, which a process can't lose, and by the pid namespace (or the session, without isolation).
    /// </summary>
    public IReadOnlyList<string> RunningTasks() =>
        [.. Processes().Where(process => process.TaskId is not null).Select(process => (process.TaskId!, process.Container)).Distinct()
            .Select(pair => pair.Item1).Order(StringComparer.Ordinal)];

    /// <summary>How the names of its interfaces and network namespaces begin.</summary>
    private string NetworkPrefix => "p" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_work)))[..7];

    /// <summary>Host pids of a task's processes.</summary>
    public IReadOnlyList<int> ProcessesOf(string taskId) => [.. Processes().Where(process => process.TaskId == taskId).Select(process => process.Id).Order()];

    /// <summary>Everything that would be a leak after 'pacer down': processes, cgroups, mounts, interfaces, rules.</summary>
    public IReadOnlyList<string> Leftovers()
    {
        var found = new List<string>();
        found.AddRange(Processes().Select(process => $"process {process.Id}: {process.CommandLine}"));
        found.AddRange(Cgroups());
        found.AddRange(Networks());
        found.AddRange(File.ReadAllLines("/proc/self/mountinfo").Where(line => line.Contains(RunHash, StringComparison.Ordinal) || line.Contains(dataDirectory, StringComparison.Ordinal)));
        return found;
    }

    /// <summary>Cgroups of containers that still exist, in any hierarchy.</summary>
    public IReadOnlyList<string> Cgroups()
    {
        var found = new List<string>();
        foreach (var hierarchy in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            var root = Path.Combine(hierarchy, CgroupRoot);
            if (Directory.Exists(root))
            {
                found.Add(root);
                found.AddRange(Directory.GetDirectories(root));
            }
        }
        return found;
    }

    private IEnumerable<string> Networks()
    {
        foreach (var directory in (string[])["/sys/class/net", "/run/netns"])
        {
            if (Directory.Exists(directory))
            {
                foreach (var entry in Directory.GetFileSystemEntries(directory).Where(entry => Path.GetFileName(entry).StartsWith(NetworkPrefix, StringComparison.Ordinal)))
                {
                    yield return entry;
                }
            }
        }
        if (Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/nft"))
        {
            using var nft = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/usr/sbin/nft", ["list", "ruleset"]) { RedirectStandardOutput = true })!;
            foreach (var line in nft.StandardOutput.ReadToEnd().Split('\n').Where(line => line.Contains(NetworkPrefix, StringComparison.Ordinal)))
            {
                yield return "rule " + line.Trim();
            }
            nft.WaitForExit();
        }
    }

    private sealed record Entry(int Id, string? TaskId, string Container, string CommandLine);

    private List<Entry> Processes()
    {
        var found = new List<Entry>();
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var id) || id == Environment.ProcessId)
            {
                continue;
            }
            try
            {
                var environment = File.ReadAllText(directory + "/environ").Split('\0');
                var commandLine = File.ReadAllText(directory + "/cmdline").Replace('\0', ' ');
                var isTask = environment.Any(variable => variable.StartsWith($"MESOS_SANDBOX={_work}/", StringComparison.Ordinal));
                var isMonitor = commandLine.Contains("conmon", StringComparison.Ordinal)
                    && (commandLine.Contains(_work + "/", StringComparison.Ordinal) || commandLine.Contains(RunHash, StringComparison.Ordinal));
                if (!isTask && !isMonitor || File.ReadAllText(directory + "/stat").Contains(") Z ", StringComparison.Ordinal))
                {
                    continue;
                }
                var taskId = isTask ? environment.First(variable => variable.StartsWith("MESOS_TASK_ID=", StringComparison.Ordinal))["MESOS_TASK_ID=".Length..] : null;
                found.Add(new Entry(id, taskId, Container(directory), commandLine));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked, or is none of ours.
            }
        }
        return found;
    }

    private static string Container(string directory)
    {
        var own = File.ResolveLinkTarget("/proc/self/ns/pid", false)?.Name;
        var its = File.ResolveLinkTarget(directory + "/ns/pid", false)?.Name;
        if (its is not null && its != own)
        {
            return its;
        }
        var stat = File.ReadAllText(directory + "/stat");
        return "session " + stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3];
    }
}
