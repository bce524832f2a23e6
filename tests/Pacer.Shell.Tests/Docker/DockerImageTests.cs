using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Images;

namespace Pacer.Shell.Tests.Docker;

/// <summary>Images that the daemon pulls from a real registry.</summary>
[Collection(nameof(DockerCollection))]
public sealed class DockerImageTests(DockerDaemon daemon)
{
    private static TestImage Says(string word) =>
        TestImage.Busybox(new JsonObject { ["Cmd"] = new JsonArray("echo", word), ["Env"] = new JsonArray("OF_IMAGE=yes"), ["StopSignal"] = "SIGUSR1" });

    [Fact]
    public async Task Image_IsPulledOnce_AndAgainWhenForced()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        await using var registry = await TestRegistry.StartAsync();
        await Says("first").PushAsync(registry, "word");
        await RunAsync(bench, "one.1", registry.Host + "/word");
        await Says("second").PushAsync(registry, "word");
        await RunAsync(bench, "two.1", registry.Host + "/word");
        await RunAsync(bench, "three.1", registry.Host + "/word", force: true);
        Assert.Equal(["first\n", "first\n", "second\n"], new[] { "one.1", "two.1", "three.1" }.Select(task => bench.Read(task, "stdout")));
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("artifact")]
    public async Task PrivateImage_IsPulledWithTheTasksLogin(string source)
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        await using var registry = await TestRegistry.StartAsync(isPrivate: true);
        await Says("mine").PushAsync(registry, "mine");
        var file = Path.Combine(bench.Root, ".dockercfg");
        File.WriteAllText(file, registry.DockerConfig);
        bench.Server.Launch(bench.Spec("mine.1", spec =>
        {
            spec.Image = new ImageSpec { Name = registry.Host + "/mine" };
            if (source == "secret")
            {
                spec.Image.DockerConfig = ByteString.CopyFrom(registry.DockerConfig, Encoding.UTF8);
            }
            else
            {
                spec.Fetch.Add(new Artifact { Uri = "file://" + file });
            }
        }));
        await bench.Server.WaitForAsync("mine.1", TaskState.TaskFinished);
        bench.Server.Launch(bench.Spec("without.1", spec => spec.Image = new ImageSpec { Name = registry.Host + "/mine", ForcePull = true }));
        var refused = await bench.Server.WaitForAsync("without.1", TaskState.TaskFailed);
        Assert.StartsWith($"Failed to pull the image '{registry.Host}/mine': ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_ThatIsNotThere_FailsTheTaskWithItsName()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        await using var registry = await TestRegistry.StartAsync();
        bench.Server.Launch(bench.Spec("none.1", spec => spec.Image = new ImageSpec { Name = registry.Host + "/none:7" }));
        var end = await bench.Server.WaitForAsync("none.1", TaskState.TaskFailed);
        Assert.Equal("REASON_CONTAINER_LAUNCH_FAILED", end.Reason);
        Assert.StartsWith($"Failed to pull the image '{registry.Host}/none:7': ", end.Message, StringComparison.Ordinal);
        Assert.Contains("not found", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_ThatNamesAStopSignal_IsAskedToEndByIt()
    {
        await using var bench = await DockerBench.StartAsync(daemon);
        await using var registry = await TestRegistry.StartAsync();
        await Says("x").PushAsync(registry, "stop");
        bench.Server.Launch(bench.Shell("stop.1", "trap 'exit 6' USR1; echo $OF_IMAGE; while true; do sleep 0.05; done", spec => spec.Image = new ImageSpec { Name = registry.Host + "/stop" }));
        await bench.UntilPrintedAsync("stop.1", "yes\n");
        bench.Server.Kill("stop.1");
        Assert.Equal(6, (await bench.Server.WaitForAsync("stop.1", TaskState.TaskKilled)).ExitCode);
    }

    private static async Task RunAsync(DockerBench bench, string task, string image, bool force = false)
    {
        bench.Server.Launch(bench.Spec(task, spec => spec.Image = new ImageSpec { Name = image, ForcePull = force }));
        await bench.Server.WaitForAsync(task, TaskState.TaskFinished);
    }
}
