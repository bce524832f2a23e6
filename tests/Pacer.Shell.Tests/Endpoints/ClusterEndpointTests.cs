using System.Net;
using System.Text.Json;
using Pacer.Contracts.AgentLink;
using Pacer.Server;
using Pacer.Server.Storage;
using Pacer.Shell.Tests.ServerLink;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Endpoints;

public sealed class ClusterEndpointTests
{
    [Theory]
    [InlineData(null, HttpStatusCode.OK, "text/plain", "pong")]
    [InlineData("*/*", HttpStatusCode.OK, "text/plain", "pong")]
    [InlineData("text/html", HttpStatusCode.OK, "text/html", "pong")]
    [InlineData("application/json", HttpStatusCode.OK, "application/json", "\"pong\"")]
    [InlineData("text/plain;q=0.1, application/json", HttpStatusCode.OK, "application/json", "\"pong\"")]
    [InlineData("image/png", HttpStatusCode.NoContent, null, "")]
    public async Task Ping_AnswersInTheFormAskedFor(string? accept, HttpStatusCode status, string? type, string body)
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ping");
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }
        using var response = await server.Http.SendAsync(request);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(body, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task EveryAnswer_HasTheStandardHeaders_AndNamesNoServer()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var path in new[] { "/ping", "/v2/apps", "/v2/nowhere", "/" })
        {
            using var response = await server.Http.GetAsync(path);
            Assert.Equal("no-cache, no-store, must-revalidate", response.Headers.NonValidated["Cache-Control"].ToString());
            Assert.Equal("no-cache", response.Headers.Pragma.ToString());
            Assert.Equal($"http://{server.Host.HttpAddress}", response.Headers.GetValues("X-Marathon-Leader").Single());
            Assert.Equal("0", response.Content.Headers.GetValues("Expires").Single());
            Assert.Empty(response.Headers.Server);
        }
    }

    [Fact]
    public async Task WrongRequests_AreRefusedInJson()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var (method, path, expected) in new[]
        {
            ("GET", "/v2/nowhere", HttpStatusCode.NotFound),
            ("POST", "/ping", HttpStatusCode.MethodNotAllowed),
            ("DELETE", "/v2/deployments/unknown", HttpStatusCode.NotFound),
            ("DELETE", "/v2/queue/unknown/delay", HttpStatusCode.NotFound),
            ("GET", "/v2/nodes/unknown", HttpStatusCode.NotFound),
            ("GET", "/v2/events", HttpStatusCode.MethodNotAllowed),
        })
        {
            var (status, body) = await server.SendAsync(method, path);
            Assert.Equal(expected, status);
            Assert.NotEmpty(body.GetProperty("message").GetString()!);
        }
        var (tooLarge, message) = await server.SendAsync("POST", "/v2/tasks/delete", new string(' ', 9 * 1024 * 1024));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLarge);
        Assert.Contains("8 MiB", message.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Info_HasEveryKey_NullWhereThereIsNoSuchSetting()
    {
        await using var server = await RunningServer.StartAsync();
        var info = await server.GetJsonAsync("/v2/info");
        Assert.Equal(
            ["name", "version", "buildref", "elected", "leader", "frameworkId", "marathon_config", "zookeeper_config", "http_config"],
            info.EnumerateObject().Select(member => member.Name));
        Assert.Equal(41, info.GetProperty("marathon_config").EnumerateObject().Count());
        Assert.Equal(8, info.GetProperty("zookeeper_config").EnumerateObject().Count(member => member.Value.ValueKind == JsonValueKind.Null));
        Assert.Equal(server.Host.HttpAddress, (await server.GetJsonAsync("/v2/leader")).GetProperty("leader").GetString());
    }

    [Fact]
    public async Task Queue_ExplainsWhyAnInstanceWaits()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        await server.SendAsync("POST", "/v2/apps", """{"id":"/big","cmd":"true","cpus":99,"mem":32,"instances":2}""");
        var item = (await server.GetJsonAsync("/v2/queue?embed=lastUnusedOffers")).GetProperty("queue")[0];
        Assert.Equal(2, item.GetProperty("count").GetInt32());
        Assert.Equal("/big", item.GetProperty("app").GetProperty("id").GetString());
        Assert.True(item.GetProperty("delay").GetProperty("overdue").GetBoolean());
        var summary = item.GetProperty("processedOffersSummary");
        Assert.Equal(1, summary.GetProperty("processedOffersCount").GetInt32());
        var steps = summary.GetProperty("rejectSummaryLastOffers").EnumerateArray().ToList();
        Assert.Equal(10, steps.Count);
        Assert.Equal("""{"reason":"InsufficientCpus","declined":1,"processed":1}""", steps[4].GetRawText());
        Assert.Equal("""{"reason":"InsufficientMemory","declined":0,"processed":0}""", steps[5].GetRawText());
        var offer = item.GetProperty("lastUnusedOffers")[0];
        Assert.Equal("InsufficientCpus", offer.GetProperty("reason")[0].GetString());
        Assert.Equal("""{"begin":31000,"end":31099}""", offer.GetProperty("offer").GetProperty("resources")[4].GetProperty("ranges")[0].GetRawText());
        Assert.Equal(HttpStatusCode.NoContent, (await server.SendAsync("DELETE", "/v2/queue/big/delay")).Status);
    }

    [Fact]
    public async Task Deployments_AreListed_AndCanBeStopped()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/waits","cmd":"true","cpus":1,"mem":32}""");
        var deployment = Assert.Single((await server.GetJsonAsync("/v2/deployments")).EnumerateArray());
        Assert.Equal("/waits", deployment.GetProperty("affectedApps")[0].GetString());
        Assert.Equal(deployment.GetProperty("steps").GetArrayLength(), deployment.GetProperty("totalSteps").GetInt32());
        Assert.Equal("/waits", deployment.GetProperty("currentActions")[0].GetProperty("app").GetString());
        var id = deployment.GetProperty("id").GetString();
        var (status, body) = await server.SendAsync("DELETE", $"/v2/deployments/{id}?force=true");
        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Equal(JsonValueKind.Undefined, body.ValueKind);
        Assert.Empty((await server.GetJsonAsync("/v2/deployments")).EnumerateArray());
    }

    [Fact]
    public async Task Tasks_AreListedFilteredAndKilled()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", """{"id":"/web","cmd":"true","cpus":1,"mem":32,"portDefinitions":[{"port":10101}]}""");
        var task = await agent.RunNextAsync();
        await Eventually.TrueAsync(async () => await server.TaskStatesAsync("/web") is ["TASK_RUNNING"], "the task runs");

        var listed = Assert.Single((await server.GetJsonAsync("/v2/tasks?status=running")).GetProperty("tasks").EnumerateArray());
        Assert.Equal(task.TaskId, listed.GetProperty("id").GetString());
        Assert.Equal(10101, listed.GetProperty("servicePorts")[0].GetInt32());
        Assert.Empty((await server.GetJsonAsync("/v2/tasks?status=staging")).GetProperty("tasks").EnumerateArray());
        Assert.Single((await server.GetJsonAsync("/v2/tasks?status=nonsense")).GetProperty("tasks").EnumerateArray());

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/tasks");
        request.Headers.Add("Accept", "text/plain");
        using var text = await server.Http.SendAsync(request);
        Assert.Equal($"web\t10101\tnode-agent-1:{listed.GetProperty("ports")[0]}\t\n", await text.Content.ReadAsStringAsync());

        Assert.Equal(HttpStatusCode.BadRequest, (await server.SendAsync("POST", "/v2/tasks/delete", """{"ids":["nonsense"]}""")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.SendAsync("POST", "/v2/tasks/delete", "{}")).Status);
        var (status, killed) = await server.SendAsync("POST", "/v2/tasks/delete", $$"""{"ids":["{{task.TaskId}}","gone.instance-1._app.1"]}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Single(killed.GetProperty("tasks").EnumerateArray());
        await Eventually.TrueAsync(() => agent.Received.Any(m => m.Kill?.TaskId == task.TaskId), "the kill order arrives");
        await agent.SendAsync(TestAgent.Status(task.TaskId, TaskState.TaskKilled, 2));
        await agent.RunNextAsync(task.TaskId);
    }

    [Fact]
    public async Task Start_PortInUse_NamesTheFlag()
    {
        await using var server = await RunningServer.StartAsync();
        using var dir = new TempDirectory();
        var error = await Assert.ThrowsAsync<ServerStartException>(() => ServerHost.StartAsync(
            new ServerOptions { Http = server.Host.HttpAddress, DataDir = dir.Path }, CancellationToken.None));
        Assert.Contains($"--http {server.Host.HttpAddress}", error.Message);
        Assert.Contains("another process listens", error.Message);
        // Nothing is left open: the same directory works at once.
        await using var second = await ServerHost.StartAsync(
            new ServerOptions { Http = "127.0.0.1:0", DataDir = dir.Path, LogLevel = "error" }, CancellationToken.None);
    }

    [Fact]
    public async Task Start_BadSettings_AreNamed()
    {
        await using var server = await RunningServer.StartAsync();
        await Assert.ThrowsAsync<StoreOpenException>(() => ServerHost.StartAsync(
            new ServerOptions { Http = "127.0.0.1:0", DataDir = server.DataDir }, CancellationToken.None));
        foreach (var (options, flag) in new[]
        {
            (new ServerOptions { Http = "nonsense", DataDir = "x" }, "--http"),
            (new ServerOptions { AgentListen = "host:99999", DataDir = "x" }, "--agent-listen"),
            (new ServerOptions { LogLevel = "loud", DataDir = "x" }, "--log-level"),
            (new ServerOptions { DataDir = "/tmp/" + new string('x', 120) }, "--data-dir"),
        })
        {
            var error = await Assert.ThrowsAsync<ServerStartException>(() => ServerHost.StartAsync(options, CancellationToken.None));
            Assert.Contains(flag, error.Message);
        }
    }
}
