namespace Pacer.Bench;

/// <summary>(b) Many instances from one POST, against a bare loop at the same parallelism; (d) what they take outside of Pacer.</summary>
internal static class Fleet
{
    private const int Instances = 200;
    private const int Rounds = 3;

    public static async Task MeasureAsync(Report report, BenchCluster cluster, BareContainers bare)
    {
        var (pacer, direct) = (new List<double>(), new List<double>());
        var outside = 0.0;
        for (var round = 0; round < Rounds; round++)
        {
            direct.Add((await bare.StartAsync(Instances, 4 * Environment.ProcessorCount)).TotalSeconds);
            await bare.RemoveAllAsync();

            pacer.Add((await cluster.TimeToRunningAsync($"/fleet{round}", Instances)).TotalSeconds);
            if (round == Rounds - 1)
            {
                var (kilobytes, containers) = BareContainers.MemoryOutside(cluster.DataDirectory);
                outside = kilobytes / containers;
            }
            await cluster.RemoveAsync($"/fleet{round}");
        }
        var (ours, theirs) = (Report.Median(pacer), Report.Median(direct));
        report.Add($"(b) {Instances} instances from one POST → all running", $"{ours:0.00} s", $"{theirs:0.00} s (bare loop)", ours / theirs, "≤ 1.3×");
        report.Add("(d) memory outside per container (monitor and init, PSS)", $"{outside / 1024:0.00} MB", "", null, "≤ 0.5 MB");
    }
}
