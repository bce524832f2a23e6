using System.Diagnostics;
using System.Runtime.CompilerServices;
using Pacer.Agent.Containers;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Containers.Probing;
using Xunit;

namespace Pacer.Shell.Tests.Containers;

/// <summary>
/// A second process of this test program that starts one container, says so and waits to be killed. It runs before any test
/// framework does, when its three variables are set.
/// </summary>
internal static class AgentThatDies
{
    private const string DirectoryVariable = "PACER_TEST_AGENT_DIRECTORY";
    private const string IsolationVariable = "PACER_TEST_AGENT_ISOLATION";
    private const string ScriptVariable = "PACER_TEST_AGENT_SCRIPT";

    [ModuleInitializer]
    internal static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is not { } directory)
        {
            return;
        }

        var options = RuntimeLab.Options(directory, Environment.GetEnvironmentVariable(IsolationVariable)!);
        var runtime = ContainerRuntimeProbe.SelectAsync(options, default).GetAwaiter().GetResult().Runtime;
        var plan = RuntimeLab.PlanIn(directory, "c1", "/bin/sh", "-c", Environment.GetEnvironmentVariable(ScriptVariable)!);
        runtime.StartAsync(plan, default).GetAwaiter().GetResult();
        Console.WriteLine("started");
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>Starts container c1 with this script from another process and kills that process.</summary>
    public static async Task StartAndDieAsync(RuntimeLab lab, string script)
    {
        using var agent = Process.Start(new ProcessStartInfo($"{AppContext.BaseDirectory}/Pacer.Shell.Tests")
        {
            RedirectStandardOutput = true,
            Environment =
            {
                [DirectoryVariable] = lab.Directory,
                [IsolationVariable] = lab.Runtime.Name == "mesos" ? "oci" : "process",
                [ScriptVariable] = script,
            },
        })!;
        Assert.Equal("started", await agent.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
        Libc.Kill(agent.Id, Libc.SigKill);
        await agent.WaitForExitAsync();
    }
}

/// <summary>Containers outlive kill -9 of the agent, whichever runtime holds them.</summary>
public sealed class AgentDeathTests
{
    [Theory]
    [InlineData("oci")]
    [InlineData("process")]
    public async Task Recover_AgentKilledWhileRunning_RunningAndLaterTheTrueCode(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await AgentThatDies.StartAndDieAsync(lab, "while [ ! -e stop ]; do sleep 0.02; done; exit 42");
        Assert.Equal(RecoveredState.Running, await lab.Runtime.RecoverAsync("c1", "", default));
        var wait = lab.ExitAsync("c1");
        Assert.False(wait.IsCompleted);
        File.WriteAllText($"{lab.Directory}/work/sandboxes/c1/stop", "");
        Assert.Equal(new ContainerExit(42, null, false, false), await wait);
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("process")]
    public async Task Recover_ContainerEndedWhileNoAgentRan_CodeIsFound(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await AgentThatDies.StartAndDieAsync(lab, "exit 7");
        await lab.ExitAsync("c1");
        var later = await lab.AnotherAgentAsync();
        Assert.Equal(RecoveredState.Exited, await later.RecoverAsync("c1", "", default));
        Assert.Equal(7, (await later.WaitAsync("c1", default)).ExitCode);
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("process")]
    public async Task RemoveOrphans_ContainerOfADeadAgent_IsEnded(string isolation)
    {
        await using var lab = await RuntimeLab.CreateAsync(isolation);
        await AgentThatDies.StartAndDieAsync(lab, "echo $$ >pid; setsid sleep 600 & exec sleep 600");
        Assert.Equal(1, await lab.Runtime.RemoveOrphansAsync(new HashSet<string>(), default));
        Assert.Equal(RecoveredState.Absent, await lab.Runtime.RecoverAsync("c1", "", default));
        Assert.Equal(0, await lab.Runtime.RemoveOrphansAsync(new HashSet<string>(), default));
    }
}
