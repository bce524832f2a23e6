namespace Pacer.Scenarios;

public sealed class FailoverScenarios(TwoNodes cluster) : Scenario<TwoNodes>(cluster)
{
    // Agents of these tests count as lost after a second; an abdication may take longer, and is not about that.
    private const string Patient = "\"unreachableStrategy\":{\"inactiveAfterSeconds\":60,\"expungeAfterSeconds\":120},";

    private const string Ready = Patient +
        "\"instances\":2,\"readinessChecks\":[{\"portName\":\"http-api\",\"intervalSeconds\":2,\"timeoutSeconds\":1}],\"portDefinitions\":[{\"port\":0,\"name\":\"http-api\"}]";

    [Fact(DisplayName = "FAILOVER-01: the task of a deployment that can't finish survives an abdication")]
    public async Task FAILOVER_01()
    {
        await Cluster.CreateAsync(App("/failover", more: Patient + "\"instances\":2,\"constraints\":[[\"rack\",\"CLUSTER\",\"r1\"],[\"hostname\",\"UNIQUE\"]]"));
        var task = Assert.Single(await Cluster.RunningAsync("/failover", 1));
        await Cluster.AbdicateAsync();
        Assert.Single(await Cluster.DeploymentsAsync());
        Assert.Equal(task, Assert.Single(await Cluster.RunningAsync("/failover")));
    }

    [Fact(DisplayName = "FAILOVER-03: after an abdication the upgrade goes on, and only the two new tasks remain")]
    public async Task FAILOVER_03() => Assert.Equal(2, (await UpgradeAsync()).After.Length);

    [Fact(DisplayName = "FAILOVER-04: the new tasks are those that were started before the abdication")]
    public async Task FAILOVER_04()
    {
        var (before, after) = await UpgradeAsync();
        Assert.Equal(before, after);
    }

    [Fact(DisplayName = "FAILOVER-06: tasks that turn healthy after an abdication finish the upgrade")]
    public async Task FAILOVER_06()
    {
        await using var web = new WebEndpoint(200);
        var health = Patient + $"\"instances\":2,\"healthChecks\":[{{\"protocol\":\"HTTP\",\"port\":{web.Port},\"intervalSeconds\":1,\"gracePeriodSeconds\":600,\"maxConsecutiveFailures\":0}}]";
        await Cluster.DeployAsync(App("/failover", more: health));
        var old = await Cluster.RunningAsync("/failover");
        web.Status = 500;
        await Cluster.ChangeAsync("PUT", "/v2/apps/failover", App("/failover", "exec sleep 2000", health));
        await Cluster.RunningAsync("/failover", 4);
        var started = (await Cluster.RunningAsync("/failover")).Except(old).ToArray();
        await Cluster.AbdicateAsync();
        web.Status = 200;
        await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the upgrade has finished");
        Assert.Equal(started, await Cluster.RunningAsync("/failover"));
    }

    /// <summary>An upgrade whose first new task turns ready before an abdication and whose second does after it.</summary>
    private async Task<(string[] Before, string[] After)> UpgradeAsync()
    {
        await Cluster.CreateAsync(App("/failover", more: Ready));
        var old = await Cluster.RunningAsync("/failover", 2);
        await using (await AnswerAsync(old[0]))
        await using (await AnswerAsync(old[1]))
        {
            await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the first version is ready");
        }
        await Cluster.ChangeAsync("PUT", "/v2/apps/failover", App("/failover", "exec sleep 2000", Ready));
        await Cluster.RunningAsync("/failover", 4);
        var started = (await Cluster.RunningAsync("/failover")).Except(old).ToArray();
        await using var first = await AnswerAsync(started[0]);
        await Cluster.RunningAsync("/failover", 3);
        await Cluster.AbdicateAsync();
        await using var second = await AnswerAsync(started[1]);
        await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the upgrade has finished");
        return (started, await Cluster.RunningAsync("/failover", 2));
    }

    private async Task<WebEndpoint> AnswerAsync(string task) => new(200, (await Cluster.TasksAsync("/failover"))
        .First(t => t["id"]!.ToString() == task)["ports"]![0]!.GetValue<int>());
}
