using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Pacer.Scenarios;

public sealed class DeployingScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    private const string SlowBackoff = "\"backoffSeconds\":600,\"backoffFactor\":1";

    [Fact(DisplayName = "APP-DEPLOY-01: a new app gets one deployment and runs when it has succeeded")]
    public async Task APP_DEPLOY_01()
    {
        var created = (await Cluster.SendAsync("POST", "/v2/apps", App("/one"))).Expect(HttpStatusCode.Created);
        await Cluster.SucceedsAsync(created.Deployment);
        Assert.Single(await Cluster.RunningAsync("/one"));
    }

    [Fact(DisplayName = "APP-DEPLOY-02: putting the same definition again leaves the tasks alone")]
    public async Task APP_DEPLOY_02()
    {
        await Cluster.DeployAsync(App("/same", more: "\"instances\":2"));
        var before = await Cluster.RunningAsync("/same");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/same", App("/same", more: "\"instances\":2")));
        Assert.Equal(before, await Cluster.RunningAsync("/same"));
    }

    [Fact(DisplayName = "APP-DEPLOY-04: scaling a failing app does not shorten its launch delay")]
    public async Task APP_DEPLOY_04()
    {
        await FailAsync("/fails");
        await Cluster.ChangeAsync("PUT", "/v2/apps/fails?force=true", """{"instances":2}""");
        await Cluster.QueuedAsync("/fails", item => item["count"]!.GetValue<int>() == 2 && Held(item));
    }

    [Fact(DisplayName = "APP-DEPLOY-05: an app that waits for its launch delay is in the queue with the time left")]
    public async Task APP_DEPLOY_05()
    {
        await FailAsync("/fails");
        var entry = Assert.Single(await Cluster.QueueAsync());
        Assert.InRange(entry["delay"]!["timeLeftSeconds"]!.GetValue<long>(), 0, 600);
    }

    [Fact(DisplayName = "APP-DEPLOY-07: the launch delay can be taken away after every crash")]
    public async Task APP_DEPLOY_07()
    {
        await FailAsync("/fails");
        for (var crash = 0; crash < 2; crash++)
        {
            var mark = Cluster.Events.Mark;
            (await Cluster.SendAsync("DELETE", "/v2/queue/fails/delay")).Expect(HttpStatusCode.NoContent);
            await Cluster.StatusAsync("/fails", "TASK_FAILED", mark);
            await Cluster.QueuedAsync("/fails", Held);
        }
    }

    [Fact(DisplayName = "APP-DEPLOY-08: a forced restart runs a failing app without waiting for its old delay")]
    public async Task APP_DEPLOY_08()
    {
        await FailAsync("/fails");
        var mark = Cluster.Events.Mark;
        await Cluster.ChangeAsync("POST", "/v2/apps/fails/restart?force=true");
        await Cluster.StatusAsync("/fails", "TASK_FAILED", mark);
    }

    [Fact(DisplayName = "APP-DEPLOY-11: with an HTTP check the deployment ends after the first good answer")]
    public async Task APP_DEPLOY_11()
    {
        await using var web = new WebEndpoint(500);
        var deployment = await Cluster.CreateAsync(App("/checked", more: Checks($"\"protocol\":\"HTTP\",\"path\":\"/\",\"port\":{web.Port}")));
        await Waiting.UntilAsync(() => Task.FromResult(web.Calls >= 2), "the check is called");
        Assert.DoesNotContain(Cluster.Events.All, e => e.Type == "deployment_success" && e.Deployment == deployment);
        web.Status = 200;
        await Cluster.SucceedsAsync(deployment);
        await Cluster.UntilAppAsync("/checked", app => app["tasksHealthy"]!.GetValue<int>() == 1, "is healthy");
    }

    [Fact(DisplayName = "APP-DEPLOY-13: a check with a port of its own probes that fixed port")]
    public async Task APP_DEPLOY_13()
    {
        var port = Cluster.Nodes[0].Options.Ports.Split('-')[1];
        await Cluster.DeployAsync(App("/fixed", "exec python3 -m http.server $PORT0",
            $"\"portDefinitions\":[{{\"port\":{port}}}],\"requirePorts\":true," + Checks($"\"protocol\":\"HTTP\",\"port\":{port}")));
        Assert.Equal(port, Assert.Single(await Cluster.TasksAsync("/fixed"))["ports"]![0]!.ToString());
        Assert.Equal(1, (await Cluster.GetAppAsync("/fixed"))["tasksHealthy"]!.GetValue<int>());
    }

    [Fact(DisplayName = "APP-DEPLOY-14: an app with a TCP check becomes healthy")]
    public async Task APP_DEPLOY_14()
    {
        await using var web = new WebEndpoint(200);
        await Cluster.DeployAsync(App("/tcp", more: Checks($"\"protocol\":\"TCP\",\"port\":{web.Port}")));
        Assert.Equal(1, (await Cluster.GetAppAsync("/tcp"))["tasksHealthy"]!.GetValue<int>());
    }

    [Fact(DisplayName = "APP-DEPLOY-16: an app with a command check becomes healthy")]
    public async Task APP_DEPLOY_16()
    {
        await Cluster.DeployAsync(App("/command", more: Checks("\"protocol\":\"COMMAND\",\"command\":{\"value\":\"true\"}")));
        Assert.Equal(1, (await Cluster.GetAppAsync("/command"))["tasksHealthy"]!.GetValue<int>());
    }

    [Fact(DisplayName = "APP-DEPLOY-17: all tasks of an app are listed")]
    public async Task APP_DEPLOY_17()
    {
        await Cluster.DeployAsync(App("/two", more: "\"instances\":2"));
        Assert.Equal(2, (await Cluster.TasksAsync("/two")).Count);
    }

    [Fact(DisplayName = "APP-DEPLOY-19: an app that fails its check tells so and never finishes its deployment")]
    public async Task APP_DEPLOY_19()
    {
        await using var web = new WebEndpoint(500);
        var deployment = await Cluster.CreateAsync(App("/sick", more: Checks($"\"protocol\":\"HTTP\",\"port\":{web.Port}", grace: 0)));
        await Waiting.UntilAsync(() => Task.FromResult(
            Cluster.Events.All.Count(e => e.Type == "failed_health_check_event" && e.Text("appId") == "/sick") >= 2), "failed checks are told of");
        Assert.DoesNotContain(Cluster.Events.All, e => e.Type == "deployment_success" && e.Deployment == deployment);
    }

    [Fact(DisplayName = "APP-DEPLOY-20: an app that never gets healthy can be removed by force")]
    public async Task APP_DEPLOY_20()
    {
        await using var web = new WebEndpoint(500);
        await RemoveWhileDeployingAsync(App("/sick", more: Checks($"\"protocol\":\"HTTP\",\"port\":{web.Port}")), "/sick");
    }

    [Fact(DisplayName = "APP-DEPLOY-22: an app whose check is slow can be removed by force")]
    public async Task APP_DEPLOY_22() =>
        await RemoveWhileDeployingAsync(App("/slow", more: Checks("\"protocol\":\"COMMAND\",\"command\":{\"value\":\"sleep 600\"},\"timeoutSeconds\":600")), "/slow");

    [Fact(DisplayName = "SYS-APP-01: a command runs in a container of the kind MESOS")]
    public async Task SYS_APP_01()
    {
        await Cluster.DeployAsync(App("/mesos", more: "\"container\":{\"type\":\"MESOS\"}"));
        Assert.Single(await Cluster.RunningAsync("/mesos"));
        Assert.Equal("MESOS", (await Cluster.GetAppAsync("/mesos"))["container"]!["type"]!.ToString());
    }

    [Fact(DisplayName = "SYS-APP-08: a task that something else kills is replaced")]
    public async Task SYS_APP_08()
    {
        var seconds = (1_000_000 + Environment.ProcessId).ToString(CultureInfo.InvariantCulture);
        await Cluster.DeployAsync(App("/victim", $"exec sleep {seconds}"));
        var before = await Cluster.RunningAsync("/victim", 1);
        using var process = await Waiting.ForAsync(() => Task.FromResult(ProcessOf($"sleep\0{seconds}\0")), "the command runs");
        process.Kill();
        await Cluster.RunningAsync("/victim", 1, before);
    }

    [Fact(DisplayName = "SYS-APP-10: a task of an unknown user fails, and the last failure says so")]
    public async Task SYS_APP_10()
    {
        await Cluster.CreateAsync(App("/nobody", more: "\"user\":\"no-such-user\"," + SlowBackoff));
        await Cluster.UntilAppAsync("/nobody", app => app["lastTaskFailure"]?["message"]?.ToString().Contains("no-such-user", StringComparison.Ordinal) == true,
            "the last failure names the user");
    }

    [Fact(DisplayName = "SYS-APP-11: a task whose file can't be fetched fails, and the last failure is kept")]
    public async Task SYS_APP_11()
    {
        await Cluster.CreateAsync(App("/files", more: "\"fetch\":[{\"uri\":\"http://127.0.0.1:1/none.tar\"}]," + SlowBackoff));
        await Cluster.UntilAppAsync("/files", app => app["lastTaskFailure"]?["state"]?.ToString() == "TASK_FAILED", "the failure is kept");
    }

    private static string Checks(string check, int grace = 60) =>
        $"\"healthChecks\":[{{\"intervalSeconds\":1,\"gracePeriodSeconds\":{grace},\"maxConsecutiveFailures\":0,{check}}}]";

    private static bool Held(System.Text.Json.Nodes.JsonNode item) => !item["delay"]!["overdue"]!.GetValue<bool>();

    private static Process? ProcessOf(string commandLine)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id) && File.ReadAllText(directory + "/cmdline") == commandLine)
                {
                    return Process.GetProcessById(id);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                // It ended while we looked.
            }
        }
        return null;
    }

    private async Task FailAsync(string id)
    {
        await Cluster.CreateAsync(App(id, "exit 1", SlowBackoff));
        await Cluster.QueuedAsync(id, Held);
    }

    private async Task RemoveWhileDeployingAsync(string app, string id)
    {
        var stuck = await Cluster.CreateAsync(app);
        await Cluster.RunningAsync(id, 1);
        var removal = await Cluster.ChangeAsync("DELETE", $"/v2/apps{id}?force=true");
        await Cluster.FailsAsync(stuck);
        await Cluster.SucceedsAsync(removal);
        (await Cluster.SendAsync("GET", "/v2/apps" + id)).Expect(HttpStatusCode.NotFound);
    }
}
