namespace Pacer.Scenarios;

public sealed class PlacementScenarios(TwoNodes cluster) : Scenario<TwoNodes>(cluster)
{
    private const string OnFirst = "\"constraints\":[[\"hostname\",\"CLUSTER\",\"node1\"]]";

    [Fact(DisplayName = "SYS-PIN-01: ten instances pinned to one host are all there")]
    public async Task SYS_PIN_01()
    {
        await Cluster.DeployAsync(App("/pinned", more: OnFirst));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/pinned", """{"instances":10}"""));
        var tasks = await Cluster.TasksAsync("/pinned");
        Assert.Equal(10, tasks.Count);
        Assert.All(tasks, task => Assert.Equal("node1", task["host"]!.ToString()));
    }

    [Fact(DisplayName = "SYS-PIN-02: the replacement of a pinned task is on the same host")]
    public async Task SYS_PIN_02()
    {
        await Cluster.DeployAsync(App("/pinned", more: OnFirst));
        var old = await Cluster.RunningAsync("/pinned");
        await Cluster.SendAsync("DELETE", "/v2/apps/pinned/tasks");
        await Cluster.RunningAsync("/pinned", 1, old);
        Assert.Equal("node1", Assert.Single(await Cluster.TasksAsync("/pinned"))["host"]!.ToString());
    }

    [Fact(DisplayName = "SYS-PIN-04: an app pinned to a host that isn't there waits")]
    public async Task SYS_PIN_04()
    {
        var deployment = await Cluster.CreateAsync(App("/pinned", more: "\"constraints\":[[\"hostname\",\"CLUSTER\",\"elsewhere\"]]"));
        await Cluster.QueuedAsync("/pinned", _ => true);
        Assert.Empty(await Cluster.TasksAsync("/pinned"));
        Assert.Equal(deployment, Assert.Single(await Cluster.DeploymentsAsync())!["id"]!.ToString());
    }

    [Fact(DisplayName = "UNREACH-01: the task of a node that is cut off is reported unreachable")]
    public async Task UNREACH_01() => await CutOffAsync("60", "120");

    [Fact(DisplayName = "UNREACH-03: an inactive task is replaced on another node")]
    public async Task UNREACH_03()
    {
        var (_, other) = await CutOffAsync("1", "60");
        await Waiting.UntilAsync(async () => (await RunningOnAsync(other)).Count == 1, "the replacement runs");
    }

    [Fact(DisplayName = "UNREACH-04: a task is seen running again when its node is back")]
    public async Task UNREACH_04()
    {
        var (lost, _) = await CutOffAsync("60", "120");
        var mark = Cluster.Events.Mark;
        await lost.StartAsync();
        await Cluster.StatusAsync("/cut", "TASK_RUNNING", mark);
        Assert.Single(await RunningOnAsync(lost));
    }

    [Fact(DisplayName = "UNREACH-06: with no time until inactive the replacement comes at once")]
    public async Task UNREACH_06()
    {
        var (_, other) = await CutOffAsync("0", "60");
        await Waiting.UntilAsync(async () => (await RunningOnAsync(other)).Count == 1, "the replacement runs");
    }

    [Fact(DisplayName = "UNREACH-07: with one task a rack, the task of a stopped agent stays listed as unreachable")]
    public async Task UNREACH_07() => await StopOneOfTwoAsync();

    [Fact(DisplayName = "UNREACH-09: scaling down forgets the unreachable task and keeps the running one")]
    public async Task UNREACH_09()
    {
        var running = await StopOneOfTwoAsync();
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/cut?force=true", """{"instances":1}"""));
        Assert.Equal(running, Assert.Single(await Cluster.TasksAsync("/cut"))["id"]!.ToString());
    }

    private static string App(string id, string more) => TestCluster.App(id, "exec sleep 1000", more);

    /// <summary>Deploys one task and takes its node away.</summary>
    private async Task<(TestNode Lost, TestNode Other)> CutOffAsync(string inactive, string expunge)
    {
        await Cluster.DeployAsync(App("/cut", $"\"unreachableStrategy\":{{\"inactiveAfterSeconds\":{inactive},\"expungeAfterSeconds\":{expunge}}}"));
        var host = Assert.Single(await Cluster.TasksAsync("/cut"))["host"]!.ToString();
        var lost = Cluster.Nodes.Single(node => node.Name == host);
        var mark = Cluster.Events.Mark;
        await lost.StopAsync();
        await Cluster.StatusAsync("/cut", "TASK_UNREACHABLE", mark);
        return (lost, Cluster.Nodes.Single(node => node != lost));
    }

    /// <summary>Two tasks on two racks, of which one is lost; gives the id of the other.</summary>
    private async Task<string> StopOneOfTwoAsync()
    {
        await Cluster.DeployAsync(App("/cut", "\"instances\":2,\"constraints\":[[\"rack\",\"MAX_PER\",\"1\"]],"
            + "\"unreachableStrategy\":{\"inactiveAfterSeconds\":60,\"expungeAfterSeconds\":120}"));
        var mark = Cluster.Events.Mark;
        await Cluster.Nodes[0].StopAsync();
        await Cluster.StatusAsync("/cut", "TASK_UNREACHABLE", mark);
        var tasks = await Cluster.TasksAsync("/cut");
        Assert.Equal(["TASK_RUNNING", "TASK_UNREACHABLE"], tasks.Select(task => task["state"]!.ToString()).Order(StringComparer.Ordinal));
        return tasks.Single(task => task["state"]!.ToString() == "TASK_RUNNING")["id"]!.ToString();
    }

    private async Task<List<string>> RunningOnAsync(TestNode node) =>
        [.. (await Cluster.TasksAsync("/cut")).Where(task => task["host"]!.ToString() == node.Name && task["state"]!.ToString() == "TASK_RUNNING").Select(task => task["id"]!.ToString())];
}
