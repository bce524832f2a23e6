using System.Globalization;
using System.Net;

namespace Pacer.Scenarios;

public sealed class KillingScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "APP-KILL-02: killing with scale leaves one instance less")]
    public async Task APP_KILL_02()
    {
        await Cluster.DeployAsync(App("/kill", more: "\"instances\":2"));
        var ids = await Cluster.RunningAsync("/kill");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", $"/v2/apps/kill/tasks/{ids[0]}?scale=true"));
        Assert.Equal([ids[1]], await Cluster.RunningAsync("/kill", 1));
        Assert.Equal(1, (await Cluster.GetAppAsync("/kill"))["instances"]!.GetValue<int>());
    }

    [Fact(DisplayName = "APP-KILL-03: killing all tasks replaces all of them")]
    public async Task APP_KILL_03()
    {
        await Cluster.DeployAsync(App("/kill", more: "\"instances\":2"));
        var ids = await Cluster.RunningAsync("/kill");
        (await Cluster.SendAsync("DELETE", "/v2/apps/kill/tasks")).Expect(HttpStatusCode.OK);
        foreach (var id in ids)
        {
            await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == id && e.Text("taskStatus") == "TASK_KILLED");
        }
        await Cluster.RunningAsync("/kill", 2, ids);
    }

    [Fact(DisplayName = "APP-KILL-05: a removed app is listed no more")]
    public async Task APP_KILL_05()
    {
        await Cluster.DeployAsync(App("/kill"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/apps/kill"));
        Assert.Empty((await Cluster.SendAsync("GET", "/v2/apps")).Body!["apps"]!.AsArray());
    }

    [Fact(DisplayName = "TASK-KILL-01: a killed task is first reported as being killed")]
    public async Task TASK_KILL_01()
    {
        await Cluster.DeployAsync(App("/kill"));
        var id = Assert.Single(await Cluster.RunningAsync("/kill"));
        (await Cluster.SendAsync("DELETE", "/v2/apps/kill/tasks/" + id)).Expect(HttpStatusCode.OK);
        await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == id && e.Text("taskStatus") == "TASK_KILLED");
        var states = Cluster.Events.All.Where(e => e.Type == "status_update_event" && e.Text("taskId") == id).Select(e => e.Text("taskStatus")).ToList();
        Assert.Equal(["TASK_KILLING", "TASK_KILLED"], states[^2..]);
    }

    [Fact(DisplayName = "TASK-KILL-03: a task killed with wipe comes back as another instance")]
    public async Task TASK_KILL_03()
    {
        await Cluster.DeployAsync(App("/kill"));
        var id = Assert.Single(await Cluster.RunningAsync("/kill"));
        (await Cluster.SendAsync("DELETE", $"/v2/apps/kill/tasks/{id}?wipe=true")).Expect(HttpStatusCode.OK);
        var next = Assert.Single(await Cluster.RunningAsync("/kill", 1, id));
        Assert.NotEqual(InstanceOf(id), InstanceOf(next));
    }

    [Fact(DisplayName = "KILL-GRACE-02: a task that obeys SIGTERM ends long before its grace period")]
    public async Task KILL_GRACE_02()
    {
        await Cluster.DeployAsync(App("/grace").Replace("\"taskKillGracePeriodSeconds\":1", "\"taskKillGracePeriodSeconds\":20", StringComparison.Ordinal));
        var id = Assert.Single(await Cluster.RunningAsync("/grace"));
        Assert.InRange(await KillTimeAsync(id, () => Cluster.SendAsync("DELETE", "/v2/apps/grace/tasks/" + id)), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact(DisplayName = "SYS-GRACE-01: a task that ignores SIGTERM has the whole grace period when scaled away")]
    public async Task SYS_GRACE_01()
    {
        await Cluster.DeployAsync(App("/grace", "trap '' TERM; touch ready; while true; do sleep 0.1; done", """
            "healthChecks":[{"protocol":"COMMAND","command":{"value":"test -f $MESOS_SANDBOX/ready"},"intervalSeconds":1,"gracePeriodSeconds":30}]
            """).Replace("\"taskKillGracePeriodSeconds\":1", "\"taskKillGracePeriodSeconds\":2", StringComparison.Ordinal));
        var id = Assert.Single(await Cluster.RunningAsync("/grace"));
        Assert.True(await KillTimeAsync(id, () => Cluster.SendAsync("PUT", "/v2/apps/grace", """{"instances":0}""")) >= TimeSpan.FromSeconds(1.9));
    }

    private static string InstanceOf(string taskId) => taskId[..taskId.IndexOf("._app", StringComparison.Ordinal)];

    private async Task<TimeSpan> KillTimeAsync(string taskId, Func<Task<Answer>> order)
    {
        var started = DateTimeOffset.UtcNow;
        (await order()).Expect(HttpStatusCode.OK);
        var end = await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == taskId && e.Text("taskStatus") == "TASK_KILLED");
        return DateTimeOffset.Parse(end.Text("timestamp"), CultureInfo.InvariantCulture) - started;
    }
}
