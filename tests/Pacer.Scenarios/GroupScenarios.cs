using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

public sealed class GroupScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "GROUP-01: an empty group is created and announced")]
    public async Task GROUP_01()
    {
        var mark = Cluster.Events.Mark;
        await Cluster.CreateGroupAsync("""{"id":"/sleep"}""");
        await Cluster.Events.WaitAsync("group_change_success", e => e.Text("groupId") == "/sleep", mark);
    }

    [Fact(DisplayName = "GROUP-03: a group that is deleted is gone")]
    public async Task GROUP_03()
    {
        await Cluster.SucceedsAsync(await Cluster.CreateGroupAsync("""{"id":"/sleep"}"""));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/groups/sleep"));
        (await Cluster.SendAsync("GET", "/v2/groups/sleep")).Expect(HttpStatusCode.NotFound);
    }

    [Fact(DisplayName = "GROUP-04: a group that is not there can't be deleted")]
    public async Task GROUP_04() => (await Cluster.SendAsync("DELETE", "/v2/groups/nothere")).Expect(HttpStatusCode.NotFound);

    [Fact(DisplayName = "GROUP-06: a group shows its app")]
    public async Task GROUP_06()
    {
        await DeployAsync(App("/shop/web"));
        var group = (await Cluster.SendAsync("GET", "/v2/groups/shop")).Expect(HttpStatusCode.OK).Body!;
        Assert.Equal("/shop/web", Assert.Single(group["apps"]!.AsArray())!["id"]!.ToString());
    }

    [Fact(DisplayName = "GROUP-07: a changed app of a group gets new tasks")]
    public async Task GROUP_07()
    {
        await DeployAsync(App("/shop/web"));
        var old = await Cluster.RunningAsync("/shop/web");
        await Cluster.SucceedsAsync(await PutAsync(App("/shop/web", "exec sleep 1001")));
        await Cluster.RunningAsync("/shop/web", 1, old);
    }

    [Fact(DisplayName = "GROUP-09: the deployment of a group waits for health")]
    public async Task GROUP_09()
    {
        await using var web = new WebEndpoint(500);
        var deployment = await Cluster.CreateGroupAsync(Group(App("/shop/web", more: Checked(web))));
        await Waiting.UntilAsync(() => Task.FromResult(web.Calls > 0), "the check is made");
        Assert.DoesNotContain(Cluster.Events.All, e => e.Type == "deployment_success" && e.Deployment == deployment);
        web.Status = 200;
        await Cluster.SucceedsAsync(deployment);
        Assert.Equal(1, (await Cluster.GetAppAsync("/shop/web"))["tasksHealthy"]!.GetValue<int>());
    }

    [Fact(DisplayName = "GROUP-10: an upgraded group ends with the new version healthy")]
    public async Task GROUP_10()
    {
        await using var web = new WebEndpoint(200);
        await DeployAsync(App("/shop/web", more: Checked(web)));
        var old = await Cluster.RunningAsync("/shop/web");
        await Cluster.SucceedsAsync(await PutAsync(App("/shop/web", "exec sleep 1001", Checked(web))));
        await Cluster.RunningAsync("/shop/web", 1, old);
        Assert.Equal(1, (await Cluster.GetAppAsync("/shop/web"))["tasksHealthy"]!.GetValue<int>());
    }

    [Fact(DisplayName = "GROUP-12: an unhealthy upgrade leaves the old tasks up")]
    public async Task GROUP_12()
    {
        await using var good = new WebEndpoint(200);
        await using var bad = new WebEndpoint(500);
        var old = await UpgradeBadlyAsync(good, bad);
        Assert.Equal(2, old.Intersect(await Cluster.RunningAsync("/shop/web")).Count());
    }

    [Fact(DisplayName = "GROUP-13: once the new version is healthy the old tasks go and the deployment ends")]
    public async Task GROUP_13()
    {
        await using var good = new WebEndpoint(200);
        await using var bad = new WebEndpoint(500);
        var old = await UpgradeBadlyAsync(good, bad);
        bad.Status = 200;
        await Cluster.RunningAsync("/shop/web", 2, old);
        await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, "the deployment ends");
    }

    [Fact(DisplayName = "GROUP-15: a second upgrade with force is accepted and completes")]
    public async Task GROUP_15()
    {
        await using var good = new WebEndpoint(200);
        await using var bad = new WebEndpoint(500);
        var old = await UpgradeBadlyAsync(good, bad);
        await Cluster.SucceedsAsync(await PutAsync(App("/shop/web", "exec sleep 1002", Checked(good) + ",\"instances\":2"), "?force=true"));
        await Cluster.RunningAsync("/shop/web", 2, old);
    }

    [Fact(DisplayName = "GROUP-16: a group can't be deleted while it is upgraded, unless by force")]
    public async Task GROUP_16()
    {
        await using var good = new WebEndpoint(200);
        await using var bad = new WebEndpoint(500);
        await UpgradeBadlyAsync(good, bad);
        var running = Assert.Single(await Cluster.DeploymentsAsync())!["id"]!.ToString();
        var refused = (await Cluster.SendAsync("DELETE", "/v2/groups/shop")).Expect(HttpStatusCode.Conflict);
        Assert.Equal(running, Assert.Single(refused.Body!["deployments"]!.AsArray())!["id"]!.ToString());
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/groups/shop?force=true"));
    }

    [Fact(DisplayName = "GROUP-18: a circle of dependencies is refused")]
    public async Task GROUP_18()
    {
        var answer = (await Cluster.SendAsync("POST", "/v2/groups", Group(
            App("/shop/a", more: "\"dependencies\":[\"/shop/b\"]"), App("/shop/b", more: "\"dependencies\":[\"/shop/c\"]"),
            App("/shop/c", more: "\"dependencies\":[\"/shop/a\"]")))).Expect(HttpStatusCode.UnprocessableEntity);
        Assert.Contains("cyclic dependencies", answer.Body!.ToJsonString());
    }

    [Fact(DisplayName = "GROUP-19: apps become healthy in the order of their dependencies")]
    public async Task GROUP_19()
    {
        await using var db = new WebEndpoint(200);
        await using var service = new WebEndpoint(200);
        await using var frontend = new WebEndpoint(200);
        var mark = Cluster.Events.Mark;
        await DeployAsync(
            App("/shop/frontend", more: Checked(frontend) + ",\"dependencies\":[\"/shop/service\"]"),
            App("/shop/service", more: Checked(service) + ",\"dependencies\":[\"/shop/db\"]"),
            App("/shop/db", more: Checked(db)));
        var healthy = Cluster.Events.All.Skip(mark).Where(e => e.Type == "health_status_changed_event").Select(e => e.Text("appId"));
        Assert.Equal(["/shop/db", "/shop/service", "/shop/frontend"], healthy);
    }

    [Fact(DisplayName = "GROUP-21: relative dependencies come back absolute")]
    public async Task GROUP_21()
    {
        await Cluster.SucceedsAsync(await Cluster.CreateGroupAsync($$"""
            {"id":"/shop","groups":[{"id":"db","apps":[{{App("store")}}]},{"id":"web","dependencies":["../db"],"apps":[{{App("page", more: "\"dependencies\":[\"../db/store\"]")}}]}]}
            """));
        var web = (await Cluster.SendAsync("GET", "/v2/groups/shop/web")).Expect(HttpStatusCode.OK).Body!;
        Assert.Equal("/shop/db", Assert.Single(web["dependencies"]!.AsArray())!.ToString());
        Assert.Equal("/shop/db/store", Assert.Single(web["apps"]![0]!["dependencies"]!.AsArray())!.ToString());
    }

    [Fact(DisplayName = "SYS-GROUP-01: both apps of a group are listed and run")]
    public async Task SYS_GROUP_01()
    {
        await DeployTwoAsync();
        var apps = (await Cluster.SendAsync("GET", "/v2/groups/shop/apps")).Expect(HttpStatusCode.OK).Body!.AsArray();
        Assert.Equal(["/shop/a", "/shop/b"], apps.Select(app => app!["id"]!.ToString()));
        Assert.Single(await Cluster.RunningAsync("/shop/a"));
        Assert.Single(await Cluster.RunningAsync("/shop/b"));
    }

    [Fact(DisplayName = "SYS-GROUP-03: scaling one app of a group leaves the other as it is")]
    public async Task SYS_GROUP_03()
    {
        await DeployTwoAsync();
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/shop/a", """{"instances":2}"""));
        await Cluster.RunningAsync("/shop/a", 2);
        Assert.Single(await Cluster.RunningAsync("/shop/b"));
    }

    [Fact(DisplayName = "SYS-GROUP-04: scaling a group multiplies what each app has")]
    public async Task SYS_GROUP_04()
    {
        await DeployTwoAsync();
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/shop/a", """{"instances":2}"""));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/groups/shop", """{"scaleBy":2}"""));
        await Cluster.RunningAsync("/shop/a", 4);
        await Cluster.RunningAsync("/shop/b", 2);
    }

    [Fact(DisplayName = "GROUP-ROLE-01: enforceRole can't change together with apps")]
    public async Task GROUP_ROLE_01()
    {
        await DeployAsync(App("/shop/web"));
        var answer = (await Cluster.SendAsync("PUT", "/v2/groups/shop", $$"""{"id":"/shop","enforceRole":true,"apps":[{{App("/shop/web", "exec sleep 1001")}}]}"""))
            .Expect(HttpStatusCode.UnprocessableEntity);
        Assert.Contains("enforceRole changes must be made in a separate request", answer.Body!.ToJsonString());
    }

    [Fact(DisplayName = "GROUP-ROLE-03: enforceRole is patched on the top level")]
    public async Task GROUP_ROLE_03()
    {
        await Cluster.CreateGroupAsync("""{"id":"/shop","groups":[{"id":"web"}]}""");
        (await Cluster.SendAsync("PATCH", "/v2/groups/shop", """{"enforceRole":true}""")).Expect(HttpStatusCode.OK);
        Assert.True((await Cluster.SendAsync("GET", "/v2/groups/shop")).Body!["enforceRole"]!.GetValue<bool>());
    }

    private static string Group(params string[] apps) => $$"""{"id":"/shop","apps":[{{string.Join(',', apps)}}]}""";

    private static string Checked(WebEndpoint web) =>
        $"\"healthChecks\":[{{\"protocol\":\"HTTP\",\"port\":{web.Port},\"intervalSeconds\":1,\"gracePeriodSeconds\":300,\"maxConsecutiveFailures\":0}}]";

    private async Task DeployAsync(params string[] apps) => await Cluster.SucceedsAsync(await Cluster.CreateGroupAsync(Group(apps)));

    private Task DeployTwoAsync() => DeployAsync(App("/shop/a"), App("/shop/b"));

    private Task<string> PutAsync(string app, string query = "") => Cluster.ChangeAsync("PUT", "/v2/groups/shop" + query, Group(app));

    /// <summary>Two healthy tasks, and an upgrade whose new tasks run but are not healthy. Gives the old tasks.</summary>
    private async Task<string[]> UpgradeBadlyAsync(WebEndpoint good, WebEndpoint bad)
    {
        await DeployAsync(App("/shop/web", more: Checked(good) + ",\"instances\":2"));
        var old = await Cluster.RunningAsync("/shop/web", 2);
        await PutAsync(App("/shop/web", "exec sleep 1001", Checked(bad) + ",\"instances\":2"));
        await Waiting.UntilAsync(() => Task.FromResult(bad.Calls > 0), "the new version is checked");
        return old;
    }
}
