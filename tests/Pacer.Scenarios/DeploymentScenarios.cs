using System.Globalization;
using System.Net;

namespace Pacer.Scenarios;

public sealed class DeploymentScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private const string Impossible = "\"constraints\":[[\"hostname\",\"IS\",\"nowhere\"]]";

    [Fact(DisplayName = "DEPLOY-EVENT-01: a new app is announced as a change of the group")]
    public async Task DEPLOY_EVENT_01()
    {
        var mark = Cluster.Events.Mark;
        var created = (await Cluster.SendAsync("POST", "/v2/apps", App("/web", more: "\"instances\":2"))).Expect(HttpStatusCode.Created);
        await Cluster.Events.WaitAsync("group_change_success", e => e.Text("version") == created.Body!["version"]!.ToString(), mark);
    }

    [Fact(DisplayName = "DEPLOY-EVENT-03: no deployment is left when it has finished")]
    public async Task DEPLOY_EVENT_03()
    {
        await Cluster.DeployAsync(App("/web", more: "\"instances\":2"));
        Assert.Empty(await Cluster.DeploymentsAsync());
    }

    [Fact(DisplayName = "DEPLOY-EVENT-04: both tasks answer on the host and port that are shown")]
    public async Task DEPLOY_EVENT_04()
    {
        await Cluster.DeployAsync(App("/web", "exec python3 -m http.server $PORT0", "\"instances\":2,\"portDefinitions\":[{\"port\":0}],"
            + "\"healthChecks\":[{\"protocol\":\"MESOS_HTTP\",\"portIndex\":0,\"intervalSeconds\":1,\"gracePeriodSeconds\":60}]"));
        var tasks = await Cluster.TasksAsync("/web");
        Assert.Equal(2, tasks.Count);
        foreach (var task in tasks)
        {
            Assert.Equal(Cluster.Nodes[0].Name, task["host"]!.ToString());
            // The node's name is the test's own; this is the address behind it.
            using var answer = await Cluster.Http.GetAsync($"http://127.0.0.1:{task["ports"]![0]!.GetValue<int>().ToString(CultureInfo.InvariantCulture)}/");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact(DisplayName = "DEPLOY-CTRL-02: an app that fits nowhere is overdue in the queue")]
    public async Task DEPLOY_CTRL_02()
    {
        await Cluster.CreateAsync(App("/stuck", more: Impossible));
        await Cluster.QueuedAsync("/stuck", item => item["delay"]!["overdue"]!.GetValue<bool>());
    }

    [Fact(DisplayName = "DEPLOY-CTRL-03: a stuck deployment can be dropped by force")]
    public async Task DEPLOY_CTRL_03()
    {
        var stuck = await Cluster.CreateAsync(App("/stuck", more: Impossible));
        (await Cluster.SendAsync("DELETE", $"/v2/deployments/{stuck}?force=true")).Expect(HttpStatusCode.Accepted);
        await Cluster.FailsAsync(stuck);
        Assert.Empty(await Cluster.DeploymentsAsync());
    }

    [Fact(DisplayName = "DEPLOY-CTRL-05: rolling back a stuck deployment fails it and succeeds as one of its own")]
    public async Task DEPLOY_CTRL_05() => await RollBackCreationAsync();

    [Fact(DisplayName = "DEPLOY-CTRL-06: the app of a rolled-back creation is gone")]
    public async Task DEPLOY_CTRL_06()
    {
        await RollBackCreationAsync();
        (await Cluster.SendAsync("GET", "/v2/apps/stuck")).Expect(HttpStatusCode.NotFound);
    }

    [Fact(DisplayName = "DEPLOY-CTRL-08: old instances run on while an impossible update waits")]
    public async Task DEPLOY_CTRL_08() => await UpdateImpossiblyAsync();

    [Fact(DisplayName = "DEPLOY-CTRL-09: rolling the impossible update back leaves what ran and nothing in the queue")]
    public async Task DEPLOY_CTRL_09()
    {
        var (update, running) = await UpdateImpossiblyAsync();
        await Cluster.SucceedsAsync((await Cluster.SendAsync("DELETE", "/v2/deployments/" + update)).Expect(HttpStatusCode.OK).Deployment);
        Assert.Equal(running, await Cluster.RunningAsync("/app", 2));
        Assert.Empty(await Cluster.QueueAsync());
    }

    [Fact(DisplayName = "EVENT-02: a subscriber of one type of event sees no other")]
    public async Task EVENT_02()
    {
        await using var log = await EventLog.OpenAsync(Cluster.Http, "?event_type=deployment_success");
        var deployment = await Cluster.CreateAsync(App("/seen"));
        await log.WaitAsync("deployment_success", e => e.Deployment == deployment);
        Assert.All(log.All, e => Assert.Equal("deployment_success", e.Type));
    }

    [Fact(DisplayName = "EVENT-03: plans in events leave the groups out")]
    public async Task EVENT_03()
    {
        var success = await Cluster.SucceedsAsync(await Cluster.CreateAsync(App("/seen")));
        var plan = success.Body["plan"]!.AsObject();
        Assert.True(plan.ContainsKey("steps"));
        Assert.False(plan.ContainsKey("original") || plan.ContainsKey("target"));
    }

    [Fact(DisplayName = "QUEUE-01: the queue is empty when nothing waits")]
    public async Task QUEUE_01()
    {
        await Cluster.DeployAsync(App("/runs"));
        Assert.Empty(await Cluster.QueueAsync());
    }

    [Fact(DisplayName = "QUEUE-02: all waiting instances of an app are one entry")]
    public async Task QUEUE_02()
    {
        await Cluster.CreateAsync(App("/stuck", more: "\"instances\":5," + Impossible));
        var entry = Assert.Single(await Cluster.QueueAsync());
        Assert.Equal(("/stuck", 5), (entry["app"]!["id"]!.ToString(), entry["count"]!.GetValue<int>()));
    }

    [Fact(DisplayName = "SYS-QUEUE-02: the queue says that there are too few cpus")]
    public async Task SYS_QUEUE_02()
    {
        await Cluster.CreateAsync("""{"id":"/big","cmd":"sleep 1000","cpus":100,"mem":16}""");
        var entry = await Cluster.QueuedAsync("/big", _ => true);
        var reason = entry["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray().Single(step => step!["reason"]!.ToString() == "InsufficientCpus")!;
        Assert.Equal(1, reason["declined"]!.GetValue<int>());
    }

    private async Task RollBackCreationAsync()
    {
        var stuck = await Cluster.CreateAsync(App("/stuck", more: Impossible));
        var rollback = (await Cluster.SendAsync("DELETE", "/v2/deployments/" + stuck)).Expect(HttpStatusCode.OK).Deployment;
        Assert.NotEqual(stuck, rollback);
        await Cluster.FailsAsync(stuck);
        await Cluster.SucceedsAsync(rollback);
    }

    private async Task<(string Deployment, string[] Running)> UpdateImpossiblyAsync()
    {
        await Cluster.DeployAsync(App("/app", more: "\"instances\":2"));
        var running = await Cluster.RunningAsync("/app");
        var update = await Cluster.ChangeAsync("PUT", "/v2/apps/app", """{"cpus":100}""");
        await Cluster.QueuedAsync("/app", _ => true);
        Assert.Equal(running, await Cluster.RunningAsync("/app"));
        return (update, running);
    }
}
