namespace Pacer.Scenarios;

public sealed class HealthScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "HEALTH-01: a task that turns unhealthy under a check of Marathon's kind is announced and killed")]
    public async Task HEALTH_01()
    {
        await using var web = new WebEndpoint(200);
        var id = await DeployAsync("HTTP", web.Port);
        web.Status = 500;
        await Cluster.Events.WaitAsync("unhealthy_instance_kill_event", e => e.Text("taskId") == id);
        await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == id && e.Text("taskStatus") == "TASK_KILLED");
    }

    [Fact(DisplayName = "HEALTH-03: a task that turns unhealthy under a check of Mesos' kind is ended by its agent")]
    public async Task HEALTH_03()
    {
        await using var web = new WebEndpoint(200);
        await KillAtAgentAsync(web);
    }

    [Fact(DisplayName = "HEALTH-04: after the agent ended it, the next incarnation runs")]
    public async Task HEALTH_04()
    {
        await using var web = new WebEndpoint(200);
        var id = await KillAtAgentAsync(web);
        web.Status = 200;
        var next = Assert.Single(await Cluster.RunningAsync("/health", 1, id));
        Assert.NotEqual(id[(id.LastIndexOf('.') + 1)..], next[(next.LastIndexOf('.') + 1)..]);
    }

    [Fact(DisplayName = "SYS-HEALTH-02: with a MESOS_HTTP check all instances are running and healthy")]
    public async Task SYS_HEALTH_02()
    {
        await using var web = new WebEndpoint(200);
        await AllHealthyAsync($"\"protocol\":\"MESOS_HTTP\",\"port\":{web.Port}");
    }

    [Fact(DisplayName = "SYS-HEALTH-03: with a TCP check all instances are running and healthy")]
    public async Task SYS_HEALTH_03()
    {
        await using var web = new WebEndpoint(200);
        await AllHealthyAsync($"\"protocol\":\"TCP\",\"port\":{web.Port}");
    }

    [Fact(DisplayName = "SYS-HEALTH-05: without a check nothing is healthy or unhealthy")]
    public async Task SYS_HEALTH_05()
    {
        await Cluster.DeployAsync(App("/health"));
        var app = await Cluster.GetAppAsync("/health");
        Assert.Equal((1, 0, 0), (app["tasksRunning"]!.GetValue<int>(), app["tasksHealthy"]!.GetValue<int>(), app["tasksUnhealthy"]!.GetValue<int>()));
    }

    [Fact(DisplayName = "SYS-HEALTH-06: with a command that succeeds all instances are running and healthy")]
    public async Task SYS_HEALTH_06() => await AllHealthyAsync("\"protocol\":\"COMMAND\",\"command\":{\"value\":\"true\"}");

    private async Task<string> KillAtAgentAsync(WebEndpoint web)
    {
        var id = await DeployAsync("MESOS_HTTP", web.Port);
        web.Status = 500;
        await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == id && e.Text("taskStatus") is "TASK_FAILED" or "TASK_KILLED" && e.Text("taskId") == id);
        return id;
    }

    private async Task<string> DeployAsync(string protocol, int port)
    {
        await Cluster.DeployAsync(App("/health", more:
            $"\"healthChecks\":[{{\"protocol\":\"{protocol}\",\"port\":{port},\"intervalSeconds\":1,\"gracePeriodSeconds\":1,\"maxConsecutiveFailures\":1}}]"));
        return Assert.Single(await Cluster.RunningAsync("/health"));
    }

    private async Task AllHealthyAsync(string check)
    {
        await Cluster.DeployAsync(App("/health", more: $"\"instances\":2,\"healthChecks\":[{{{check},\"intervalSeconds\":1,\"gracePeriodSeconds\":60}}]"));
        var app = await Cluster.GetAppAsync("/health");
        Assert.Equal((2, 2), (app["tasksRunning"]!.GetValue<int>(), app["tasksHealthy"]!.GetValue<int>()));
    }
}
