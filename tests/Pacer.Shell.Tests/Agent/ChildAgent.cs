using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent;
using Pacer.Agent.Containers;
using Pacer.Shell.Tests.Agent;

/// <summary>
/// Lets this test program run as a bare agent: .NET calls a class of this name, in no namespace, before <c>Main</c> when
/// DOTNET_STARTUP_HOOKS names the assembly. Killing such a process is what <c>kill -9</c> of an agent is.
/// </summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("PACER_TEST_AGENT") is { } root)
        {
            ChildAgent.RunAsync(root).GetAwaiter().GetResult();
        }
    }
}

namespace Pacer.Shell.Tests.Agent
{
    /// <summary>An agent in a process of its own.</summary>
    internal sealed class ChildAgent : IAsyncDisposable
    {
        private readonly Process _process;

        private ChildAgent(Process process) => _process = process;

        /// <summary>With the runtime that users get where the bench's agents have it, else with plain processes.</summary>
        /// <param name="crashAt">"before-start", "after-start", "after-exit", "before-signal" or "after-delete": the agent kills itself there; null: never.</param>
        public static ChildAgent Start(AgentBench bench, string? crashAt = null)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true, RedirectStandardOutput = true };
            start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(ChildAgent).Assembly.Location;
            start.Environment["PACER_TEST_AGENT"] = bench.Root;
            start.Environment["DOTNET_TieredPGO"] = "0";
            start.Environment["PACER_TEST_CRASH"] = crashAt ?? "";
            start.Environment["PACER_TEST_DOCKER"] = bench.Options.DockerSocket;
            start.Environment["PACER_TEST_ISOLATION"] = bench.Real ? bench.Options.Isolation : "";
            return new ChildAgent(Process.Start(start)!);
        }

        public static async Task RunAsync(string root)
        {
            var options = new AgentOptions { Join = $"unix:{root}/server.sock", WorkDir = $"{root}/work", RunDir = $"{root}/run", DockerSocket = Environment.GetEnvironmentVariable("PACER_TEST_DOCKER")! };
            if (Environment.GetEnvironmentVariable("PACER_TEST_ISOLATION") is { Length: > 0 } isolation)
            {
                await AgentHost.StartAsync(options with { Isolation = isolation }, CancellationToken.None);
                await Task.Delay(Timeout.Infinite);
            }
            var runtime = new CrashingRuntime(new PlainRuntime($"{root}/run"), Environment.GetEnvironmentVariable("PACER_TEST_CRASH")!);
            await AgentHost.StartAsync(
                options,
                new AgentParts((_, _, _) => Task.FromResult<IContainerRuntime>(runtime)) { Logging = NullLoggerFactory.Instance },
                CancellationToken.None);
            await Task.Delay(Timeout.Infinite);
        }

        /// <summary>kill -9.</summary>
        public async Task KillAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        public async Task WaitForCrashAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(45));
            await _process.WaitForExitAsync(patience.Token);
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                await KillAsync();
            }
            _process.Dispose();
        }

        private sealed class CrashingRuntime(IContainerRuntime inner, string crashAt) : IContainerRuntime
        {
            private void Pass(string point)
            {
                if (point == crashAt)
                {
                    _ = PlainRuntime.kill(Environment.ProcessId, 9);
                    Thread.Sleep(Timeout.Infinite);
                }
            }

            public string Name => inner.Name;

            public string? MissingIsolation => inner.MissingIsolation;

            public async Task<StartedContainer> StartAsync(ContainerPlan plan, CancellationToken cancellationToken)
            {
                Pass("before-start");
                var started = await inner.StartAsync(plan, cancellationToken);
                Pass("after-start");
                return started;
            }

            public async Task<ContainerExit> WaitAsync(string containerId, CancellationToken cancellationToken)
            {
                var exit = await inner.WaitAsync(containerId, cancellationToken);
                Pass("after-exit");
                return exit;
            }

            public Task SignalAsync(string containerId, int signal, CancellationToken cancellationToken)
            {
                Pass("before-signal");
                return inner.SignalAsync(containerId, signal, cancellationToken);
            }

            public async Task DeleteAsync(string containerId, CancellationToken cancellationToken)
            {
                await inner.DeleteAsync(containerId, cancellationToken);
                Pass("after-delete");
            }

            public Task<RecoveredState> RecoverAsync(string containerId, string sandbox, CancellationToken cancellationToken) =>
                inner.RecoverAsync(containerId, sandbox, cancellationToken);

            public Task<int> RemoveOrphansAsync(IReadOnlySet<string> known, CancellationToken cancellationToken) =>
                inner.RemoveOrphansAsync(known, cancellationToken);

            public Task<IExecProcess> ExecAsync(string containerId, ExecPlan plan, CancellationToken cancellationToken) =>
                inner.ExecAsync(containerId, plan, cancellationToken);

            public Task<ContainerUsage> ReadUsageAsync(string containerId, CancellationToken cancellationToken) => inner.ReadUsageAsync(containerId, cancellationToken);

            public IDisposable? Freeze(string containerId) => inner.Freeze(containerId);
        }
    }
}
