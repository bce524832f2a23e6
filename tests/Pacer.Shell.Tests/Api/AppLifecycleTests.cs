using System.Net;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Api;

public sealed class AppLifecycleTests
{
    private const string Sleep = """{"id":"/shop/cart","cmd":"sleep 100","instances":0}""";

    [Fact]
    public async Task Create_ValidApp_AnswersNormalisedAppWithHeaders()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PostAsync("/v2/apps", """{"id":"shop/cart","cmd":"sleep 100","cpus":0.1,"instances":2}""");

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal($"{api.BaseAddress}/shop/cart", Assert.Single(answer.Headers["Location"]));
        var deployment = Assert.Single(answer.Headers["Marathon-Deployment-Id"]);
        var app = answer.Json;
        Assert.Equal(deployment, (string?)app["deployments"]![0]!["id"]);
        Assert.Equal("/shop/cart", (string?)app["id"]);
        Assert.Equal(0.1, (double)app["cpus"]!);
        Assert.Equal(128, (double)app["mem"]!);
        Assert.Equal(2, (int)app["instances"]!);
        Assert.Equal(0, (int)app["tasksRunning"]!);
        Assert.Equal("*", (string?)app["role"]);
        Assert.Equal("{}", app["labels"]!.ToJsonString());
        Assert.Equal("""[{"mode":"host"}]""", app["networks"]!.ToJsonString());
        Assert.Equal("""[{"port":10000,"protocol":"tcp","name":"default"}]""", app["portDefinitions"]!.ToJsonString());
        Assert.Equal("""{"minimumHealthCapacity":1,"maximumOverCapacity":1}""", app["upgradeStrategy"]!.ToJsonString());
        Assert.Equal("""{"inactiveAfterSeconds":0,"expungeAfterSeconds":0}""", app["unreachableStrategy"]!.ToJsonString());
        Assert.Null(app["versionInfo"]);
        Assert.Equal(24, ((string)app["version"]!).Length);
        Assert.Empty(answer.Warnings);
        var posted = Assert.Single(api.Posted);
        Assert.Equal("/v2/apps", posted.Uri);
    }

    [Fact]
    public async Task Create_ExistingId_IsConflict()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var answer = await api.PostAsync("/v2/apps", Sleep);
        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.Equal("An app with id [/shop/cart] already exists.", answer.Message);
    }

    [Fact]
    public async Task Create_SomebodyCreatesItMeanwhile_IsConflictToo()
    {
        await using var api = await ApiHost.StartAsync();
        var raced = false;
        api.Loop.BeforeSubmit = () =>
        {
            if (!raced)
            {
                raced = true;
                api.Loop.SubmitAsync(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Put(Specs.Sleep("/shop/cart"), null)], false), default);
            }
        };
        var answer = await api.PostAsync("/v2/apps", Sleep);
        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
    }

    [Fact]
    public async Task Put_IdOfAPod_IsRefused()
    {
        await using var api = await ApiHost.StartAsync();
        var pod = Specs.Sleep("/shop/cart") with { Kind = RunSpecKind.Pod };
        await api.Loop.SubmitAsync(r => new Input.ChangeRunSpecs(r, [new RunSpecChange.Put(pod, null)], false), default);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PostAsync("/v2/apps", Sleep)).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PutAsync("/v2/apps/shop/cart", Sleep)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.PatchAsync("/v2/apps/shop/cart", Sleep)).Status);
        Assert.Empty((await api.GetAsync("/v2/apps")).Json["apps"]!.AsArray());
    }

    [Fact]
    public async Task Update_SomebodyChangesItMeanwhile_IsPlannedAnew()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var races = 3;
        api.Loop.BeforeSubmit = () =>
        {
            if (races > 0)
            {
                races--;
                var before = api.Loop.BeforeSubmit;
                api.Loop.BeforeSubmit = null;
                var current = api.Loop.State.RunSpecs[new RunSpecId("/shop/cart")];
                api.Loop.SubmitAsync(r => new Input.ChangeRunSpecs(
                    r, [new RunSpecChange.Put(current with { Resources = current.Resources with { CpuMillis = 2000 + races } }, current.Version)], true), default);
                api.Loop.BeforeSubmit = before;
            }
        };
        var answer = await api.PutAsync("/v2/apps/shop/cart", """{"mem":64}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(0, races);
        Assert.Equal(64L << 20, api.Loop.State.RunSpecs[new RunSpecId("/shop/cart")].Resources.MemoryBytes);
    }

    [Fact]
    public async Task Update_AlwaysStale_GivesUpWithoutChange()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var attempts = 0;
        api.Loop.Instead = () =>
        {
            attempts++;
            api.Loop.Step(new Input.Tick());
            return new CommandResult.Stale();
        };
        var answer = await api.PutAsync("/v2/apps/shop/cart", """{"mem":64}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Equal(50, attempts);
        Assert.True(answer.Headers.ContainsKey("Retry-After"));
    }

    [Fact]
    public async Task Get_AppWithTasks_ShowsCountsTasksAndVersionInfo()
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        await api.CreateAsync("""
            {"id":"/web","cmd":"serve","instances":2,"cpus":0.1,"mem":16,
             "healthChecks":[{"protocol":"HTTP","path":"/health"}]}
            """);
        api.Loop.Report("/web", Condition.Running, new HealthResult(0, true, 0, api.Loop.Now, api.Loop.Now, null, null));

        var app = (await api.GetAsync("/v2/apps/web")).Json["app"]!;
        Assert.Equal(2, (int)app["tasksRunning"]!);
        Assert.Equal(2, (int)app["tasksHealthy"]!);
        Assert.Equal(0, (int)app["tasksStaged"]!);
        Assert.Equal(0, (int)app["tasksUnhealthy"]!);
        Assert.NotNull(app["versionInfo"]!["lastConfigChangeAt"]);
        Assert.Empty(app["deployments"]!.AsArray());
        var tasks = app["tasks"]!.AsArray();
        Assert.Equal(2, tasks.Count);
        var task = tasks[0]!;
        Assert.Equal("TASK_RUNNING", (string?)task["state"]);
        Assert.Equal("node1.example.com", (string?)task["host"]);
        Assert.Equal("/web", (string?)task["appId"]);
        Assert.Equal("agent-1", (string?)task["slaveId"]);
        Assert.Equal("eu-1", (string?)task["zone"]);
        Assert.True((bool)task["healthCheckResults"]![0]!["alive"]!);
        Assert.Equal("IPv4", (string?)task["ipAddresses"]![0]!["protocol"]);
        Assert.Empty(task["servicePorts"]!.AsArray());
        Assert.InRange((int)task["ports"]![0]!, 31000, 31999);

        var list = (await api.GetAsync("/v2/apps?embed=apps.taskStats")).Json["apps"]![0]!;
        Assert.Null(list["tasks"]);
        Assert.Equal(2, (int)list["tasksStats"]!["totalSummary"]!["stats"]!["counts"]!["running"]!);
        Assert.Null(list["tasksStats"]!["withOutdatedConfig"]);
    }

    [Fact]
    public async Task Get_UnknownApp_IsNotFoundInMarathonsWords()
    {
        await using var api = await ApiHost.StartAsync();
        foreach (var path in (string[])["/v2/apps/nothing", "/v2/apps/nothing/tasks", "/v2/apps/nothing/versions"])
        {
            var answer = await api.GetAsync(path);
            Assert.Equal(HttpStatusCode.NotFound, answer.Status);
            Assert.Equal("App '/nothing' does not exist", answer.Message);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/apps/NO_SUCH")).Status);
        Assert.Equal("Group '/nothing' does not exist", (await api.GetAsync("/v2/apps/nothing/*")).Message);
    }

    [Fact]
    public async Task Get_DoubledSlashes_AreTheSameApp()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v2/apps//shop//cart/")).Status);
    }

    [Fact]
    public async Task Group_AppsBelow_AreListedUnderStar()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        await api.CreateAsync("""{"id":"/other","cmd":"sleep 1","instances":0}""");
        Assert.Equal("/shop/cart", (string?)Assert.Single((await api.GetAsync("/v2/apps/shop/*")).Json["*"]!.AsArray())!["id"]);
        Assert.Equal(2, (await api.GetAsync("/v2/apps/*")).Json["*"]!.AsArray().Count);
        Assert.Empty((await api.GetAsync("/v2/apps/shop/*/tasks")).Json["tasks"]!.AsArray());
    }

    [Fact]
    public async Task Filters_CmdIdAndLabel_AreAnded()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a/web","cmd":"java -jar","instances":0,"labels":{"tier":"front","stage":"prod"}}""");
        await api.CreateAsync("""{"id":"/a/db","cmd":"Java -db","instances":0,"labels":{"tier":"back"}}""");
        await api.CreateAsync("""{"id":"/b/web","args":["java"],"instances":0}""");

        Assert.Equal(["/a/db", "/a/web"], await Ids("cmd=JAVA"));
        Assert.Equal(["/a/web", "/b/web"], await Ids("id=WEB"));
        Assert.Equal(["/a/web"], await Ids("id=web&cmd=java"));
        Assert.Equal(["/a/db"], await Ids("label=tier!=front"));
        Assert.Equal(["/a/web"], await Ids("label=tier,stage%20in%20(prod,dev)"));
        var bad = await api.GetAsync("/v2/apps?label=tier==");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, bad.Status);
        Assert.Contains("a value is expected", bad.Message);

        async Task<List<string?>> Ids(string query) =>
            [.. (await api.GetAsync("/v2/apps?" + query)).Json["apps"]!.AsArray().Select(a => (string?)a!["id"])];
    }

    [Fact]
    public async Task Put_MissingApp_CreatesIt()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/apps/shop/cart", """{"id":"/ignored","cmd":"sleep 1","instances":0}""");
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal($"{api.BaseAddress}/shop/cart", Assert.Single(answer.Headers["Location"]));
        Assert.NotNull(answer.Json["deploymentId"]);
        Assert.Equal("/v2/apps/shop/cart", Assert.Single(api.Posted).Uri);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v2/apps/shop/cart")).Status);
    }

    [Fact]
    public async Task Put_Partial_ReplacesTopLevelMembersOnly()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""
            {"id":"/a","cmd":"sleep 1","instances":0,"env":{"A":"1","B":"2"},"mem":64,
             "resourceLimits":{"mem":"unlimited"},"portDefinitions":[{"port":0,"name":"http"}]}
            """);
        var before = (await api.GetAsync("/v2/apps/a")).Json["app"]!;
        var answer = await api.PutAsync("/v2/apps/a", """{"env":{"C":"3"}}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var app = (await api.GetAsync("/v2/apps/a")).Json["app"]!;
        Assert.Equal("""{"C":"3"}""", app["env"]!.ToJsonString());
        Assert.Equal(64, (double)app["mem"]!);
        Assert.Equal("sleep 1", (string?)app["cmd"]);
        Assert.Equal(before["portDefinitions"]!.ToJsonString(), app["portDefinitions"]!.ToJsonString());
        Assert.Null(app["resourceLimits"]);
        Assert.NotEqual((string?)before["version"], (string?)app["version"]);
    }

    [Fact]
    public async Task Put_NotPartial_ReturnsOthersToDefaults()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a","cmd":"sleep 1","instances":0,"env":{"A":"1"},"mem":64}""");
        Assert.Equal(HttpStatusCode.OK,
            (await api.PutAsync("/v2/apps/a?partialUpdate=false", """{"cmd":"sleep 2","instances":0}""")).Status);
        var app = (await api.GetAsync("/v2/apps/a")).Json["app"]!;
        Assert.Null(app["env"]);
        Assert.Equal(128, (double)app["mem"]!);
    }

    [Fact]
    public async Task Put_OnlyInstances_KeepsConfigChangeTime()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var before = (await api.GetAsync("/v2/apps/shop/cart")).Json["app"]!;
        await api.PutAsync("/v2/apps/shop/cart", """{"instances":3}""");
        var after = (await api.GetAsync("/v2/apps/shop/cart")).Json["app"]!;
        Assert.Equal(3, (int)after["instances"]!);
        Assert.Equal((string?)before["versionInfo"]!["lastConfigChangeAt"], (string?)after["versionInfo"]!["lastConfigChangeAt"]);
        Assert.Equal((string?)after["version"], (string?)after["versionInfo"]!["lastScalingAt"]);
    }

    [Fact]
    public async Task Put_AnswerSentBack_ChangesNothing()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""
            {"id":"/a","cmd":"sleep 1","instances":0,"labels":{"b":"1","a":"2"},
             "healthChecks":[{"protocol":"TCP"}],"constraints":[["hostname","unique"]],
             "portDefinitions":[{"port":0,"name":"x","labels":{"VIP_0":"x:1"}},{"port":8080,"protocol":"tcp,udp"}]}
            """);
        var before = (await api.GetAsync("/v2/apps/a")).Json["app"]!.AsObject();
        var answer = await api.PutAsync("/v2/apps/a?partialUpdate=false", before.ToJsonString());
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.Empty(answer.Warnings);
        var after = (await api.GetAsync("/v2/apps/a")).Json["app"]!;
        Assert.Equal((string?)before["version"], (string?)after["version"]);
        Assert.Equal("udp,tcp", (string?)after["portDefinitions"]![1]!["protocol"]);
        Assert.Equal("UNIQUE", (string?)after["constraints"]![0]![1]);
    }

    [Fact]
    public async Task Put_VersionAlone_GoesBack()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a","cmd":"one","instances":0}""");
        var first = (string)(await api.GetAsync("/v2/apps/a")).Json["app"]!["version"]!;
        await api.PutAsync("/v2/apps/a", """{"cmd":"two"}""");
        Assert.Equal("two", await Cmd());

        var combined = await api.PutAsync("/v2/apps/a", $$"""{"version":"{{first}}","cmd":"x"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, combined.Status);
        var unknown = await api.PutAsync("/v2/apps/a", """{"version":"2001-01-01T00:00:00.000Z"}""");
        Assert.Equal(HttpStatusCode.NotFound, unknown.Status);
        Assert.Equal("App '/a' does not exist in version 2001-01-01T00:00:00.000Z", unknown.Message);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PutAsync("/v2/apps/a", """{"version":"yesterday"}""")).Status);

        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/apps/a", $$"""{"version":"{{first}}"}""")).Status);
        Assert.Equal("one", await Cmd());
        var versions = (await api.GetAsync("/v2/apps/a/versions")).Json["versions"]!.AsArray();
        Assert.Equal(3, versions.Count);
        var old = await api.GetAsync("/v2/apps/a/versions/" + first);
        Assert.Equal("one", (string?)old.Json["cmd"]);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/apps/a/versions/2001-01-01T00:00:00.000Z")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.GetAsync("/v2/apps/a/versions/latest")).Status);

        async Task<string?> Cmd() => (string?)(await api.GetAsync("/v2/apps/a")).Json["app"]!["cmd"];
    }

    [Fact]
    public async Task PutMany_MixOfNewAndExisting_IsOneDeployment()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var answer = await api.PutAsync("/v2/apps", """
            [{"id":"/shop/cart","mem":32},{"id":"/new","cmd":"sleep 1","instances":0}]
            """);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.NotNull(answer.Json["deploymentId"]);
        Assert.Equal(2, api.Loop.State.RunSpecs.Count);
        Assert.Equal("sleep 100", (string?)(await api.GetAsync("/v2/apps/shop/cart")).Json["app"]!["cmd"]);
    }

    [Fact]
    public async Task PutMany_DoubledMissingOrInvalidIds_AreRefusedAsAWhole()
    {
        await using var api = await ApiHost.StartAsync();
        var doubled = await api.PutAsync("/v2/apps", """[{"id":"/a","cmd":"x"},{"id":"a","cmd":"y"}]""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, doubled.Status);
        Assert.Contains("named twice", doubled.Details["(1)/id"][0]);
        var nameless = await api.PutAsync("/v2/apps", """[{"id":"/a","cmd":"x"},{"cmd":"y"}]""");
        Assert.Equal("requirement failed: App Update must have app id set", nameless.Message);
        var invalid = await api.PutAsync("/v2/apps", """[{"id":"/a","cmd":"x"},{"id":"/b"}]""");
        Assert.Contains("cmd", invalid.Details["(1)/"][0]);
        Assert.Empty(api.Loop.State.RunSpecs);
    }

    [Fact]
    public async Task PatchMany_OneUnknown_RefusesAll()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var answer = await api.PatchAsync("/v2/apps", """[{"id":"/shop/cart","mem":1},{"id":"/no","mem":1}]""");
        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Equal(128L << 20, api.Loop.State.RunSpecs[new RunSpecId("/shop/cart")].Resources.MemoryBytes);
        Assert.Equal(HttpStatusCode.NotFound, (await api.PatchAsync("/v2/apps/no", """{"mem":1}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.PatchAsync("/v2/apps/shop/cart", """{"mem":1}""")).Status);
    }

    [Fact]
    public async Task Delete_App_RemovesIt()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var answer = await api.DeleteAsync("/v2/apps/shop/cart");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal((string?)answer.Json["deploymentId"], Assert.Single(answer.Headers["Marathon-Deployment-Id"]));
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync("/v2/apps/shop/cart")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync("/v2/apps/shop/cart/restart")).Status);
    }

    [Fact]
    public async Task Change_WhileDeploying_IsLockedUnlessForced()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a","cmd":"sleep 1","instances":1}""");
        var locked = await api.PutAsync("/v2/apps/a", """{"mem":1}""");
        Assert.Equal(HttpStatusCode.Conflict, locked.Status);
        Assert.Contains("App is locked by one or more deployments", locked.Message);
        Assert.Equal(36, ((string)locked.Json["deployments"]![0]!["id"]!).Length);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/apps/a?force=true", """{"mem":1}""")).Status);
    }

    [Fact]
    public async Task Restart_RunningApp_MakesANewVersion()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync(Sleep);
        var before = api.Loop.State.RunSpecs[new RunSpecId("/shop/cart")].Version;
        var answer = await api.PostAsync("/v2/apps/shop/cart/restart");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(api.Loop.State.RunSpecs[new RunSpecId("/shop/cart")].Version > before);
        Assert.Equal(HttpStatusCode.NotFound, (await api.PostAsync("/v2/apps/none/restart")).Status);
    }
}
