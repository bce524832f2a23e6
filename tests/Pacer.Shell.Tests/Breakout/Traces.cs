using Pacer.Agent;
using Pacer.Agent.Containers.Cgroups;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>All that an agent's containers have on the machine, one line each, sorted; nothing when there are none.</summary>
internal static class Traces
{
    public static async Task<IReadOnlyList<string>> OfAsync(AgentOptions options)
    {
        var paths = new OciPaths(options.WorkDir, options.RunDir);
        var naming = new NetworkNaming(options.WorkDir);
        var traces = new List<string>();
        void Add(string kind, IEnumerable<string> names) => traces.AddRange(names.Select(name => $"{kind} {name}"));

        foreach (var hierarchy in CgroupLayout.Detect().Hierarchies.Where(hierarchy => Directory.Exists(hierarchy + paths.CgroupRoot)))
        {
            // That of the monitors stays for the next ones, without any in it.
            Add("cgroup", Directory.EnumerateDirectories(hierarchy + paths.CgroupRoot)
                .Where(cgroup => !cgroup.EndsWith("/.monitors", StringComparison.Ordinal) || File.ReadAllText($"{cgroup}/cgroup.procs").Length > 0));
        }
        foreach (var directory in (string[])[paths.Bundles, paths.RuntimeRoot, paths.Records, paths.Exits, paths.ImageRootsDirectory, paths.Writable, paths.SharedIpc,
            $"{options.RunDir}/networks", $"{options.WorkDir}/tasks"])
        {
            Add("file", Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Where(path => Path.GetFileName(path)[0] != '.') : []);
        }
        // The run directory's own tmpfs stays for the next containers.
        Add("mount", File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4])
            .Where(place => (place + "/").StartsWith(options.RunDir + "/", StringComparison.Ordinal) && place != options.RunDir));
        Add("process", Processes(options));
        Add("netns", Directory.Exists("/run/netns") ? Directory.EnumerateFiles("/run/netns", naming.Prefix + "-*") : []);
        var tools = new NetworkTools();
        Add("interface", (await tools.LinksAsync()).Where(link => link.StartsWith(naming.Prefix, StringComparison.Ordinal)));
        Add("address", Lines(await tools.RunAsync("ip", ["-o", "addr"]), naming.Prefix));
        Add("rule", Lines(await tools.RunAsync("nft", ["list", "ruleset"]), naming.Prefix));
        return [.. traces.Order(StringComparer.Ordinal)];
    }

    public static IReadOnlyList<int> ProcessIds(AgentOptions options) =>
        [.. Processes(options).Select(line => int.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture))];

    /// <summary>Monitors, and whatever lives in a sandbox: pid and program.</summary>
    private static IEnumerable<string> Processes(AgentOptions options)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            string text;
            try
            {
                text = File.ReadAllText($"{process}/cmdline") + File.ReadAllText($"{process}/environ");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            if ((text.Contains(options.RunDir + "/", StringComparison.Ordinal) || text.Contains(options.WorkDir + "/", StringComparison.Ordinal))
                && Path.GetFileName(process) != $"{Environment.ProcessId}")
            {
                yield return $"{Path.GetFileName(process)} {text.Split('\0')[0]}";
            }
        }
    }

    private static IEnumerable<string> Lines(ToolResult result, string part) =>
        result.Output.Split('\n').Where(line => line.Contains(part, StringComparison.Ordinal));
}
