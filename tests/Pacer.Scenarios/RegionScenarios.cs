namespace Pacer.Scenarios;

public sealed class RegionScenarios(TwoRegions cluster) : Scenario<TwoRegions>(cluster)
{
    [Fact(DisplayName = "REGION-01: an app without a region constraint runs in the home region")]
    public async Task REGION_01()
    {
        await Cluster.DeployAsync(App("/regional", more: "\"instances\":4"));
        Assert.All(await Cluster.TasksAsync("/regional"), task => Assert.Equal("home", task["region"]!.ToString()));
    }

    [Fact(DisplayName = "REGION-02: an app constrained to the remote region runs there")]
    public async Task REGION_02()
    {
        await Cluster.DeployAsync(App("/regional", more: "\"constraints\":[[\"@region\",\"IS\",\"remote\"]]"));
        Assert.Equal("remote", Assert.Single(await Cluster.TasksAsync("/regional"))["region"]!.ToString());
    }

    [Fact(DisplayName = "REGION-04: an app grouped over two regions has equal shares in both")]
    public async Task REGION_04()
    {
        await DeployGroupedAsync();
        Assert.Equal((2, 2), await SharesAsync());
    }

    [Fact(DisplayName = "REGION-05: the replacement for a lost remote task is in the remote region")]
    public async Task REGION_05()
    {
        await DeployGroupedAsync();
        var lost = (await Cluster.TasksAsync("/regional")).First(task => task["region"]!.ToString() == "remote");
        await Cluster.Nodes.Single(node => node.Name == lost["host"]!.ToString()).StopAsync();
        await Waiting.UntilAsync(async () => !(await Cluster.RunningAsync("/regional")).Contains(lost["id"]!.ToString()) && await SharesAsync() == (2, 2),
            "two tasks run in each region again");
    }

    private Task DeployGroupedAsync() =>
        Cluster.DeployAsync(App("/regional", more: "\"instances\":4,\"constraints\":[[\"@region\",\"GROUP_BY\",\"2\"]]"));

    private async Task<(int Home, int Remote)> SharesAsync()
    {
        var regions = (await Cluster.TasksAsync("/regional")).Where(task => task["state"]!.ToString() == "TASK_RUNNING").Select(task => task["region"]!.ToString()).ToList();
        return (regions.Count(region => region == "home"), regions.Count(region => region == "remote"));
    }
}
