namespace Pacer.Scenarios;

public sealed class GpuScenarios(GpuNodes cluster) : Scenario<GpuNodes>(cluster)
{
    [Fact(DisplayName = "GPU-01: an app that asks for a GPU runs on a node that has one")]
    public async Task GPU_01()
    {
        await Cluster.DeployAsync(App("/gpu", more: "\"gpus\":1"));
        Assert.Single(await Cluster.RunningAsync("/gpu"));
    }

    [Fact(DisplayName = "GPU-02: an app without GPUs waits, declined for scarce resources")]
    public async Task GPU_02()
    {
        await Cluster.CreateAsync(App("/plain"));
        await DeclinedAsync("/plain");
    }

    [Fact(DisplayName = "GPU-05: a new resident app without GPUs never gets a match")]
    public async Task GPU_05()
    {
        await Cluster.CreateAsync(App("/resident", more: """
            "container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","persistent":{"size":16}}]}
            """));
        await DeclinedAsync("/resident");
    }

    private async Task DeclinedAsync(string app)
    {
        await Cluster.QueuedAsync(app, item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(step => step!["reason"]!.ToString() == "DeclinedScarceResources" && (int)step["declined"]! == 2));
        Assert.Empty(await Cluster.TasksAsync(app));
        Assert.Single(await Cluster.DeploymentsAsync());
    }
}
