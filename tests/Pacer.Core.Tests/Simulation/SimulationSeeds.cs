using Pacer.Simulation;

namespace Pacer.Core.Tests.Simulation;

public sealed class SimulationSeeds
{
    /// <summary>CI runs as many seeds as its time allows; the soak is one command (CONTRIBUTING.md).</summary>
    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("PACER_SIMULATION_SEEDS"), out var seeds) ? seeds : 200;

    [Fact]
    public void EverySeed_HoldsItsChecksAndConverges()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var outcome = SimulationRun.Play(new SimulationOptions { Seed = (ulong)seed });
            Assert.True(outcome.Failure is null, $"seed {seed}: {outcome.Failure} (./pacer simulate --seed {seed})");
        }
    }

    [Fact]
    public void ManyNodes_HoldTheChecksToo() =>
        Assert.Null(SimulationRun.Play(new SimulationOptions { Seed = 7, Nodes = 1_000, Steps = 20_000 }).Failure);

    [Theory]
    [InlineData("OverCommit")]
    [InlineData("LoseCommits")]
    [InlineData("DoubleLaunches")]
    [InlineData("IgnoreKills")]
    [InlineData("AlwaysReady")]
    [InlineData("TrustOldReports")]
    [InlineData("NoBrake")]
    [InlineData("IgnoreMinimum")]
    [InlineData("OverCommitDisks")]
    [InlineData("WipeWithTasks")]
    public void RuleBrokenOnPurpose_IsNoticed(string rule)
    {
        var options = new SimulationOptions { Break = Enum.Parse<BrokenRule>(rule) };
        Assert.Contains(Enumerable.Range(1, 5), seed => SimulationRun.Play(options with { Seed = (ulong)seed }).Failure is not null);
    }

    [Fact]
    public void SameSeed_PlaysTheSameHistory()
    {
        Assert.Equal(Trace(3), Trace(3));
        Assert.NotEqual(Trace(3), Trace(4));

        static List<string> Trace(ulong seed)
        {
            var lines = new List<string>();
            SimulationRun.Play(new SimulationOptions { Seed = seed, Steps = 2_000, Log = lines.Add });
            return lines;
        }
    }
}
