using System.Net;
using Pacer.Core.Model;

namespace Pacer.Shell.Tests.Api;

public sealed class AppTasksTests
{
    [Fact]
    public async Task Kill_One_AnswersTheTask()
    {
        await using var api = await RunningAsync(2);
        var tasks = (await api.GetAsync("/v2/apps/a/tasks")).Json["tasks"]!.AsArray();
        var id = (string)tasks[0]!["id"]!;
        var answer = await api.DeleteAsync($"/v2/apps/a/tasks/{id}");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(id, (string?)answer.Json["task"]!["id"]);
    }

    [Fact]
    public async Task Kill_UnknownTask_IsNotFoundUnlessScaling()
    {
        await using var api = await RunningAsync(1);
        var answer = await api.DeleteAsync("/v2/apps/a/tasks/a.instance-x._app.1");
        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Equal("Task 'a.instance-x._app.1' does not exist", answer.Message);
        var scaling = await api.DeleteAsync("/v2/apps/a/tasks/a.instance-x._app.1?scale=true");
        Assert.Equal(HttpStatusCode.OK, scaling.Status);
        Assert.NotNull(scaling.Json["deploymentId"]);
    }

    [Fact]
    public async Task Kill_WithScale_LowersTheInstances()
    {
        await using var api = await RunningAsync(3);
        var tasks = (await api.GetAsync("/v2/apps/a/tasks")).Json["tasks"]!.AsArray();
        var answer = await api.DeleteAsync($"/v2/apps/a/tasks/{(string)tasks[0]!["id"]!}?scale=true");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(2, api.Loop.State.RunSpecs[new RunSpecId("/a")].Instances);
    }

    [Fact]
    public async Task KillAll_ByHost_TakesOnlyItsTasks()
    {
        await using var api = await RunningAsync(2);
        Assert.Empty((await api.DeleteAsync("/v2/apps/a/tasks?host=elsewhere")).Json["tasks"]!.AsArray());
        Assert.Equal(2, (await api.DeleteAsync("/v2/apps/a/tasks?host=node1.example.com")).Json["tasks"]!.AsArray().Count);
    }

    [Fact]
    public async Task KillAll_ScaleAndWipe_ExcludeEachOther()
    {
        await using var api = await RunningAsync(1);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.DeleteAsync("/v2/apps/a/tasks?scale=true&wipe=true")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync("/v2/apps/none/tasks")).Status);
    }

    [Fact]
    public async Task List_EndedTask_ShowsNoPorts()
    {
        await using var api = await RunningAsync(1);
        api.Loop.Report("/a", Condition.Failed);
        var task = (await api.GetAsync("/v2/apps/a/tasks")).Json["tasks"]!.AsArray()
            .FirstOrDefault(t => (string?)t!["state"] == "TASK_FAILED");
        if (task is not null)
        {
            Assert.Empty(task["ports"]!.AsArray());
            Assert.Null(task["stagedAt"]);
        }
        var failure = (await api.GetAsync("/v2/apps/a")).Json["app"]!["lastTaskFailure"]!;
        Assert.Equal("TASK_FAILED", (string?)failure["state"]);
        Assert.Equal("/a", (string?)failure["appId"]);
    }

    private static async Task<ApiHost> RunningAsync(int instances)
    {
        var api = await ApiHost.StartAsync();
        api.Loop.ConnectAgent();
        await api.CreateAsync($$"""{"id":"/a","cmd":"sleep 1","cpus":0.1,"mem":16,"instances":{{instances}}}""");
        api.Loop.Report("/a", Condition.Running);
        return api;
    }
}
