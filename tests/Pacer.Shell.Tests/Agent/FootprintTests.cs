using Pacer.Agent;
using Pacer.Agent.Containers;
using Pacer.Contracts.AgentLink;

namespace Pacer.Shell.Tests.Agent;

/// <summary>What a running task costs the agent itself, apart from its runtime.</summary>
[Collection(Alone)]
[CollectionDefinition(Alone, DisableParallelization = true)]
public sealed class FootprintTests
{
    // Memory is the whole process's: nothing else may run meanwhile.
    private const string Alone = "agent footprint";

    [Fact]
    public async Task Agent_ManyRunningTasks_EachTakesLittleMemoryAndNoThread()
    {
        const int count = 1_000;
        await using var bench = await AgentBench.StartAsync(startAgent: false);
        await using var agent = await AgentHost.StartAsync(
            bench.Options,
            bench.Parts with { MakeRuntime = (_, _, _) => Task.FromResult<IContainerRuntime>(new EndlessRuntime()) },
            CancellationToken.None);
        await bench.Server.WaitForRegistrationsAsync(1);
        // Everything that is made once is made by the first few.
        await LaunchAsync(bench, "warm", 20);
        var threads = ThreadPool.ThreadCount;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await LaunchAsync(bench, "many", count);
        bench.Server.Forget();
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.Equal(count + 20, agent.LiveTasks);
        Assert.True(each < 6_000, $"{each} bytes for each task"); // may be below 0: garbage of the start is collected meanwhile
        Assert.InRange(ThreadPool.ThreadCount, 0, threads + 50);
    }

    private static async Task LaunchAsync(AgentBench bench, string name, int count)
    {
        for (var i = 0; i < count; i++)
        {
            bench.Server.Launch(AgentBench.Shell($"{name}.instance-{Guid.NewGuid()}._app.{i}", "sleep 1000", spec =>
            {
                for (var variable = 0; variable < 30; variable++)
                {
                    spec.Environment[$"MARATHON_APP_LABEL_{variable}"] = new string('x', 50);
                }
                spec.HealthChecks.Add(new HealthCheck { Port = 1, IntervalMs = 600_000, AgentKills = true, DelayMs = 600_000 });
            }));
        }
        await bench.Server.WaitAsync<object>(server => server.CountOf(name, TaskState.TaskRunning) == count ? server : null, "not all are running");
    }

    /// <summary>Containers that cost nothing, so that what is measured is the agent's.</summary>
    private sealed class EndlessRuntime : IContainerRuntime
    {
        public string Name => "process";

        public string? MissingIsolation => null;

        public Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken) =>
            Task.FromResult(new StartedContainer(plan.ContainerId, 1));

        public Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken) =>
            new TaskCompletionSource<ContainerExit>().Task.WaitAsync(cancellationToken);

        public Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task DeleteAsync(string containerId, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken) =>
            Task.FromResult(RecoveredState.Absent);

        public Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken) => Task.FromResult(0);

        public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("These tasks have no commands to run.");

        public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) => Task.FromResult(new ContainerUsage(null, null, null));

        public IDisposable? Freeze(string containerId) => null;
    }
}
