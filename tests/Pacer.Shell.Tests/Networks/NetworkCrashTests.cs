using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Agent.Containers.Native;
using Pacer.Agent.Networks;

namespace Pacer.Shell.Tests.Networks;

/// <summary>
/// A second process of this test program that attaches and detaches without end until it is killed. It runs before any test
/// framework does, when its variables are set.
/// </summary>
internal static class NetworksThatDie
{
    public const string MachineVariable = "PACER_TEST_NETWORKS_MACHINE";
    public const string DirectoryVariable = "PACER_TEST_NETWORKS_DIRECTORY";

    [ModuleInitializer]
    internal static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { } directory)
        {
            Run(directory, Environment.GetEnvironmentVariable(MachineVariable)!);
        }
    }

    // No code of this assembly runs on another thread before its initializer has returned, so this one does all the waiting.
    private static void Run(string directory, string machine)
    {
        var options = new Pacer.Agent.AgentOptions { Join = "unix:/none", WorkDir = $"{directory}/work1", RunDir = $"{directory}/run1" };
        var networks = NodeNetworks.OpenAsync(NetworkSettings.Of(options), new NetworkTools(machine), null, NullLogger.Instance).GetAwaiter().GetResult();
        networks.ReconcileAsync(new HashSet<string>()).GetAwaiter().GetResult();
        File.WriteAllText($"{directory}/started", "");
        for (var round = 0; ; round++)
        {
            var attaching = new List<Task>();
            for (var i = 0; i < 3; i++)
            {
                attaching.Add(networks.AttachAsync(NetworkLab.Request($"c{round}.{i}", NetworkLab.Port(31000 + i, 80, "udp,tcp"))));
            }
            Task.WhenAll(attaching).GetAwaiter().GetResult();
            var detaching = new List<Task>();
            for (var i = 0; i < 3; i++)
            {
                detaching.Add(networks.DetachAsync($"c{round}.{i}"));
            }
            Task.WhenAll(detaching).GetAwaiter().GetResult();
            if (round % 3 == 2)
            {
                networks.RemoveGroundAsync().GetAwaiter().GetResult();
            }
        }
    }
}

/// <summary>kill -9 at any point.</summary>
public sealed class NetworkCrashTests
{
    [Fact]
    public async Task Reconcile_AgentAndItsToolsKilledAtAnyPoint_NoInterfaceRuleNamespaceOrAddressIsLeft()
    {
        await using var lab = await NetworkLab.CreateAsync();
        var started = $"{lab.Directory}/started";
        for (var round = 0; round < 6; round++)
        {
            var pid = ChildProcess.Start(new ChildPlan(
                $"{AppContext.BaseDirectory}/Pacer.Shell.Tests",
                [],
                [
                    .. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(entry => $"{entry.Key}={entry.Value}"),
                    $"{NetworksThatDie.DirectoryVariable}={lab.Directory}", $"{NetworksThatDie.MachineVariable}={lab.MachinePath}",
                ],
                [ChildDescriptor.Nothing(0), ChildDescriptor.Nothing(1), ChildDescriptor.AppendTo(2, $"{lab.Directory}/errors")],
                NewSession: true));
            try
            {
                await Containers.RuntimeLab.UntilAsync(() => File.Exists(started));
                await Task.Delay(round * 37);
            }
            finally
            {
                _ = Libc.Kill(-pid, Libc.SigKill);
                await ChildProcess.WaitAsync(pid);
            }
            Assert.Equal("", File.ReadAllText($"{lab.Directory}/errors"));
            File.Delete(started);
            await lab.AgentAsync();
            Assert.Empty(await lab.TracesAsync(lab.Options()));
        }
    }
}
