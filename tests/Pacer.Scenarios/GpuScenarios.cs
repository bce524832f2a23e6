namespace Pacer.Scenarios;

public sealed class GpuScenarios(GpuNodes cluster) : Scenario<GpuNodes>(cluster)
{
    [Fact(DisplayName = "GPU-01: an app that asks for a GPU runs on a node that has one")]
    public async Task GPU_01()
    {
        await RequireAsync();
        await Cluster.DeployAsync(App("/gpu", more: "\"gpus\":1"));
        Assert.Single(await Cluster.RunningAsync("/gpu"));
    }

    [Fact(DisplayName = "GPU-02: an app without GPUs waits, declined for scarce resources")]
    public async Task GPU_02()
    {
        await RequireAsync();
        await Cluster.CreateAsync(App("/plain"));
        await DeclinedAsync("/plain");
    }

    [Fact(DisplayName = "GPU-04: a resident app without GPUs comes back to its volume on a node with a free GPU")]
    public async Task GPU_04()
    {
        await RequireAsync();
        // While others have all GPUs, their nodes are like any other.
        await Cluster.DeployAsync(App("/gpu", more: "\"gpus\":1,\"instances\":2"));
        await Cluster.DeployAsync(App("/resident", "cat data/file; echo kept > data/file; exec sleep 1000", """
            "container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","persistent":{"size":16}}]}
            """));
        var before = Assert.Single(await Cluster.TasksAsync("/resident"));
        // Running means started: its command is given the time to write before the task is ended.
        await Waiting.UntilAsync(async () => await ReadAsync("volumes/*/data/file") == "kept\n", "it writes its data");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/apps/gpu"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/resident", """{"instances":0}"""));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/resident", """{"instances":1}"""));
        var after = Assert.Single(await Cluster.TasksAsync("/resident"));
        Assert.Equal(before["slaveId"]!.ToString(), after["slaveId"]!.ToString());
        await Waiting.UntilAsync(async () => await ReadAsync($"sandboxes/{after["id"]}/stdout") == "kept\n", "it finds its data");
    }

    [Fact(DisplayName = "GPU-05: a new resident app without GPUs never gets a match")]
    public async Task GPU_05()
    {
        await RequireAsync();
        await Cluster.CreateAsync(App("/resident", more: """
            "container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","persistent":{"size":16}}]}
            """));
        await DeclinedAsync("/resident");
    }

    [Fact]
    public async Task App_AsksForMoreGpusThanANodeHas_WaitsAndTheQueueSaysWhy()
    {
        await RequireAsync();
        await Cluster.CreateAsync(App("/two", more: "\"gpus\":2"));
        await DeclinedAsync("/two", "InsufficientGpus");
    }

    private async Task RequireAsync() => Assert.SkipWhen(
        (await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray().Any(node => (int)node!["resources"]!["total"]!["gpus"]! == 0), "needs device nodes, and to make them root");

    /// <summary>The text of the one file of that name on the nodes; <c>null</c> while there is none.</summary>
    private async Task<string?> ReadAsync(string path)
    {
        var parts = path.Split('*', 2);
        var files = Cluster.Nodes.SelectMany(node => parts.Length == 1
            ? [$"{node.Options.WorkDir}/{path}"]
            : Directory.EnumerateDirectories($"{node.Options.WorkDir}/{parts[0]}").Select(directory => directory + parts[1]));
        return files.FirstOrDefault(File.Exists) is { } file ? await File.ReadAllTextAsync(file) : null;
    }

    private async Task DeclinedAsync(string app, string reason = "DeclinedScarceResources")
    {
        await Cluster.QueuedAsync(app, item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(step => step!["reason"]!.ToString() == reason && (int)step["declined"]! == 2));
        Assert.Empty(await Cluster.TasksAsync(app));
        Assert.Single(await Cluster.DeploymentsAsync());
    }
}
