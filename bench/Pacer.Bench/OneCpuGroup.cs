using System.Globalization;

namespace Pacer.Bench;

/// <summary>
/// A cgroup for this process and what it starts from here on, where the machine lets it make one. Outside of any, the kernel shares its cores between
/// sessions (autogroups): what makes itself a daemon would be given more or less than what stays in the session of the benchmark.
/// </summary>
internal sealed class OneCpuGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup/cpu"; // with version 2 the place of a session or service is one already

    private readonly string? _path;

    public OneCpuGroup()
    {
        var own = File.Exists("/proc/self/cgroup") ? File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).FirstOrDefault(parts => parts[1].Split(',').Contains("cpu"))?[2] : null;
        if (own is not "/" || !Directory.Exists(Root))
        {
            return;
        }
        try
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{Root}/pacer-bench-{Environment.ProcessId}");
            Directory.CreateDirectory(path);
            _path = path;
            Move(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("no cgroup can be made: the kernel may share its cores between sessions");
        }
    }

    public void Dispose()
    {
        if (_path is null)
        {
            return;
        }
        Move(Root);
        Directory.Delete(_path);
    }

    private static void Move(string group) => File.WriteAllText(Path.Combine(group, "cgroup.procs"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
}
