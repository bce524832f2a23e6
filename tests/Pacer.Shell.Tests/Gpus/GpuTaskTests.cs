using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Docker;
using Pacer.Shell.Tests.Images;

namespace Pacer.Shell.Tests.Gpus;

/// <summary>Tasks with GPUs on an agent, whose devices are others of this machine.</summary>
[Collection(nameof(DockerCollection))]
public sealed class GpuTaskTests(DockerDaemon docker)
{
    // Nodes in /dev, then all nodes of the node, by a volume: the first tells what is given, the second what may be opened.
    private const string Tells = """
        ls /dev | grep nvidia | tr '\n' ' '; echo "$NVIDIA_VISIBLE_DEVICES"
        for d in all/nvidia*; do if (: <$d) 2>/dev/null; then echo "opens $d"; else echo "refuses $d"; fi; done
        exec sleep 1000
        """;

    private static async Task<AgentBench> StartAsync(string isolation, int gpus)
    {
        var bench = await AgentBench.StartAsync(startAgent: false);
        try
        {
            var root = Directory.CreateDirectory($"{bench.Root}/gpus").FullName;
            MadeUpGpus.Require(root, gpus);
            bench.Options = bench.Options with { Isolation = isolation, GpuRoot = root };
            bench.Real = true;
            await bench.StartAgentAsync();
            return bench;
        }
        catch
        {
            bench.Real = false;
            await bench.DisposeAsync();
            throw;
        }
    }

    private static TaskSpec Wants(AgentBench bench, string id, int gpus, Action<TaskSpec>? change = null) => AgentBench.Shell(id, Tells, spec =>
    {
        spec.Resources.Gpus = gpus;
        spec.Mounts.Add(new Mount { Source = $"{bench.Options.GpuRoot}/dev", Destination = "all" });
        change?.Invoke(spec);
    });

    private static async Task<string> SaysAsync(AgentBench bench, string id)
    {
        await bench.Server.WaitForAsync(id, TaskState.TaskRunning);
        var file = $"{bench.SandboxOf(id)}/stdout";
        await AgentBench.UntilAsync(() => File.Exists(file) && File.ReadAllText(file).Contains("nvidiactl\n", StringComparison.Ordinal), $"{id} says what it has");
        return File.ReadAllText(file);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    public async Task Task_AsksForOne_HasThatOneAndNoOther(string user)
    {
        await using var bench = await StartAsync("oci", 2);
        Assert.Equal(2, bench.Server.LastRegistration.Resources.Gpus);
        bench.Server.Launch(Wants(bench, "a.1", 1, spec => spec.User = user));
        bench.Server.Launch(Wants(bench, "none.1", 0, spec => spec.User = user));
        Assert.Equal(
            "nvidia0 nvidiactl GPU-0a5b0000-0000-0000-0000-000000000000\nopens all/nvidia0\nrefuses all/nvidia1\nopens all/nvidiactl\n", await SaysAsync(bench, "a.1"));
        Assert.Equal("\nrefuses all/nvidia0\nrefuses all/nvidia1\nrefuses all/nvidiactl\n", await SaysAsync(bench, "none.1"));
    }

    [Fact]
    public async Task Task_AsksForMoreThanTheNodeHas_FailsWithTheReason()
    {
        await using var bench = await StartAsync("process", 1);
        bench.Server.Launch(Wants(bench, "a.1", 2));
        var end = await bench.Server.WaitForAsync("a.1", TaskState.TaskFailed);
        Assert.Equal("The task asks for 2 GPUs, and this node offers 1", end.Message);
    }

    [Fact]
    public async Task Gpus_OverRestartsOfTheAgent_StayWithTheirTasksAndGoOnToTheNext()
    {
        await using var bench = await StartAsync("oci", 3);
        bench.Server.Launch(Wants(bench, "a.1", 1));
        await SaysAsync(bench, "a.1");
        bench.Server.Launch(Wants(bench, "b.1", 2));
        Assert.StartsWith("nvidia1 nvidia2 nvidiactl ", await SaysAsync(bench, "b.1"), StringComparison.Ordinal);
        await bench.Agent.StopAsync();
        await bench.StartAgentAsync();
        // Not before someone lets go of one: a server that counts it as free is ahead of the container's end.
        bench.Server.Launch(Wants(bench, "c.1", 2));
        await bench.Server.WaitForAsync("c.1", TaskState.TaskStarting);
        bench.Server.Launch(AgentBench.Shell("other.1", "exec sleep 1000"));
        await bench.Server.WaitForAsync("other.1", TaskState.TaskRunning);
        Assert.Equal(TaskState.TaskStarting, bench.Server.Of("c.1")[^1].State);
        bench.Server.Kill("b.1", 0);
        Assert.StartsWith("nvidia1 nvidia2 nvidiactl ", await SaysAsync(bench, "c.1"), StringComparison.Ordinal);
        bench.Server.Kill("a.1", 0);
        bench.Server.Launch(Wants(bench, "d.1", 1));
        Assert.StartsWith("nvidia0 nvidiactl ", await SaysAsync(bench, "d.1"), StringComparison.Ordinal);
        Assert.Equal(["c.1", "d.1"], Directory.EnumerateFiles($"{bench.Options.WorkDir}/gpus").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Gpus_AgentIsKilledAndItsTaskIsGone_AreFreeAgain()
    {
        await using var bench = await StartAsync("oci", 1);
        bench.Server.Launch(Wants(bench, "a.1", 1));
        await SaysAsync(bench, "a.1");
        await bench.Agent.StopAsync();
        Directory.Delete($"{bench.Options.WorkDir}/tasks", recursive: true);
        await bench.StartAgentAsync();
        Assert.Empty(Directory.EnumerateFiles($"{bench.Options.WorkDir}/gpus"));
        bench.Server.Launch(Wants(bench, "b.1", 1));
        Assert.StartsWith("nvidia0 nvidiactl ", await SaysAsync(bench, "b.1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_WithGpu_FindsTheDriversFiles()
    {
        await using var registry = await TestRegistry.StartAsync();
        await TestImage.Busybox().PushAsync(registry, "plain");
        await using var bench = await StartAsync("oci", 1);
        Directory.CreateDirectory($"{bench.Options.GpuRoot}/usr/lib64");
        File.WriteAllText($"{bench.Options.GpuRoot}/usr/lib64/libcuda.so.550.1", "the driver's\n");
        File.CreateSymbolicLink($"{bench.Options.GpuRoot}/usr/lib64/libcuda.so.1", "libcuda.so.550.1");
        bench.Server.Launch(AgentBench.Shell("a.1", "echo $LD_LIBRARY_PATH; ls /dev | grep nvidia; cat $LD_LIBRARY_PATH/libcuda.so.1; echo x >$LD_LIBRARY_PATH/libcuda.so.1 || echo read-only", spec =>
        {
            spec.Resources.Gpus = 1;
            spec.Image = new ImageSpec { Name = $"{registry.Host}/plain" };
        }));
        await bench.Server.WaitForAsync("a.1", TaskState.TaskFinished);
        Assert.Equal("/usr/local/nvidia/lib64\nnvidia0\nnvidiactl\nthe driver's\nread-only\n", File.ReadAllText($"{bench.SandboxOf("a.1")}/stdout"));
    }

    [Fact]
    public async Task PlainProcess_WithGpu_IsToldWhichIsItsOwn()
    {
        await using var bench = await StartAsync("process", 2);
        bench.Server.Launch(AgentBench.Shell("a.1", "echo $NVIDIA_VISIBLE_DEVICES $CUDA_VISIBLE_DEVICES", spec => spec.Resources.Gpus = 1));
        await bench.Server.WaitForAsync("a.1", TaskState.TaskFinished);
        Assert.Equal("GPU-0a5b0000-0000-0000-0000-000000000000 GPU-0a5b0000-0000-0000-0000-000000000000\n", File.ReadAllText($"{bench.SandboxOf("a.1")}/stdout"));
    }

    [Fact]
    public async Task DockerContainer_WithGpu_AsksItsDaemonForIt()
    {
        var root = Directory.CreateTempSubdirectory("pacer-gpus-").FullName;
        try
        {
            MadeUpGpus.Require(root, 1);
            await using var bench = await DockerBench.StartAsync(docker, startAgent: false);
            bench.Agents.Options = bench.Agents.Options with { GpuRoot = root };
            await bench.Agents.StartAgentAsync();
            bench.Server.Launch(bench.Shell("none.1", "echo $NVIDIA_VISIBLE_DEVICES"));
            await bench.Server.WaitForAsync("none.1", TaskState.TaskFinished);
            await bench.UntilPrintedAsync("none.1", "void\n");
            // This daemon has no NVIDIA runtime, and says so.
            bench.Server.Launch(bench.Shell("gpu.1", "true", spec => spec.Resources.Gpus = 1));
            var end = await bench.Server.WaitForAsync("gpu.1", TaskState.TaskFailed);
            Assert.Contains("could not select device driver", end.Message, StringComparison.Ordinal);
            Assert.Contains("gpu", end.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
