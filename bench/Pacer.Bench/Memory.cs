namespace Pacer.Bench;

/// <summary>(d) What a running instance costs the control plane: the server apart from its agent.</summary>
internal static class Memory
{
    private const int Instances = 400;

    public static async Task MeasureAsync(Report report, string executable)
    {
        await using var cluster = await BenchCluster.StartAsync(executable, agentApart: true);
        await cluster.TimeToRunningAsync("/warm", 20); // code and buffers that the first instances bring in are no cost of an instance
        await Task.Delay(TimeSpan.FromSeconds(2));
        var before = cluster.ResidentKilobytes();
        await cluster.TimeToRunningAsync("/many", Instances);
        await Task.Delay(TimeSpan.FromSeconds(2));
        var perInstance = (cluster.ResidentKilobytes() - before) / (double)Instances;
        report.Add($"(d) control plane's resident memory per running instance ({Instances} more)", $"{perInstance:0.0} KB", "", null, "≤ 20 KB");
    }
}
