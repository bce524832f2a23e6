namespace Pacer.Simulation;

/// <summary>How a run ended: null <see cref="Failure"/> means that everything held.</summary>
internal sealed record SimulationOutcome(string? Failure, int Steps, TimeSpan VirtualTime);

/// <summary>One run from a seed: faults for a number of steps, then peace, then the last look.</summary>
internal static class SimulationRun
{
    private static readonly TimeSpan Peace = TimeSpan.FromHours(3);

    public static SimulationOutcome Play(SimulationOptions options)
    {
        var cluster = new SimulatedCluster(options);
        var workload = new Workload(cluster, options);
        var begin = cluster.Events.Now;
        var steps = 0;
        try
        {
            workload.Begin();
            while (steps < options.Steps && cluster.Events.Next(Core.Model.Timestamp.MaxValue))
            {
                steps++;
                Look(cluster, steps);
            }
            workload.Stop();
            options.Log?.Invoke($"{cluster.Events.Now} peace");
            cluster.CrashPermille = 0;
            cluster.SlowStoreMilliseconds = 5;
            foreach (var agent in cluster.Agents)
            {
                agent.Heal();
            }
            for (var until = cluster.Events.Now + Peace; cluster.Events.Next(until); steps++)
            {
                Look(cluster, steps);
                SimulatedCluster.Require(steps < options.Steps * 20 + 1_000_000, "it does not come to rest");
            }
            Checks.Converged(cluster);
            return new(null, steps, cluster.Events.Now - begin);
        }
        catch (SimulationFailedException e)
        {
            return new(e.Message, steps, cluster.Events.Now - begin);
        }
    }

    private static void Look(SimulatedCluster cluster, int step)
    {
        if (step % 16 == 0)
        {
            Checks.RealWorld(cluster);
        }
        if (step % 1024 == 0)
        {
            Checks.WholeState(cluster);
        }
    }

    /// <summary>Leaves out wishes and faults, in halves and then smaller parts, as long as the run still fails.</summary>
    public static SimulationOptions Shorten(SimulationOptions failing, int attempts)
    {
        var all = Enumerable.Range(0, failing.Steps).ToList();
        for (var part = 512; part >= 1 && attempts > 0; part /= 2)
        {
            for (var at = 0; at < all.Count && attempts > 0; at += part)
            {
                var without = failing with { Skipped = failing.Skipped.Concat(all.Skip(at).Take(part)).ToHashSet() };
                if (without.Skipped.Count == failing.Skipped.Count)
                {
                    continue;
                }
                attempts--;
                if (Play(without).Failure is not null)
                {
                    failing = without;
                }
                if (at > 2_000)
                {
                    break; // a run has hardly more wishes than that
                }
            }
        }
        return failing;
    }
}
