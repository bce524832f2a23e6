namespace Pacer.Bench;

/// <summary>(a) From the POST of one app to its TASK_RUNNING, against the bare start of the same container.</summary>
internal static class SingleLaunch
{
    private const int Rounds = 25;

    public static async Task MeasureAsync(Report report, BenchCluster cluster, BareContainers bare)
    {
        var (pacer, direct) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            direct.Add((await bare.StartAsync(1, 1)).TotalMilliseconds);
            pacer.Add((await cluster.TimeToRunningAsync($"/single{round}", 1)).TotalMilliseconds);
            await cluster.RemoveAsync($"/single{round}");
            await bare.RemoveAllAsync();
        }
        var (ours, theirs) = (Report.Median(pacer), Report.Median(direct));
        report.Add("(a) POST of one app → TASK_RUNNING", $"{ours:0.0} ms", $"{theirs:0.0} ms (conmon + crun)", ours / theirs, "≤ 1.5×");
    }
}
