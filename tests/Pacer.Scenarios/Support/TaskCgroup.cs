using System.Globalization;

namespace Pacer.Scenarios.Support;

/// <summary>What the kernel holds a process to, whichever version of control groups it has.</summary>
/// <param name="CpuQuota">Share of one core in microseconds a period; <see cref="long.MaxValue"/>: none.</param>
/// <param name="MemoryLimit">Bytes; a very large number: none.</param>
internal sealed record TaskCgroup(long CpuQuota, long MemoryLimit)
{
    /// <summary>Of the one process with exactly this command line.</summary>
    public static async Task<TaskCgroup> OfAsync(string commandLine)
    {
        var process = await Waiting.ForAsync(
            () => Task.FromResult(Directory.EnumerateDirectories("/proc").SingleOrDefault(directory => CommandLine(directory) == commandLine)),
            $"{commandLine} runs");
        var groups = File.ReadAllLines(Path.Combine(process, "cgroup")).Select(line => line.Split(':', 3)).ToList();
        return new TaskCgroup(
            Read(groups, "cpu", "cpu.cfs_quota_us") ?? Read(groups, "", "cpu.max") ?? long.MaxValue,
            Read(groups, "memory", "memory.limit_in_bytes") ?? Read(groups, "", "memory.max") ?? long.MaxValue);
    }

    private static long? Read(List<string[]> groups, string controller, string file)
    {
        var group = groups.FirstOrDefault(parts => parts[1].Split(',').Contains(controller));
        if (group is null)
        {
            return null;
        }
        foreach (var root in (string[])[$"/sys/fs/cgroup/{group[1]}", $"/sys/fs/cgroup/{controller}", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
        {
            var path = root + group[2] + "/" + file;
            if (File.Exists(path))
            {
                var word = File.ReadAllText(path).Split(' ', '\n')[0];
                return word is "max" or "-1" ? long.MaxValue : long.Parse(word, CultureInfo.InvariantCulture);
            }
        }
        return null;
    }

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).TrimEnd('\0').Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // it has ended meanwhile, or is no process
        }
    }
}
