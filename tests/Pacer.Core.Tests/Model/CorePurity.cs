using Pacer.Core.Cluster;

namespace Pacer.Core.Tests.Model;

public sealed class CorePurity
{
    [Fact]
    public void Core_ReferencesOnlyTheBaseLibrary() => Assert.All(
        typeof(Orchestrator).Assembly.GetReferencedAssemblies(),
        name => Assert.Matches("^System\\.(Runtime|Collections|Collections\\.Immutable|Linq|Memory|Text\\.RegularExpressions)$", name.Name));

    [Fact]
    public void Step_SameInputsTimeAndSeed_GivesTheSameResult()
    {
        static ClusterState Run()
        {
            var cluster = new Cluster.TestCluster(seed: 42);
            cluster.AddAgent("a");
            cluster.AddAgent("b");
            cluster.Put(Cluster.TestCluster.App("/x", 5) with { Ports = [new(0, 0, 80, "tcp", null)] });
            return cluster.State;
        }

        Cluster.Invariants.SameTables(Run(), Run());
    }
}
