using System.Globalization;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Node;

namespace Pacer.Agent.Gpus;

/// <summary>
/// The node's NVIDIA GPUs, as its driver shows them: <c>/proc/driver/nvidia/gpus/BUS/information</c>, or the device nodes alone where that is
/// not mounted.
/// </summary>
/// <param name="Devices">That tasks may have, in the order of their numbers.</param>
internal sealed record NodeGpus(string Root, IReadOnlyList<GpuDevice> Devices)
{
    /// <summary>Every program that computes on a GPU opens these beside the GPU's own.</summary>
    private static readonly string[] ControlNames = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"];

    /// <summary>Looks what there is. Throws <see cref="AgentException"/> when more is wanted.</summary>
    /// <param name="root">Below which <c>dev</c> and <c>proc</c> lie: <c>/</c>, but for tests.</param>
    /// <param name="wanted">How many to offer; null: all.</param>
    public static NodeGpus Detect(string root, int? wanted)
    {
        if (wanted is < 0)
        {
            throw new AgentException("--gpus must not be negative.");
        }
        root = root.TrimEnd('/');
        var known = Known(root);
        if (root.Length == 0 && wanted is not 0)
        {
            MakeNodes(known);
        }
        var devices = (known ?? Nodes(root)).Select(gpu => (gpu.Number, gpu.Name, Node: NodeOf(root, string.Create(CultureInfo.InvariantCulture, $"nvidia{gpu.Number}"))))
            .Where(gpu => gpu.Node is not null).Select(gpu => new GpuDevice(gpu.Number, gpu.Name, gpu.Node!)).OrderBy(gpu => gpu.Number).ToList();
        if (wanted > devices.Count)
        {
            throw new AgentException(
                $"--gpus {wanted}: {(devices.Count == 0 ? "no NVIDIA GPU was found on this node" : $"this node has {devices.Count}")} "
                + $"({root}/dev/nvidia0 and so on, by NVIDIA's driver). Give at most {devices.Count}, or leave the flag out to offer all that are there.");
        }
        return new NodeGpus(root, [.. devices.Take(wanted ?? devices.Count)]);
    }

    /// <summary>What belongs to no GPU alone. Looked at again for each container: the driver makes some when they are needed first.</summary>
    public IEnumerable<DeviceNode> ControlNodes() => ControlNames.Select(name => NodeOf(Root, name)).OfType<DeviceNode>();

    /// <summary>In the order of the bus; null: the driver's directory is not there.</summary>
    private static List<(int Number, string Name)>? Known(string root)
    {
        try
        {
            var gpus = new List<(int Number, string Name)>();
            foreach (var directory in Directory.EnumerateDirectories($"{root}/proc/driver/nvidia/gpus").Order(StringComparer.Ordinal))
            {
                var facts = File.ReadLines($"{directory}/information").Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries))
                    .Where(parts => parts.Length == 2).DistinctBy(parts => parts[0]).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
                if (!int.TryParse(facts.GetValueOrDefault("Device Minor"), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    || facts.GetValueOrDefault("GPU Excluded") == "Yes")
                {
                    continue;
                }
                // A GPU that nobody has opened yet has question marks there.
                gpus.Add((number, facts.GetValueOrDefault("GPU UUID") is { } uuid && uuid.StartsWith("GPU-", StringComparison.Ordinal) && !uuid.Contains('?')
                    ? uuid
                    : gpus.Count.ToString(CultureInfo.InvariantCulture)));
            }
            return gpus;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<(int Number, string Name)> Nodes(string root)
    {
        const string prefix = "nvidia";
        return (Directory.Exists($"{root}/dev") ? Directory.EnumerateFileSystemEntries($"{root}/dev", prefix + "*") : [])
            .Select(path => Path.GetFileName(path)[prefix.Length..])
            .Where(digits => digits.Length is > 0 and < 6 && digits.All(char.IsAsciiDigit) && (digits == "0" || digits[0] != '0'))
            .Select(digits => (int.Parse(digits, CultureInfo.InvariantCulture), digits));
    }

    // Without a display nobody has made them yet; NVIDIA's own program for that knows how.
    private static void MakeNodes(IReadOnlyList<(int Number, string Name)>? known)
    {
        if (known is { Count: > 0 } && Libc.GetUid() == 0 && (NodeOf("", "nvidia-uvm") is null || known.Any(gpu => !File.Exists($"/dev/nvidia{gpu.Number}")))
            && CommandOnNode("nvidia-modprobe") is { } program)
        {
            ChildProcess.RunAsync(program, ["-u", .. known.Select(gpu => string.Create(CultureInfo.InvariantCulture, $"-c={gpu.Number}"))]).GetAwaiter().GetResult();
        }
    }

    private static string? CommandOnNode(string name) => new[] { "/usr/bin/", "/usr/sbin/", "/usr/local/bin/" }.Select(place => place + name).FirstOrDefault(File.Exists);

    private static DeviceNode? NodeOf(string root, string name)
    {
        try
        {
            var stat = FileStat.OfLink($"{root}/dev/{name}");
            return stat.IsCharacterDevice ? new DeviceNode("/dev/" + name, stat.DeviceMajor, stat.DeviceMinor, stat.Mode & 0x1B6) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
