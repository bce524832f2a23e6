using Pacer.Agent;
using Pacer.Agent.Networks;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Agent;
using Pacer.Shell.Tests.Docker;
using Pacer.Shell.Tests.Images;

namespace Pacer.Shell.Tests.Breakout;

/// <summary>kill -9 of the agent with containers of all kinds; then nothing is doubled, nothing stays, and nobody else is disturbed.</summary>
[Collection(nameof(DockerCollection))]
public sealed class LeftoverTests(DockerDaemon docker)
{
    /// <summary>Seconds: there are many, and this machine may be busy.</summary>
    private const int Patience = 60;

    private const string Once = "echo x >> starts; exec sleep 1000";

    /// <summary>A work directory with a server, a registry with the image, and somebody else's things beside it. No agent runs.</summary>
    private sealed record Scene(AgentBench Bench, TestRegistry Registry, ForeignThings Foreign, string ForeignBefore) : IAsyncDisposable
    {
        public static async Task<Scene> SetAsync(DockerDaemon docker)
        {
            Assert.SkipWhen(NetworkTools.Missing() is not null, $"needs {NetworkTools.Missing()}");
            var bench = await RealContainerTests.StartAsync("oci");
            Assert.SkipWhen(bench.Agent.MissingNetworks is not null, bench.Agent.MissingNetworks ?? "");
            await bench.Agent.StopAsync();
            var registry = await TestRegistry.StartAsync();
            await TestImage.Busybox().PushAsync(registry, "plain");
            var foreign = await ForeignThings.MakeAsync(Directory.CreateDirectory($"{bench.Root}/foreign").FullName, docker);
            return new Scene(bench, registry, foreign, await foreign.LookAsync());
        }

        /// <summary>Has an agent in a process of its own start all, until so many run.</summary>
        public async Task<ChildAgent> StartAsync(List<TaskSpec> specs, int wanted)
        {
            var registrations = Bench.Server.Registrations;
            var agent = ChildAgent.Start(Bench);
            try
            {
                await Bench.Server.WaitForRegistrationsAsync(registrations + 1);
                foreach (var instance in specs.GroupBy(spec => spec.Group.Length > 0 ? spec.Group : spec.TaskId))
                {
                    Bench.Server.Launch([.. instance]);
                }
                await AgentBench.UntilAsync(() => specs.Count(IsRunning) >= wanted, $"{wanted} run", Patience);
                return agent;
            }
            catch
            {
                await agent.DisposeAsync();
                throw;
            }
        }

        public bool IsRunning(TaskSpec spec) => Bench.Server.Of(spec.TaskId) is [.., { State: TaskState.TaskRunning }];

        public Task<IReadOnlyList<string>> TracesAsync() => Traces.OfAsync(Bench.Options);

        public async Task AssertNothingIsLeftAsync()
        {
            await AgentBench.UntilAsync(() => !Bench.Agent.Tasks.All.Any(), "tasks are not forgotten", Patience);
            await Bench.Agent.StopAsync();
            Assert.Equal([], await TracesAsync());
            Assert.Equal(ForeignBefore, await Foreign.LookAsync());
        }

        public async ValueTask DisposeAsync()
        {
            await Foreign.DisposeAsync();
            await Bench.DisposeAsync();
            await Registry.DisposeAsync();
        }
    }

    [Fact]
    public async Task Agent_KilledInTheMiddleOfManyLaunches_NothingOfItsIsLeftOrDoubledAndNothingOfOthersIsTouched()
    {
        await using var scene = await Scene.SetAsync(docker);
        var bench = scene.Bench;
        var known = new List<string>();
        for (var round = 0; round < 5; round++)
        {
            var specs = Specs(round, scene.Registry.Host);
            known.AddRange(specs.Select(spec => spec.TaskId));
            // Later from round to round, so that each is met in another part of its work: from "nothing yet" to "nearly all run".
            await using (var doomed = await scene.StartAsync(specs, round * specs.Count / 5))
            {
                await doomed.KillAsync();
            }
            await bench.StartAgentAsync();
            // What was reported as begun goes on to run or to fail; what the agent never wrote down is not there.
            await AgentBench.UntilAsync(() => bench.Agent.Tasks.All.All(task => bench.Server.Of(task.TaskId) is [.., { State: TaskState.TaskRunning }]), "the rest is started", Patience);
            var running = bench.Agent.Tasks.All.Select(task => task.TaskId).ToList();
            foreach (var id in running)
            {
                await AgentBench.UntilAsync(() => new FileInfo($"{bench.SandboxOf(id)}/starts") is { Exists: true, Length: > 0 }, $"{id} has begun");
            }
            foreach (var id in known.Where(id => File.Exists($"{bench.SandboxOf(id)}/starts")))
            {
                Assert.Equal((id, "x\n"), (id, File.ReadAllText($"{bench.SandboxOf(id)}/starts")));
            }
            var traces = await scene.TracesAsync();
            Assert.Equal(running.Count, traces.Count(trace => trace.StartsWith($"file {bench.Options.RunDir}/c/", StringComparison.Ordinal)));
            Assert.Equal(running.Count, traces.Count(trace => trace.StartsWith("cgroup ", StringComparison.Ordinal)
                && trace.Contains("/memory/", StringComparison.Ordinal) && !trace.EndsWith("/.monitors", StringComparison.Ordinal)));
            // Nobody wants them any more.
            foreach (var id in running)
            {
                bench.Server.Kill(id);
            }
            await scene.AssertNothingIsLeftAsync();
        }
    }

    [Fact]
    public async Task Agent_KilledTogetherWithAllItsContainers_NothingIsLeft()
    {
        await using var scene = await Scene.SetAsync(docker);
        var specs = Specs(0, scene.Registry.Host);
        await using (var doomed = await scene.StartAsync(specs, specs.Count))
        {
            await doomed.KillAsync();
        }
        for (var last = 0; Traces.ProcessIds(scene.Bench.Options) is { Count: > 0 } left && last < 100; last++)
        {
            foreach (var pid in left)
            {
                _ = Pacer.Agent.Containers.Native.Libc.Kill(pid, 9);
            }
            await Task.Delay(10);
        }
        await scene.Bench.StartAgentAsync();
        foreach (var spec in specs)
        {
            await scene.Bench.Server.WaitForAsync(spec.TaskId, status => status.State is TaskState.TaskGone or TaskState.TaskKilled or TaskState.TaskFailed, "end");
        }
        await scene.AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task Agent_KilledAndItsCheckpointsLost_ContainersBelongToNobodyAndAreRemoved()
    {
        await using var scene = await Scene.SetAsync(docker);
        var specs = Specs(0, scene.Registry.Host);
        await using (var doomed = await scene.StartAsync(specs, specs.Count))
        {
            await doomed.KillAsync();
        }
        // There would be something of each kind to be found.
        Assert.Equal(
            ["address", "cgroup", "file", "interface", "mount", "netns", "process", "rule"],
            (await scene.TracesAsync()).Select(trace => trace.Split(' ')[0]).Distinct().Order(StringComparer.Ordinal));
        Directory.Delete($"{scene.Bench.Options.WorkDir}/tasks", recursive: true);
        await scene.Bench.StartAgentAsync();
        Assert.Empty(scene.Bench.Server.LastRegistration.Tasks);
        await scene.AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task Teardown_AfterTheAgentWasKilled_LeavesNotEvenTheGround()
    {
        await using var scene = await Scene.SetAsync(docker);
        var specs = Specs(0, scene.Registry.Host);
        await using (var doomed = await scene.StartAsync(specs, specs.Count))
        {
            await doomed.KillAsync();
        }
        var result = await AgentHost.TeardownAsync(scene.Bench.Options with { Isolation = "auto", Join = "" }, CancellationToken.None);
        Assert.Equal((specs.Count, 0), (result.TasksKilled, result.TasksLeft.Count));
        Assert.Equal([], (await scene.TracesAsync()).Where(trace => !trace.StartsWith($"file {scene.Bench.Options.WorkDir}/tasks/", StringComparison.Ordinal)));
        Assert.DoesNotContain(scene.Bench.Options.RunDir, await File.ReadAllTextAsync("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.Equal(scene.ForeignBefore, await scene.Foreign.LookAsync());
    }

    private static List<TaskSpec> Specs(int round, string registry)
    {
        var specs = new List<TaskSpec>();
        void Add(string kind, int count, Action<TaskSpec, int> change)
        {
            for (var i = 0; i < count; i++)
            {
                specs.Add(AgentBench.Shell($"{kind}.{round}.{i}", Once, spec => change(spec, i)));
            }
        }
        void OnBridge(TaskSpec spec) => spec.Networks.Add(new TaskNetwork { Name = "container/bridge" });
        void WithImage(TaskSpec spec) => spec.Image = new ImageSpec { Name = $"{registry}/plain" };

        Add("host", 4, (_, _) => { });
        Add("bridge", 4, (spec, i) =>
        {
            OnBridge(spec);
            spec.Ports.Add(new TaskPort { HostPort = 24940 + i, ContainerPort = 80, Protocol = "tcp" });
        });
        Add("image", 4, (spec, _) => WithImage(spec));
        Add("both", 4, (spec, _) =>
        {
            OnBridge(spec);
            WithImage(spec);
        });
        Add("pod", 6, (spec, i) =>
        {
            spec.Group = $"pod.{round}.{i / 3}";
            OnBridge(spec);
            if (i % 3 == 2)
            {
                WithImage(spec);
            }
            spec.Linux = new LinuxSpec { ShareGroupIpc = true };
            spec.Mounts.Add(new Mount { Source = "volumes/v", Destination = "shared" });
        });
        return specs;
    }
}
