using System.Net;
using Grpc.Core;
using Pacer.Contracts.AgentLink;
using Pacer.Shell.Tests.Loop;

namespace Pacer.Shell.Tests.ServerLink;

public sealed class AgentLinkTests
{
    private const string Hello = """{"id":"/hello","cmd":"sleep 100","cpus":0.1,"mem":32,"instances":1}""";

    [Fact]
    public async Task Register_Valid_IsAnsweredFirst_AndTheNodeIsListed()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        var registered = agent.Received.First().Registered;
        Assert.Equal(5000, registered.HeartbeatIntervalMs);
        Assert.Equal((await server.GetJsonAsync("/v2/info")).GetProperty("frameworkId").GetString(), registered.ClusterId);
        await server.UntilNodeAsync("connected");
        var node = (await server.GetJsonAsync("/v2/nodes")).GetProperty("nodes")[0];
        Assert.Equal("node-agent-1", node.GetProperty("hostname").GetString());
        Assert.Equal(8, node.GetProperty("resources").GetProperty("free").GetProperty("cpus").GetDouble());
        Assert.Equal("31000-31099", node.GetProperty("portRanges")[0].GetString());
    }

    [Fact]
    public async Task Register_Faulty_IsRefusedWithTheReason()
    {
        await using var server = await RunningServer.StartAsync(options => options with { JoinToken = "secret" });
        var nameless = TestAgent.Registration("");
        nameless.JoinToken = "secret";
        var wrong = TestAgent.Registration();
        wrong.JoinToken = "guess";
        foreach (var (register, reason) in new[] { (nameless, "agent_id"), (wrong, "--join-token"), (TestAgent.Registration(), "asks for a join token") })
        {
            await using var agent = await TestAgent.DialAsync(server.Socket, new AgentMessage { Register = register });
            await Eventually.TrueAsync(() => agent.Ended is not null, "the stream ends");
            Assert.Contains(reason, Assert.Single(agent.Received).Refused.Message);
        }
        Assert.Equal("", await server.NodeStateAsync());
        var right = TestAgent.Registration();
        right.JoinToken = "secret";
        await using var joined = await TestAgent.ConnectAsync(server.Socket, right);
        await server.UntilNodeAsync("connected");
    }

    [Fact]
    public async Task FirstMessage_NotRegister_IsRefused()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.DialAsync(server.Socket, new AgentMessage { Heartbeat = new Heartbeat() });
        await Eventually.TrueAsync(() => agent.Ended is not null, "the stream ends");
        Assert.NotNull(Assert.Single(agent.Received).Refused);
    }

    [Fact]
    public async Task PostedApp_RunsAtTheAgent_ExitIsSeen_AndReplaced()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        var (status, _) = await server.SendAsync("POST", "/v2/apps", Hello);
        Assert.Equal(HttpStatusCode.Created, status);

        var task = await agent.RunNextAsync();
        Assert.Equal("sleep 100", task.Command.Shell);
        Assert.StartsWith("hello.instance-", task.TaskId);
        await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the task runs");
        await Eventually.TrueAsync(() => agent.Acknowledged.Any(a => a.TaskId == task.TaskId && a.Sequence == 1), "the report is acknowledged");
        await Eventually.TrueAsync(async () => (await server.GetJsonAsync("/v2/deployments")).GetArrayLength() == 0, "the deployment ends");

        await agent.SendAsync(TestAgent.Status(task.TaskId, TaskState.TaskFailed, 2));
        var second = await agent.RunNextAsync(task.TaskId);
        Assert.NotEqual(task.TaskId, second.TaskId);
        await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the second task runs");
        var failure = (await server.GetJsonAsync("/v2/apps/hello")).GetProperty("app").GetProperty("lastTaskFailure");
        Assert.Equal(task.TaskId, failure.GetProperty("taskId").GetString());
    }

    [Fact]
    public async Task RemovedApp_ItsTaskIsKilled()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", Hello);
        var task = await agent.RunNextAsync();
        await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the task runs");
        await server.SendAsync("DELETE", "/v2/apps/hello");
        await Eventually.TrueAsync(() => agent.Received.Any(m => m.Kill?.TaskId == task.TaskId), "a kill order arrives");
        Assert.Equal(-1, agent.Received.First(m => m.Kill is not null).Kill.GraceMs);
        await agent.SendAsync(TestAgent.Status(task.TaskId, TaskState.TaskKilled, 2));
        await Eventually.TrueAsync(async () => (await server.SendAsync("GET", "/v2/apps/hello")).Status == HttpStatusCode.NotFound, "the app is gone");
    }

    [Fact]
    public async Task ServerRestarts_AgentReconnectsWithItsTask_NothingIsLaunchedAgain()
    {
        await using var server = await RunningServer.StartAsync();
        string taskId;
        await using (var agent = await TestAgent.ConnectAsync(server.Socket))
        {
            await server.SendAsync("POST", "/v2/apps", Hello);
            taskId = (await agent.RunNextAsync()).TaskId;
            await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the task runs");
            await server.RestartAsync();
            await Eventually.TrueAsync(() => agent.Ended is not null, "the old stream ends");
        }
        await server.UntilNodeAsync("disconnected");
        Assert.Equal(["TASK_RUNNING"], await server.TaskStatesAsync("/hello"));

        var register = TestAgent.Registration();
        register.Tasks.Add(TestAgent.Status(taskId, TaskState.TaskRunning, 1));
        await using var back = await TestAgent.ConnectAsync(server.Socket, register);
        await server.UntilNodeAsync("connected");
        await Eventually.TrueAsync(() => back.Acknowledged.Any(a => a.TaskId == taskId), "the report is acknowledged");
        Assert.Empty(back.Launched);

        // What the agent runs but nobody wants ends.
        await back.SendAsync(TestAgent.Status("stranger.instance-0._app.1", TaskState.TaskRunning, 1));
        await Eventually.TrueAsync(() => back.Received.Any(m => m.Kill?.TaskId == "stranger.instance-0._app.1"), "the stranger is killed");
    }

    [Fact]
    public async Task Launch_ThatNeverArrived_IsSentAgainToTheNewStream()
    {
        await using var server = await RunningServer.StartAsync();
        string taskId;
        await using (var agent = await TestAgent.ConnectAsync(server.Socket))
        {
            await server.SendAsync("POST", "/v2/apps", Hello);
            await Eventually.TrueAsync(() => agent.Launched.Any(), "the launch order arrives");
            taskId = agent.Launched.First().TaskId;
        }
        await server.UntilNodeAsync("disconnected");
        await using var back = await TestAgent.ConnectAsync(server.Socket);
        await Eventually.TrueAsync(() => back.Launched.Any(task => task.TaskId == taskId), "the same order comes again");
    }

    [Fact]
    public async Task SecondStreamOfAnAgent_ReplacesTheFirst_AndStaysConnected()
    {
        await using var server = await RunningServer.StartAsync();
        await using var first = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        await using var second = await TestAgent.ConnectAsync(server.Socket);
        await Eventually.TrueAsync(() => first.Ended == StatusCode.Unavailable, "the first stream is ended");
        await server.SendAsync("POST", "/v2/apps", Hello);
        await second.RunNextAsync();
        Assert.Empty(first.Launched);
        Assert.Equal("connected", await server.NodeStateAsync());
    }

    [Fact]
    public async Task Heartbeats_GoOut_AndSilenceEndsTheStream()
    {
        var time = new ManualTime();
        await using var server = await RunningServer.StartAsync(time: time);
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        time.Advance(TimeSpan.FromSeconds(5));
        await Eventually.TrueAsync(() => agent.Received.Any(m => m.Heartbeat is not null), "a heartbeat arrives");
        await agent.SendAsync(new Heartbeat());
        Assert.Null(agent.Ended);
        for (var i = 0; i < 4; i++)
        {
            var heartbeats = agent.Received.Count(m => m.Heartbeat is not null);
            time.Advance(TimeSpan.FromSeconds(5));
            await Eventually.TrueAsync(
                () => agent.Ended is not null || agent.Received.Count(m => m.Heartbeat is not null) > heartbeats, "the watch looked");
        }
        await Eventually.TrueAsync(() => agent.Ended == StatusCode.Unavailable, "the stream is ended");
        await server.UntilNodeAsync("disconnected");
    }

    [Fact]
    public async Task AgentSilentForTheTimeout_IsLost_AndItsTasksAreUnreachable()
    {
        await using var server = await RunningServer.StartAsync(options => options with { AgentTimeout = TimeSpan.FromMilliseconds(300) });
        await using (var agent = await TestAgent.ConnectAsync(server.Socket))
        {
            await server.SendAsync("POST", "/v2/apps", """{"id":"/hello","cmd":"sleep 100","cpus":0.1,"mem":32,"unreachableStrategy":"disabled"}""");
            await agent.RunNextAsync();
            await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_RUNNING"], "the task runs");
        }
        await server.UntilNodeAsync("lost");
        await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/hello") is ["TASK_UNREACHABLE"], "the task is unreachable");
    }

    [Fact]
    public async Task Session_WithAnUnknownId_IsRefused()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        using var call = agent.DialSession();
        await call.RequestStream.WriteAsync(new SessionMessage { SessionId = "guessed" });
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task RestListener_AndAgentListener_DontServeEachOther()
    {
        await using var server = await RunningServer.StartAsync(options => options with { AgentListen = "127.0.0.1:0" });
        using var http2 = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await http2.GetAsync($"http://{server.Host.AgentAddress}/v2/apps");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        var (status, _) = await server.SendAsync("POST", "/pacer.agent.v1.AgentLink/Connect", "{}");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Socket));
    }
}
