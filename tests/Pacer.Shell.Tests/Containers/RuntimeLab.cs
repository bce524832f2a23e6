using Pacer.Agent;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Oci;
using Pacer.Agent.Containers.Probing;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>A work and run directory of its own with a runtime on it; removes all that the test made, mounts and cgroups included.</summary>
internal sealed class RuntimeLab : IAsyncDisposable
{
    private static int _last;

    private RuntimeLab(string directory, IContainerRuntime runtime) => (Directory, Runtime) = (directory, runtime);

    public string Directory { get; }

    public IContainerRuntime Runtime { get; }

    public OciRuntime Oci => (OciRuntime)Runtime;

    public static async Task<RuntimeLab> CreateAsync(string isolation)
    {
        var directory = $"/tmp/pacer-runtime-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";
        System.IO.Directory.CreateDirectory(directory);
        try
        {
            var selection = await ContainerRuntimeProbe.SelectAsync(Options(directory, isolation), default);
            return new(directory, selection.Runtime);
        }
        catch (IsolationUnavailableException e)
        {
            System.IO.Directory.Delete(directory, true);
            Assert.Skip(e.Message);
            throw;
        }
    }

    public static AgentOptions Options(string directory, string isolation) =>
        new() { Join = "unix:/none", WorkDir = $"{directory}/work", RunDir = $"{directory}/run", Isolation = isolation };

    public async Task<IContainerRuntime> AnotherAgentAsync() =>
        (await ContainerRuntimeProbe.SelectAsync(Options(Directory, Runtime is OciRuntime ? "oci" : "process"), default)).Runtime;

    public static ContainerPlan PlanIn(string directory, string id, params string[] arguments)
    {
        var sandbox = $"{directory}/work/sandboxes/{id}";
        System.IO.Directory.CreateDirectory(sandbox);
        return new(id, "task." + id, arguments, new Dictionary<string, string>(), null, sandbox, id, 100, null, null, null);
    }

    public ContainerPlan Plan(string id, params string[] arguments) => PlanIn(Directory, id, arguments);

    public ContainerPlan Sh(string id, string script) => Plan(id, "/bin/sh", "-c", script);

    public string Read(ContainerPlan plan, string file) => File.ReadAllText($"{plan.Sandbox}/{file}");

    public async Task<ContainerExit> RunAsync(ContainerPlan plan)
    {
        await Runtime.StartAsync(plan, default);
        return await ExitAsync(plan.ContainerId);
    }

    public Task<ContainerExit> ExitAsync(string id) => Runtime.WaitAsync(id, default).WaitAsync(TimeSpan.FromSeconds(20));

    public static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 2000, "the condition was not met in 20 s");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Runtime.RemoveOrphansAsync(new HashSet<string>(), default);
        if (Runtime is OciRuntime oci)
        {
            oci.Cgroups.RemoveRoot();
            Assert.Equal(0, Libc.Unmount($"{Directory}/run", Libc.UnmountDetach));
        }

        System.IO.Directory.Delete(Directory, true);
    }
}
