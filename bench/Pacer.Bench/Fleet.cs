using System.Diagnostics;

namespace Pacer.Bench;

/// <summary>(b) Many instances from one POST, against a bare loop at the same parallelism; (d) what they cost in memory.</summary>
internal static class Fleet
{
    private const int Instances = 200;
    private const int Rounds = 3;

    public static async Task MeasureAsync(Report report, BenchCluster cluster, BareContainers bare)
    {
        var (pacer, direct) = (new List<double>(), new List<double>());
        var before = cluster.ResidentKilobytes();
        var (perInstance, outside) = (0.0, 0.0);
        for (var round = 0; round < Rounds; round++)
        {
            var since = Stopwatch.StartNew();
            await Parallel.ForAsync(0, Instances, new ParallelOptions { MaxDegreeOfParallelism = 4 * Environment.ProcessorCount }, async (_, _) => await bare.StartAsync());
            direct.Add(since.Elapsed.TotalSeconds);
            await bare.RemoveAllAsync();

            pacer.Add((await cluster.TimeToRunningAsync($"/fleet{round}", Instances)).TotalSeconds);
            if (round == Rounds - 1)
            {
                await Task.Delay(TimeSpan.FromSeconds(2));
                perInstance = (cluster.ResidentKilobytes() - before) / (double)Instances;
                var (kilobytes, containers) = BareContainers.MemoryOutside(cluster.DataDirectory);
                outside = kilobytes / containers;
            }
            await cluster.RemoveAsync($"/fleet{round}");
        }
        var (ours, theirs) = (Report.Median(pacer), Report.Median(direct));
        report.Add($"(b) {Instances} instances from one POST → all running", $"{ours:0.00} s", $"{theirs:0.00} s (bare loop)", ours / theirs, "≤ 1.3×");
        report.Add("(d) resident memory per running instance, server and agent together", $"{perInstance:0} KB", "", null, "≤ 20 KB in the control plane");
        report.Add("(d) memory outside per container (monitor and init, PSS)", $"{outside / 1024:0.00} MB", "", null, "≤ 0.5 MB");
    }
}
