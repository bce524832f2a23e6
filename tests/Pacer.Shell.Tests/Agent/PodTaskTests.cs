using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>Tasks of one pod instance: they start together, share volumes and end together.</summary>
public sealed class PodTaskTests
{
    private const string Sleep = "exec sleep 1000";

    [Fact]
    public async Task Group_OneTaskFails_OthersAreKilled()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(InPod("pod.a.1", Sleep), InPod("pod.b.1", "sleep 0.2; exit 1"), AgentBench.Shell("app.1", Sleep));
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskFailed);
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskKilled);
        Assert.Equal(TaskState.TaskRunning, bench.Server.Of("app.1")[^1].State);
    }

    [Fact]
    public async Task Group_OneTaskFinishes_OthersGoOn()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(InPod("pod.a.1", Sleep), InPod("pod.b.1", "exit 0"));
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskFinished);
        await AgentBench.UntilAsync(() => bench.Agent.Tasks.All.Count() == 1, "the finished task is forgotten");
        Assert.Equal(TaskState.TaskRunning, bench.Server.Of("pod.a.1")[^1].State);
    }

    [Fact]
    public async Task Group_OneCannotBePrepared_NoneStarts()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(InPod("pod.a.1", Sleep), InPod("pod.b.1", Sleep, spec => spec.Fetch.Add(new Artifact { Uri = "file:///no/such/file" })));
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskFailed);
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskKilled);
        Assert.Equal(0, bench.Runtime.Starts);
        Assert.DoesNotContain(bench.Server.Of("pod.a.1"), status => status.State == TaskState.TaskRunning);
    }

    [Fact]
    public async Task Group_OneMakesNoSense_NoneStarts()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(
            InPod("pod.a.1", Sleep),
            InPod("pod.b.1", Sleep, spec => spec.Mounts.Add(new Mount { Source = "../other", Destination = "x" })),
            InPod("pod.c.1", Sleep));
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskError);
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskKilled);
        await bench.Server.WaitForAsync("pod.c.1", TaskState.TaskKilled);
    }

    [Fact]
    public async Task Group_OneFailsWhileTheAgentIsAway_OthersAreKilledWhenItIsBack()
    {
        await using var bench = await AgentBench.StartAsync();
        bench.Server.Launch(InPod("pod.a.1", Sleep), InPod("pod.b.1", "while [ ! -f fail ]; do sleep 0.05; done; exit 1"));
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskRunning);
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskRunning);
        await bench.Agent.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(bench.SandboxOf("pod.b.1"), "fail"), "");
        await bench.StartAgentAsync();
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskFailed);
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskKilled);
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("process")]
    public async Task Volume_OfAPod_IsSharedByItsContainers(string isolation)
    {
        await using var bench = await RealContainerTests.StartAsync(isolation);
        bench.Server.Launch(
            InPod("pod.a.1", "echo hello > deep/in/text; " + Sleep, spec => spec.Mounts.Add(new Mount { Source = "volumes/v", Destination = "deep/in" })),
            InPod("pod.b.1", "while ! cat data/text; do sleep 0.05; done", spec => spec.Mounts.Add(new Mount { Source = "volumes/v", Destination = "data" })));
        await bench.Server.WaitForAsync("pod.b.1", TaskState.TaskFinished);
        Assert.EndsWith("hello\n", await File.ReadAllTextAsync(Path.Combine(bench.SandboxOf("pod.b.1"), "stdout")), StringComparison.Ordinal);
        bench.Server.Kill("pod.a.1");
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskKilled);
    }

    [Fact]
    public async Task Volume_InAContainer_MayBeOfTheNodeReadOnlyAndAtAPlaceOfItsOwn()
    {
        await using var bench = await RealContainerTests.StartAsync("oci");
        var file = Path.Combine(bench.Root, "host.txt");
        await File.WriteAllTextAsync(file, "from the node");
        bench.Server.Launch(InPod("pod.a.1", "cat /pacer-test-volume/host.txt conf; ! touch /pacer-test-volume/x && touch /tmp/shared/y && test -f twin/y", spec =>
        {
            spec.Mounts.Add(new Mount { Source = bench.Root, Destination = "/pacer-test-volume", ReadOnly = true });
            spec.Mounts.Add(new Mount { Source = file, Destination = "conf", ReadOnly = true });
            spec.Mounts.Add(new Mount { Source = "volumes/v", Destination = "/tmp/shared" });
            spec.Mounts.Add(new Mount { Source = "volumes/v", Destination = "./twin/" });
        }));
        await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskFinished);
        Assert.Equal("from the nodefrom the node", await File.ReadAllTextAsync(Path.Combine(bench.SandboxOf("pod.a.1"), "stdout")));
        Assert.False(Path.Exists("/pacer-test-volume"));
    }

    [Theory]
    [InlineData("/no/such/path", "x", "The host volume /no/such/path does not exist on this node")]
    [InlineData("volumes/v", "/usr/no-such-path", "the mount path '/usr/no-such-path' does not exist on this node")]
    [InlineData("volumes/v", "/proc", "a volume can't be mounted at '/proc'")]
    public async Task Volume_ThatCannotBeMounted_StatusSaysWhy(string source, string destination, string message)
    {
        await using var bench = await RealContainerTests.StartAsync("oci");
        bench.Server.Launch(InPod("pod.a.1", Sleep, spec => spec.Mounts.Add(new Mount { Source = source, Destination = destination })));
        var end = await bench.Server.WaitForAsync("pod.a.1", TaskState.TaskFailed);
        Assert.Contains(message, end.Message, StringComparison.Ordinal);
    }

    private static TaskSpec InPod(string id, string command, Action<TaskSpec>? change = null) => AgentBench.Shell(id, command, spec =>
    {
        spec.Group = "pod.1";
        change?.Invoke(spec);
    });
}
