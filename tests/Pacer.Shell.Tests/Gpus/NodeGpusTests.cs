using Pacer.Agent;
using Pacer.Agent.Gpus;

namespace Pacer.Shell.Tests.Gpus;

public sealed class NodeGpusTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pacer-gpus-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string[] Found(int? wanted = null) => [.. NodeGpus.Detect(_root, wanted).Devices.Select(gpu => $"{gpu.Number} {gpu.Name} {gpu.Node.Path}")];

    [Fact]
    public void Detect_NoDriver_FindsNothingAndRefusesToOfferMore()
    {
        Assert.Empty(Found());
        Assert.Empty(Found(0));
        Assert.Contains("--gpus 1: no NVIDIA GPU was found", Assert.Throws<AgentException>(() => Found(1)).Message, StringComparison.Ordinal);
        Assert.Throws<AgentException>(() => Found(-1));
    }

    [Fact]
    public void Detect_DriverAndNodes_FindsAllByNumberWithTheirUuids()
    {
        MadeUpGpus.Require(_root, 3);
        Assert.Equal(
            [
                "0 GPU-0a5b0000-0000-0000-0000-000000000000 /dev/nvidia0",
                "1 GPU-1a5b0000-0000-0000-0000-000000000000 /dev/nvidia1",
                "2 GPU-2a5b0000-0000-0000-0000-000000000000 /dev/nvidia2",
            ],
            Found());
        Assert.Equal(2, Found(2).Length);
        Assert.Contains("this node has 3", Assert.Throws<AgentException>(() => Found(4)).Message, StringComparison.Ordinal);
        Assert.Equal(["/dev/nvidiactl"], NodeGpus.Detect(_root, null).ControlNodes().Select(node => node.Path));
    }

    [Fact]
    public void Detect_GpuIsExcludedOrHasNoNodeOrNoUuid_OnlyWhatCanBeUsedIsOffered()
    {
        var gpus = MadeUpGpus.Require(_root, 3);
        // Nobody has opened it yet. NVIDIA's tools count along the bus.
        gpus.Inform("0000:02:00.0", 1, "GPU-????????-????-????-????-????????????");
        gpus.Inform("0000:03:00.0", 2, "GPU-2", "GPU Excluded:\t Yes\n");
        gpus.Inform("0000:04:00.0", 3, "GPU-3");
        File.WriteAllText($"{_root}/dev/nvidia3", "no device");
        Assert.Equal(["0 GPU-0a5b0000-0000-0000-0000-000000000000 /dev/nvidia0", "1 1 /dev/nvidia1"], Found());
    }

    [Fact]
    public void Detect_NodesAlone_AreGpusByTheirNumbers()
    {
        MadeUpGpus.Require(_root, 2).TryMakeNode("nvidia-uvm", 0);
        Directory.Delete($"{_root}/proc", recursive: true);
        Assert.Equal(["0 0 /dev/nvidia0", "1 1 /dev/nvidia1"], Found());
        Assert.Equal(["/dev/nvidiactl", "/dev/nvidia-uvm"], NodeGpus.Detect(_root, null).ControlNodes().Select(node => node.Path));
    }

    [Fact]
    public void DriverFiles_LibrariesAndPrograms_AreFoundByAllTheirNames()
    {
        var libraries = Directory.CreateDirectory($"{_root}/usr/lib64").FullName;
        Directory.CreateDirectory($"{_root}/usr/bin");
        foreach (var file in (string[])["libcuda.so.550.1", "libnvidia-ml.so.550.1", "libnvidia-container.so.1", "libc.so.6", "../bin/nvidia-smi", "../bin/sh"])
        {
            File.WriteAllText($"{libraries}/{file}", "");
        }
        File.CreateSymbolicLink($"{libraries}/libcuda.so.1", "libcuda.so.550.1");
        File.CreateSymbolicLink($"{libraries}/libnvidia-gone.so.1", "libnvidia-gone.so.550.1");
        Assert.Equal(
            [
                ("/usr/local/nvidia/bin/nvidia-smi", $"{_root}/usr/bin/nvidia-smi"),
                ("/usr/local/nvidia/lib64/libcuda.so.1", $"{libraries}/libcuda.so.550.1"),
                ("/usr/local/nvidia/lib64/libcuda.so.550.1", $"{libraries}/libcuda.so.550.1"),
                ("/usr/local/nvidia/lib64/libnvidia-ml.so.550.1", $"{libraries}/libnvidia-ml.so.550.1"),
            ],
            DriverFiles.Of(_root).Select(file => (file.Destination, file.Source)));
    }
}
