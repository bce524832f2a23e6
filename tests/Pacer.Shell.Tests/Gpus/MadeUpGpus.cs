using System.Globalization;
using Pacer.Agent.Containers.Native;

namespace Pacer.Shell.Tests.Gpus;

/// <summary>
/// A directory that looks as /dev and /proc do where NVIDIA's driver is. Its device nodes are real ones, of other devices of this machine
/// that anybody may open, so that it can be seen who can.
/// </summary>
internal sealed class MadeUpGpus
{
    private const uint MiscMajor = 10;

    private static readonly string[] Harmless = ["fuse", "tun", "loop-control", "autofs", "userfaultfd", "hw_random", "vga_arbiter"];

    private readonly List<uint> _minors;

    private MadeUpGpus(string root, List<uint> minors) => (Root, _minors) = (root, minors);

    public string Root { get; }

    /// <summary>Null where device nodes can't be made, or the machine has too few devices.</summary>
    public static MadeUpGpus? In(string root, int count)
    {
        var misc = File.ReadLines("/proc/misc").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(parts => parts[1], parts => uint.Parse(parts[0], CultureInfo.InvariantCulture));
        var gpus = new MadeUpGpus(root, [.. Harmless.Where(misc.ContainsKey).Select(name => misc[name])]);
        Directory.CreateDirectory($"{root}/dev");
        if (gpus._minors.Count <= count || !gpus.TryMakeNode("nvidiactl", 0))
        {
            return null;
        }
        for (var number = 0; number < count; number++)
        {
            gpus.TryMakeNode($"nvidia{number}", number + 1);
            gpus.Inform($"0000:{number + 1:x2}:00.0", number, $"GPU-{number}a5b0000-0000-0000-0000-000000000000");
        }
        return gpus;
    }

    public static MadeUpGpus Require(string root, int count)
    {
        var gpus = In(root, count);
        Assert.SkipWhen(gpus is null, "needs device nodes, and to make them root");
        return gpus!;
    }

    public bool TryMakeNode(string name, int device) => Libc.MakeNode($"{Root}/dev/{name}", Libc.CharacterDevice | 0x1B6, MiscMajor, _minors[device]) == 0;

    /// <summary>What the driver tells of a GPU.</summary>
    public void Inform(string bus, int number, string uuid, string more = "")
    {
        var directory = Directory.CreateDirectory($"{Root}/proc/driver/nvidia/gpus/{bus}").FullName;
        File.WriteAllText($"{directory}/information",
            $"Model: \t\t Made Up 100\nIRQ:   \t\t 64\nGPU UUID: \t {uuid}\nBus Type: \t PCIe\nBus Location: \t {bus}\nDevice Minor: \t {number}\n{more}");
    }
}
