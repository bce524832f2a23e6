using System.Net;
using System.Text.Json.Nodes;
using Pacer.Core.Cluster;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Api;

public sealed class PodTests
{
    private const string Small = """{"id":"/shop/web","containers":[{"name":"www","exec":{"command":{"shell":"sleep 1"}},"resources":{"cpus":0.1,"mem":32}}]}""";

    [Fact]
    public async Task Collection_HeadAndOptions_TellThatPodsAreThere()
    {
        await using var api = await ApiHost.StartAsync();
        var head = await api.SendAsync(HttpMethod.Head, "/v2/pods");
        Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Text));
        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Options, "/v2/pods")).Status);
        Assert.Equal("[]", (await api.GetAsync("/v2/pods")).Text);
        Assert.Equal("[]", (await api.GetAsync("/v2/pods::status")).Text);
        Assert.Equal("[]", (await api.GetAsync("/v2/pods/::status")).Text);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await api.PutAsync("/v2/pods", "{}")).Status);
    }

    [Fact]
    public async Task Post_Pod_IsCreatedWithAllDefaults()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v2/pods", Small);
        Assert.True(created.Status == HttpStatusCode.Created, created.Text);
        Assert.Equal([$"{api.BaseAddress}/shop/web"], created.Headers["Location"]);
        Assert.Equal(api.Loop.State.Deployments.Keys.Single().Value, created.Headers["Marathon-Deployment-Id"].Single());
        Assert.Equal(["pod_created_event"], api.PodChanges.Select(change => change.EventType));
        var version = (string)created.Json["version"]!;
        Assert.Equal($$$"""
            {"id":"/shop/web","version":"{{{version}}}","containers":[{"name":"www","exec":{"command":{"shell":"sleep 1"}},
            "resources":{"cpus":0.1,"mem":32,"disk":0,"gpus":0}}],"scaling":{"kind":"fixed","instances":1},
            "scheduling":{"backoff":{"backoff":1,"backoffFactor":1.15,"maxLaunchDelay":300},
            "upgrade":{"minimumHealthCapacity":1,"maximumOverCapacity":1},"placement":{"constraints":[],"acceptedResourceRoles":[]},
            "killSelection":"YOUNGEST_FIRST","unreachableStrategy":{"inactiveAfterSeconds":0,"expungeAfterSeconds":0}},
            "executorResources":{"cpus":0.1,"mem":32,"disk":10},"role":"*"}
            """.ReplaceLineEndings(""), created.Text);
        Assert.Equal(created.Text, (await api.GetAsync("/v2/pods/shop/web")).Text);
        Assert.Equal($"[{created.Text}]", (await api.GetAsync("/v2/pods")).Text);
        var spec = api.Loop.State.RunSpecs.Values.Single();
        Assert.Equal((RunSpecKind.Pod, new Resources(200, 64L << 20, 10L << 20, 0)), (spec.Kind, spec.Resources));
    }

    [Fact]
    public async Task Post_EveryMember_ComesBack()
    {
        await using var api = await ApiHost.StartAsync();
        var pod = (await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Api", "every-pod-member.json"))).ReplaceLineEndings("");
        var created = await api.PostAsync("/v2/pods", pod);
        Assert.True(created.Status == HttpStatusCode.Created, created.Text);
        var back = created.Json.AsObject();
        back.Remove("version");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(pod), back), created.Text);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/pods/every?force=true", created.Text)).Status);
        Assert.Single(api.Loop.State.Versions[new RunSpecId("/every")]); // the same again is no change
    }

    [Fact]
    public async Task Post_TakenId_IsRefused()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/pods", Small);
        var again = await api.PostAsync("/v2/pods", Small);
        Assert.Equal((HttpStatusCode.Conflict, "A pod with id [/shop/web] already exists."), (again.Status, again.Message));
        var app = await api.PostAsync("/v2/apps", """{"id":"/shop/web","cmd":"x"}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, app.Status);
        await api.CreateAsync("""{"id":"/app","cmd":"x","instances":0}""");
        var pod = await api.PostAsync("/v2/pods", Small.Replace("/shop/web", "/app"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, pod.Status);
        Assert.Contains("is an app", pod.Details["/id"].Single());
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/apps/shop/web")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/pods/app")).Status);
    }

    [Fact]
    public async Task Put_Pod_ReplacesIt_OrMakesIt()
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/pods/shop/web", Small)).Status);
        var wrong = await api.PutAsync("/v2/pods/shop/other", Small);
        Assert.Equal((HttpStatusCode.BadRequest, "'/shop/other' does not match definition's id ('/shop/web')"), (wrong.Status, wrong.Message));
        var changed = Small.Replace("sleep 1", "sleep 2");
        Assert.Equal(HttpStatusCode.Conflict, (await api.PutAsync("/v2/pods/shop/web", changed)).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/pods//shop/web?force=true", changed)).Status);
        Assert.All(api.PodChanges, change => Assert.Equal("pod_updated_event", change.EventType));
        var versions = (await api.GetAsync("/v2/pods/shop/web::versions")).Json.AsArray();
        Assert.Equal(2, versions.Count);
        Assert.Contains("sleep 2", (await api.GetAsync($"/v2/pods/shop/web::versions/{versions[0]}")).Text);
        Assert.Contains("sleep 1", (await api.GetAsync($"/v2/pods/shop/web::versions/{versions[1]}")).Text);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/pods/shop/web::versions/2020-01-01T00:00:00.000Z")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.GetAsync("/v2/pods/shop/web::versions/yesterday")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/pods/shop/web::nothing")).Status);
    }

    [Fact]
    public async Task Delete_Pod_IsAcceptedAndThePodIsGone()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/pods", Small.Replace("\"containers\"", "\"scaling\":{\"kind\":\"fixed\",\"instances\":0},\"containers\""));
        var deleted = await api.DeleteAsync("/v2/pods/shop/web");
        Assert.Equal((HttpStatusCode.Accepted, ""), (deleted.Status, deleted.Text));
        var id = deleted.Headers["Marathon-Deployment-Id"].Single();
        Assert.Equal([$"{api.BaseAddress}/{id}"], deleted.Headers["Location"]);
        var gone = await api.GetAsync("/v2/pods/shop/web");
        Assert.Equal((HttpStatusCode.NotFound, """{"message": "pod with /shop/web does not exist"}"""), (gone.Status, gone.Message));
        var again = await api.DeleteAsync("/v2/pods/shop/web");
        Assert.Equal((HttpStatusCode.NotFound, "Pod '/shop/web' does not exist"), (again.Status, again.Message));
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/pods/shop/web::status")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync("/v2/pods/shop/web::versions")).Status);
    }

    [Fact]
    public async Task Pod_InGroup_IsListedThere_SurvivesItsUpdate_AndGoesWithIt()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v2/pods", Small.Replace("\"containers\"", "\"scaling\":{\"kind\":\"fixed\",\"instances\":0},\"containers\""));
        var group = (await api.GetAsync("/v2/groups/shop")).Json;
        var status = group["pods"]!.AsArray().Single()!;
        Assert.Equal(("/shop/web", "STABLE", "/shop/web"), ((string)status["id"]!, (string)status["status"]!, (string)status["spec"]!["id"]!));
        Assert.Empty(group["apps"]!.AsArray());
        Assert.Null((await api.GetAsync("/v2/groups/shop?embed=group.apps")).Json["pods"]);
        Assert.Equal(HttpStatusCode.OK, (await api.PutAsync("/v2/groups/shop", """{"apps":[]}""")).Status);
        Assert.Single(api.Loop.State.RunSpecs);
        // What an answer shows may come back.
        var back = await api.PutAsync("/v2/groups/shop", group.ToJsonString().Replace("\"version\"", "\"_version\""));
        Assert.True(back.Status == HttpStatusCode.OK, back.Text);
        Assert.Single(api.Loop.State.Versions[new RunSpecId("/shop/web")]);
        var put = await api.PutAsync("/v2/groups/shop", """{"pods":[{"id":"new","scaling":{"kind":"fixed","instances":0},"containers":[{"name":"a","resources":{},"exec":{"command":{"argv":["true"]}}}]}]}""");
        Assert.True(put.Status == HttpStatusCode.OK, put.Text);
        Assert.Equal(["/shop/new", "/shop/web"], api.Loop.State.RunSpecs.Keys.Select(id => id.Path));
        var wrong = await api.PutAsync("/v2/groups/shop", """{"pods":[{"id":"new"}]}""");
        Assert.Contains("/pods(0)/containers", wrong.Details.Keys);
        Assert.Equal(HttpStatusCode.OK, (await api.DeleteAsync("/v2/groups/shop?force=true")).Status);
        Assert.Empty(api.Loop.State.RunSpecs);
    }

    [Fact]
    public async Task Status_RunningPod_TellsOfItsContainers()
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        await api.PostAsync("/v2/pods", """
            {"id":"/web","containers":[
              {"name":"www","exec":{"command":{"shell":"x"}},"resources":{"cpus":0.1,"mem":32},"endpoints":[{"name":"http"}],
               "healthCheck":{"http":{"endpoint":"http"}}},
              {"name":"log","exec":{"command":{"shell":"x"}},"resources":{"cpus":0.1,"mem":32}}]}
            """);
        Assert.Equal("DEGRADED", (string)(await api.GetAsync("/v2/pods/web::status")).Json["status"]!);
        var instance = api.Loop.State.AllInstances.Single();
        foreach (var task in instance.Tasks)
        {
            Report(api, instance, task, Condition.Running, null);
        }
        var status = (await api.GetAsync("/v2/pods/web::status")).Json;
        var shown = status["instances"]![0]!;
        Assert.Equal(("DEGRADED", "DEGRADED", "at least one container is not healthy"),
            ((string)status["status"]!, (string)shown["status"]!, (string)shown["message"]!));
        Assert.Equal("health-unreported-by-mesos", (string)shown["containers"]![0]!["conditions"]![0]!["reason"]!);
        Report(api, instance, instance.Tasks[0], Condition.Running, true);
        status = (await api.GetAsync("/v2/pods::status")).Json[0]!;
        shown = status["instances"]![0]!;
        Assert.Equal(("STABLE", "STABLE"), ((string)status["status"]!, (string)shown["status"]!));
        var www = shown["containers"]![0]!;
        Assert.Equal(("www", "TASK_RUNNING", $"{instance.Id}.www.1"), ((string)www["name"]!, (string)www["status"]!, (string)www["containerId"]!));
        Assert.Equal(instance.Placement!.HostPorts[0], (int)www["endpoints"]![0]!["allocatedHostPort"]!);
        Assert.True((bool)www["endpoints"]![0]!["healthy"]!);
        Assert.Equal("true", (string)www["conditions"]![0]!["value"]!);
        Assert.Equal($"/v2/pods/web::versions/{instance.RunSpecVersion}", (string)shown["specReference"]!);
        Assert.Equal(0.3, (double)shown["resources"]!["cpus"]!, 3);
        Report(api, instance, instance.Tasks[1], Condition.Failed, null, 7);
        status = (await api.GetAsync("/v2/pods/web::status")).Json;
        Assert.Equal(7, (int)status["terminationHistory"]![0]!["containers"]![0]!["termination"]!["exitCode"]!);
        Assert.Contains(api.Loop.Effects, effect => effect is Effect.Kill kill && kill.TaskId == instance.Tasks[0].Id);
    }

    [Fact]
    public async Task Instances_Deleted_AreEndedOrForgotten()
    {
        await using var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        await api.PostAsync("/v2/pods", Small.Replace("\"containers\"", "\"scaling\":{\"kind\":\"fixed\",\"instances\":2},\"containers\""));
        var ids = api.Loop.State.AllInstances.Select(instance => instance.Id.Value).ToList();
        var one = await api.DeleteAsync($"/v2/pods/shop/web::instances/{ids[0]}");
        Assert.True(one.Status == HttpStatusCode.OK, one.Text);
        Assert.Equal((ids[0], "Running"), ((string)one.Json["instanceId"]!, (string)one.Json["state"]!["goal"]!));
        Assert.NotNull(one.Json["agentInfo"]!["attributes"]);
        var many = await api.SendAsync(HttpMethod.Delete, "/v2/pods/shop/web::instances?wipe=true", $"""["{ids[1]}","shop_web.instance-none"]""");
        Assert.Equal([ids[1]], many.Json.AsArray().Select(instance => (string)instance!["instanceId"]!));
        Assert.Equal(Goal.Decommissioned, api.Loop.State.Instance(new InstanceId(ids[1]))!.Goal);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.DeleteAsync("/v2/pods/shop/web::instances/nonsense")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await api.SendAsync(HttpMethod.Delete, "/v2/pods/shop/web::instances", """["x"]""")).Status);
        var unknown = await api.DeleteAsync("/v2/pods/shop/web::instances/a.instance-b");
        Assert.Equal((HttpStatusCode.NotFound, "Task 'a.instance-b' does not exist"), (unknown.Status, unknown.Message));
        var pod = await api.DeleteAsync("/v2/pods/none::instances/a.instance-b");
        Assert.Equal((HttpStatusCode.NotFound, "Path '/none' does not exist"), (pod.Status, pod.Message));
    }

    [Theory]
    [InlineData("\"containers\":[]", "/containers")]
    [InlineData("\"containers\":[{\"name\":\"A\",\"resources\":{}}]", "/containers(0)/name")]
    [InlineData("\"containers\":[{\"name\":\"a\"}]", "/containers(0)/resources")]
    [InlineData("\"containers\":[{\"name\":\"a\",\"resources\":{}}]", "/containers(0)/exec")]
    [InlineData("\"containers\":[C,C]", "/containers")]
    [InlineData("\"containers\":[C],\"volumes\":[{\"name\":\"v\"}]", "/volumes(0)")]
    [InlineData("\"containers\":[C],\"networks\":[{\"mode\":\"host\",\"name\":\"x\"}]", "/networks(0)")]
    [InlineData("\"containers\":[C],\"environment\":{\"1A\":\"x\"}", "/environment/1A")]
    [InlineData("\"containers\":[C],\"environment\":{\"A\":{\"secret\":\"s\"}}", "/environment/A/secret")]
    [InlineData("\"containers\":[C],\"scaling\":{\"kind\":\"fixed\",\"instances\":-1}", "/scaling/instances")]
    [InlineData("\"containers\":[C],\"role\":\"other\"", "/role")]
    [InlineData("\"containers\":[C],\"linuxInfo\":{\"seccomp\":{\"unconfined\":true}}", "/linuxInfo/seccomp")]
    [InlineData("\"containers\":[C],\"scheduling\":{\"placement\":{\"constraints\":[{\"fieldName\":\"hostname\",\"operator\":\"MAX_PER\"}]}}", "/scheduling/placement/constraints(0)")]
    [InlineData("\"containers\":[C],\"scheduling\":{\"unreachableStrategy\":{\"inactiveAfterSeconds\":5,\"expungeAfterSeconds\":1}}", "/scheduling/unreachableStrategy")]
    [InlineData("\"containers\":[C,\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"x\"}]]", "/containers(0)/volumeMounts(0)/name")]
    [InlineData("\"containers\":[C,\"healthCheck\":{\"http\":{\"endpoint\":\"e\"}}]", "/containers(0)/healthCheck/http/endpoint")]
    [InlineData("\"containers\":[C,\"healthCheck\":{\"exec\":{\"command\":{\"shell\":\"x\"}},\"timeoutSeconds\":60}]", "/containers(0)/healthCheck/timeoutSeconds")]
    [InlineData("\"containers\":[C,\"healthCheck\":{}]", "/containers(0)/healthCheck")]
    [InlineData("\"containers\":[C,\"resourceLimits\":{\"mem\":1}]", "/containers(0)/resourceLimits/mem")]
    [InlineData("\"containers\":[C,\"endpoints\":[{\"name\":\"e\",\"containerPort\":0}]]", "/containers(0)/endpoints(0)/containerPort")]
    [InlineData("\"networks\":[{\"mode\":\"host\"}],\"containers\":[C,\"endpoints\":[{\"name\":\"e\",\"containerPort\":80}]]", "/containers(0)/endpoints(0)/containerPort")]
    [InlineData("\"networks\":[{\"name\":\"n\"}],\"containers\":[C,\"endpoints\":[{\"name\":\"e\"}]]", "/containers(0)/endpoints(0)/containerPort")]
    [InlineData("\"containers\":[C,\"endpoints\":[{\"name\":\"e\"},{\"name\":\"e\"}]]", "/containers")]
    [InlineData("\"containers\":[C,\"artifacts\":[{\"uri\":\"a b\"}]]", "/containers(0)/artifacts(0)/uri")]
    public async Task Post_Mistake_IsNamedByItsPath(string members, string path)
    {
        await using var api = await ApiHost.StartAsync();
        const string Container = "{\"name\":\"a\",\"resources\":{},\"exec\":{\"command\":{\"shell\":\"x\"}}";
        var at = members.IndexOf("[C,\"", StringComparison.Ordinal);
        var body = at < 0
            ? members.Replace("C,C", $"{Container}}},{Container}}}").Replace("[C]", $"[{Container}}}]")
            : members[..at] + "[" + Container + members[(at + 2)..^1] + "}]";
        var refused = await api.PostAsync("/v2/pods", $"{{\"id\":\"/a\",{body}}}");
        Assert.True(refused.Status == HttpStatusCode.UnprocessableEntity, refused.Text);
        Assert.True(refused.Details.ContainsKey(path), refused.Text);
    }

    [Fact]
    public async Task Post_WhatHasNoEffectYet_IsNamedInWarnings()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v2/pods", """
            {"id":"/a","continers":1,"networks":[{"name":"n"}],
             "containers":[{"name":"a","resources":{},"image":{"kind":"DOCKER","id":"alpine"},"check":{"tcp":{"endpoint":"e"}}}]}
            """);
        Assert.True(created.Status == HttpStatusCode.Created, created.Text);
        Assert.Equal(2, created.Warnings.Length);
        Assert.Contains("did you mean containers?", created.Warnings[0]);
        Assert.DoesNotContain("check", created.Text, StringComparison.Ordinal);
    }

    private static void Report(ApiHost api, Instance instance, TaskInfo task, Condition condition, bool? alive, int? exitCode = null) =>
        api.Loop.Step(new Input.TaskReported(instance.Placement!.AgentId, new TaskReport(
            task.Id, 1, condition, exitCode is null ? null : "Command exited", null, api.Loop.Now, exitCode, null, [],
            alive is { } value ? [new HealthResult(0, value, 0, api.Loop.Now, api.Loop.Now, null, null)] : [])));
}
