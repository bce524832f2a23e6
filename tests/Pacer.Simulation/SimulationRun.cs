namespace Pacer.Simulation;

/// <summary>How a run ended: null <see cref="Failure"/> means that everything held.</summary>
/// <param name="Wishes">How many wishes and faults were drawn, also those that were left out.</param>
internal sealed record SimulationOutcome(string? Failure, int Steps, TimeSpan VirtualTime, int Wishes);

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
            return new(null, steps, cluster.Events.Now - begin, workload.Drawn);
        }
        catch (SimulationFailedException e)
        {
            return new(e.Message, steps, cluster.Events.Now - begin, workload.Drawn);
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
        var outcome = Play(failing);
        if (outcome.Failure is null)
        {
            return failing;
        }
        // Nothing after the failure mattered.
        failing = failing with { Skipped = failing.Skipped.Concat(Enumerable.Range(outcome.Wishes, failing.Steps)).ToHashSet() };
        for (var part = Math.Max(1, outcome.Wishes / 2); attempts > 0; part = Math.Max(1, part / 2))
        {
            var shorter = false;
            foreach (var some in Enumerable.Range(0, outcome.Wishes).Where(number => !failing.Skipped.Contains(number)).Chunk(part).ToList())
            {
                var without = failing with { Skipped = failing.Skipped.Concat(some).ToHashSet() };
                if (attempts-- <= 0)
                {
                    break;
                }
                if (Play(without).Failure is { } failure && Kind(failure) == Kind(outcome.Failure))
                {
                    failing = without;
                    shorter = true;
                }
            }
            if (part == 1 && !shorter)
            {
                break; // each one that is left is needed
            }
        }
        return failing;
    }

    // Two histories show the same when they fail in the same words; ids, times and amounts may differ.
    private static string Kind(string failure) =>
        string.Join(' ', failure.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => !word.Any(char.IsAsciiDigit)));
}
