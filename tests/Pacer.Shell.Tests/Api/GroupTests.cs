using System.Net;
using System.Text.Json.Nodes;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Api;

public sealed class GroupTests
{
    private const string Shop = """
        {"id":"/shop","groups":[
          {"id":"db","apps":[{"id":"store","cmd":"sleep 1","instances":0}]},
          {"id":"web","dependencies":["../db"],"apps":[
            {"id":"www","cmd":"sleep 1","instances":0,"dependencies":["../db/store"]},
            {"id":"/shop/web/api","cmd":"sleep 1","instances":0}]}]}
        """;

    [Fact]
    public async Task Post_Group_IsCreatedWithAllInIt_AndIdsBecomeAbsolute()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v2/groups", Shop);
        Assert.True(created.Status == HttpStatusCode.Created, created.Text);
        Assert.Equal([$"{api.BaseAddress}/shop"], created.Headers["Location"]);
        Assert.Equal((string)created.Json["deploymentId"]!, created.Headers["Marathon-Deployment-Id"].Single());
        Assert.Equal("/shop", api.Loop.Effects.OfType<Effect.Publish>().Select(e => e.Event).OfType<ClusterEvent.GroupChanged>().Single().GroupId);

        var group = (await api.GetAsync("/v2/groups/shop")).Json;
        Assert.Equal("/shop", (string)group["id"]!);
        Assert.False((bool)group["enforceRole"]!);
        Assert.Equal((string)created.Json["version"]!, (string)group["version"]!);
        var web = group["groups"]!.AsArray().Single(g => (string)g!["id"]! == "/shop/web")!;
        Assert.Equal(["/shop/db"], Strings(web["dependencies"]));
        Assert.Null(web["enforceRole"]);
        Assert.Equal(["/shop/web/api", "/shop/web/www"], web["apps"]!.AsArray().Select(a => (string)a!["id"]!));
        Assert.Equal(["/shop/db/store"], Strings(web["apps"]![1]!["dependencies"]));
        Assert.Empty(group["apps"]!.AsArray());
    }

    [Fact]
    public async Task Post_TakenId_IsAConflictInMarathonsWords()
    {
        await using var api = await ApiHost.StartAsync();
        await api.CreateAsync("""{"id":"/a/app","cmd":"x","instances":0}""");
        var group = await api.PostAsync("/v2/groups", """{"id":"a"}""");
        Assert.Equal(HttpStatusCode.Conflict, group.Status);
        Assert.Equal("Group /a is already created. Use PUT to change this group.", group.Message);
        var app = await api.PostAsync("/v2/groups/a", """{"id":"app"}""");
        Assert.Equal(HttpStatusCode.Conflict, app.Status);
        Assert.Equal("An app with the path /a/app already exists.", app.Message);
        Assert.Equal(HttpStatusCode.Conflict, (await api.PostAsync("/v2/groups", "{}")).Status);
    }

    [Fact]
    public async Task Post_EmptyGroup_StaysUntilAnAppTakesItsId()
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await api.PostAsync("/v2/groups", """{"id":"/a/b"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v2/groups//a/b/")).Status);
        await api.CreateAsync("""{"id":"/a/b","cmd":"x","instances":0}""");
        var gone = await api.GetAsync("/v2/groups/a/b");
        Assert.Equal(HttpStatusCode.NotFound, gone.Status);
        Assert.Equal("Group '/a/b' does not exist", gone.Message);
    }

    [Fact]
    public async Task Put_Structure_AbsentStays_PresentReplaces()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/groups", Shop);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/groups/shop", """{"apps":[{"id":"top","cmd":"x","instances":0}]}""")).Status);
        Assert.Equal(["/shop/db/store", "/shop/top", "/shop/web/api", "/shop/web/www"], await AppsAsync(api));

        await api.PutAsync("/v2/groups/shop/web", """{"apps":[{"id":"www","cmd":"y","instances":0}],"dependencies":[]}""");
        Assert.Equal(["/shop/db/store", "/shop/top", "/shop/web/www"], await AppsAsync(api));
        Assert.Empty(api.Loop.State.Groups["/shop/web"].Dependencies);

        await api.PutAsync("/v2/groups/shop", """{"groups":[{"id":"web"},{"id":"new"}]}""");
        Assert.Equal(["/shop/top", "/shop/web/www"], await AppsAsync(api));
        Assert.Equal(["/shop", "/shop/new", "/shop/web"], api.Loop.State.Groups.Keys);
    }

    [Theory]
    [InlineData("""{"apps":[{"id":"/other/app","cmd":"x"}]}""", "/apps(0)/id", "Identifier is not child of '/shop'")]
    [InlineData("""{"groups":[{"id":"/other"}]}""", "/groups(0)/id", "Identifier is not child of '/shop'")]
    [InlineData("""{"apps":[{"cmd":"x"}]}""", "/apps(0)/id", "error.path.missing")]
    [InlineData("""{"groups":[{"id":"g","apps":[{"id":"a","cpus":"many"}]}]}""", "/groups(0)/apps(0)/cpus", "error.expected.jsnumber")]
    [InlineData("""{"apps":[{"id":"a"}]}""", "/apps//shop/a", null)]
    [InlineData("""{"version":"2020-01-01T00:00:00.000Z","apps":[]}""", "/version", "not allowed in conjunction with other properties")]
    [InlineData("""{"scaleBy":2,"groups":[]}""", "/scaleBy", "not allowed in conjunction with other properties")]
    [InlineData("""{"scaleBy":-1}""", "/scaleBy", "error.min")]
    [InlineData("""{"groups":[{"id":"g","enforceRole":true}]}""", "/groups(0)/enforceRole", "enforceRole can only be set on top-level groups")]
    [InlineData("""{"apps":[{"id":"a","cmd":"x","dependencies":["b"]},{"id":"b","cmd":"x","dependencies":["c"]},{"id":"c","cmd":"x","dependencies":["a"]}]}""",
        "/dependencies", "Dependency graph has cyclic dependencies.")]
    public async Task Put_BadStructure_IsRefusedWithThePlace(string body, string path, string? error)
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/groups", """{"id":"/shop"}""");
        var answer = await api.PutAsync("/v2/groups/shop", body);
        Assert.True(answer.Status == HttpStatusCode.UnprocessableEntity, answer.Text);
        var found = answer.Details.Where(d => d.Key == path || (error is null && d.Key.StartsWith(path, StringComparison.Ordinal))).ToList();
        Assert.True(found.Count > 0, answer.Text);
        if (error is not null)
        {
            Assert.Contains(error, found[0].Value);
        }
        Assert.Empty(api.Loop.State.RunSpecs);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"apps":[null]}""")]
    [InlineData("""{"apps":{}}""")]
    [InlineData("""{"groups":[[]]}""")]
    [InlineData("""{"groups":[{"id":"/"}]}""")]
    [InlineData("""{"groups":[{"id":"a"},{"id":"./a"}]}""")]
    [InlineData("""{"groups":[{"id":"a","groups":[{"id":".."}]}]}""")]
    [InlineData("""{"groups":[{"id":"a"}],"apps":[{"id":"a","cmd":"x"}]}""")]
    [InlineData("""{"groups":[{"id":"a","scaleBy":2}]}""")]
    [InlineData("""{"dependencies":[null]}""")]
    [InlineData("""{"dependencies":["A_B"]}""")]
    [InlineData("""{"apps":[{"id":"a","cmd":"x"}, {"id":"b","cmd":"x"}],"dependencies":["."]}""")]
    [InlineData("""{"id":"tasks"}""")]
    [InlineData("""{"version":"yesterday"}""")]
    [InlineData("""{"version":7}""")]
    [InlineData("""{"enforceRole":"yes"}""")]
    [InlineData("""{"scaleBy":1e999}""")]
    public async Task Put_Nonsense_IsRefused(string body)
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/groups/shop", body);
        Assert.True((int)answer.Status is >= 400 and < 500, answer.Text);
        Assert.NotEmpty(answer.Message!);
        Assert.Empty(api.Loop.State.Groups);
    }

    [Fact]
    public async Task Put_DeepGroup_IsShownToItsEnd()
    {
        await using var api = await ApiHost.StartAsync();
        var id = string.Concat(Enumerable.Repeat("/a", 1500));
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/groups", $$"""{"id":"{{id}}"}""")).Status);
        Assert.EndsWith(id, (await api.GetAsync("/v2/groups")).Text.Split('"').Last(text => text.StartsWith("/a", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Put_UnknownField_IsAWarning()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/groups/shop", """{"apps":[{"id":"a","cmd":"x","instnces":0}]}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains(answer.Warnings, warning => warning.Contains("/apps(0)/instnces", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Put_ScaleBy_MultipliesAndRoundsUp()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PutAsync("/v2/groups/shop", """{"apps":[{"id":"ten","cmd":"x","instances":10},{"id":"one","cmd":"x"}],"groups":[{"id":"g","apps":[{"id":"none","cmd":"x","instances":0}]}]}""");
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/groups/shop?force=true", """{"scaleBy":1.1}""")).Status);
        Assert.Equal([0, 2, 11], api.Loop.State.RunSpecs.Values.Select(s => s.Instances).Order());
        Assert.Equal(HttpStatusCode.NotFound, (await api.PutAsync("/v2/groups/none", """{"scaleBy":2}""")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PutAsync("/v2/groups/shop?force=true", """{"scaleBy":1e300}""")).Status);
    }

    [Fact]
    public async Task Put_Version_PutsTheWholeGroupBack_AndNothingElse()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/groups", Shop);
        var version = (string)(await api.GetAsync("/v2/groups/shop")).Json["version"]!;
        await api.CreateAsync("""{"id":"/other","cmd":"x","instances":0}""");
        await api.PutAsync("/v2/groups/shop", """{"groups":[{"id":"web","dependencies":[],"apps":[{"id":"www","cmd":"changed","instances":0}]},{"id":"new"}]}""");
        Assert.Equal(["/other", "/shop/web/www"], await AppsAsync(api));

        var then = await api.GetAsync($"/v2/groups/shop/versions/{version}");
        Assert.Equal(["/shop/db", "/shop/web"], then.Json["groups"]!.AsArray().Select(g => (string)g!["id"]!));
        var back = await api.PutAsync("/v2/groups/shop", $$"""{"version":"{{version}}"}""");
        Assert.True(back.Status == HttpStatusCode.OK, back.Text);
        Assert.Equal(["/other", "/shop/db/store", "/shop/web/api", "/shop/web/www"], await AppsAsync(api));
        Assert.Equal(["/shop", "/shop/db", "/shop/web"], api.Loop.State.Groups.Keys);
        Assert.Equal(["/shop/db"], api.Loop.State.Groups["/shop/web"].Dependencies);
        Assert.Equal("sleep 1", (string)(await api.GetAsync("/v2/apps/shop/web/www")).Json["app"]!["cmd"]!);

        Assert.Equal(4, Strings((await api.GetAsync("/v2/groups/shop/versions")).Json).Length);
        Assert.Equal(4, Strings((await api.GetAsync("/v2/groups/versions")).Json).Length);
        var unknown = await api.PutAsync("/v2/groups/shop", """{"version":"2001-01-01T00:00:00.000Z"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, unknown.Status);
        Assert.Contains("not available", unknown.Message);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/groups/shop/versions/2001-01-01T00:00:00.000Z")).Status);
    }

    [Fact]
    public async Task Put_DryRun_ShowsTheSteps_AndChangesNothing()
    {
        await using var api = await ApiHost.StartAsync();
        var answer = await api.PutAsync("/v2/groups?dryRun=true", Shop);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var steps = answer.Json["steps"]!.AsArray()
            .Select(step => string.Join(' ', step!["actions"]!.AsArray().Select(a => $"{a!["action"]}:{a["app"]}"))).ToList();
        Assert.Equal(
            [
                "StartApplication:/shop/db/store StartApplication:/shop/web/api StartApplication:/shop/web/www",
                "ScaleApplication:/shop/db/store",
                "ScaleApplication:/shop/web/api ScaleApplication:/shop/web/www",
            ],
            steps);
        Assert.Empty(api.Loop.State.RunSpecs);
        Assert.Empty(api.Loop.State.Groups);
    }

    [Fact]
    public async Task Delete_GroupBeingDeployed_NeedsForce()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v2/groups", """{"id":"/shop","apps":[{"id":"a","cmd":"x"}]}""");
        var refused = await api.DeleteAsync("/v2/groups/shop");
        Assert.Equal(HttpStatusCode.Conflict, refused.Status);
        Assert.Equal((string)created.Json["deploymentId"]!, (string)refused.Json["deployments"]![0]!["id"]!);
        Assert.Equal(HttpStatusCode.OK, (await api.DeleteAsync("/v2/groups/shop?force=true")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync("/v2/groups/shop")).Status);
        await api.PostAsync("/v2/groups", Shop);
        Assert.Equal(HttpStatusCode.OK, (await api.DeleteAsync("/v2/groups?force=true")).Status);
        Assert.Empty(api.Loop.State.Groups);
        Assert.Empty(api.Loop.State.RunSpecs);
    }

    [Fact]
    public async Task Embed_Given_ShowsOnlyThat()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/groups", Shop);
        var groups = (await api.GetAsync("/v2/groups?embed=group.groups")).Json;
        Assert.Null(groups["apps"]);
        Assert.Equal("/shop", (string)groups["groups"]![0]!["id"]!);
        var apps = (await api.GetAsync("/v2/groups/shop/db?embed=group.apps&embed=group.apps.counts")).Json;
        Assert.Null(apps["groups"]);
        Assert.Equal(0, (int)apps["apps"]![0]!["tasksRunning"]!);
        var decorated = (await api.GetAsync("/v2/groups/shop/db?embed=group.apps.counts")).Json;
        Assert.Null(decorated["apps"]);
        Assert.Equal(3, (await api.GetAsync("/v2/groups/shop/apps")).Json.AsArray().Count);
        Assert.Equal(3, (await api.GetAsync("/v2/groups/apps")).Json.AsArray().Count);
        Assert.Empty((await api.GetAsync("/v2/groups/none/apps")).Json.AsArray());
    }

    [Fact]
    public async Task EnforceRole_Patched_DecidesTheRolesOfNewApps()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PutAsync("/v2/groups/dev/team", """{"apps":[{"id":"old","cmd":"x","instances":0}]}""");
        var both = await api.PutAsync("/v2/groups/dev", """{"enforceRole":true,"apps":[{"id":"a","cmd":"x","instances":0}]}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, both.Status);
        Assert.Contains("separate request", both.Text);
        var patched = await api.PatchAsync("/v2/groups/dev", """{"enforceRole":true}""");
        Assert.Equal(HttpStatusCode.OK, patched.Status);
        Assert.Empty(patched.Text);
        Assert.True((bool)(await api.GetAsync("/v2/groups/dev")).Json["enforceRole"]!);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PatchAsync("/v2/groups/dev/team", """{"enforceRole":true}""")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.PatchAsync("/v2/groups/none", """{"enforceRole":true}""")).Status);

        await api.CreateAsync("""{"id":"/dev/new","cmd":"x","instances":0}""");
        Assert.Equal("dev", api.Loop.State.RunSpecs[new RunSpecId("/dev/new")].Role);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.PostAsync("/v2/apps", """{"id":"/dev/bad","cmd":"x","role":"*"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/apps/dev/team/old", """{"mem":64}""")).Status);
        Assert.Equal("*", api.Loop.State.RunSpecs[new RunSpecId("/dev/team/old")].Role);
        var fresh = await api.PutAsync("/v2/groups/qa", """{"enforceRole":true,"apps":[{"id":"a","cmd":"x","instances":0}]}""");
        Assert.True(fresh.Status == HttpStatusCode.OK, fresh.Text);
        Assert.Equal("qa", api.Loop.State.RunSpecs[new RunSpecId("/qa/a")].Role);
    }

    private static async Task<string[]> AppsAsync(ApiHost api) =>
        [.. (await api.GetAsync("/v2/apps")).Json["apps"]!.AsArray().Select(a => (string)a!["id"]!)];

    private static string[] Strings(JsonNode? list) => [.. list!.AsArray().Select(item => (string)item!)];
}
