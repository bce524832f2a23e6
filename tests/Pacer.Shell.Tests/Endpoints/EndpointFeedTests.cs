using System.Net;
using System.Text.Json;
using Pacer.Contracts.AgentLink;
using Pacer.Contracts.Endpoints;
using Pacer.Server.Endpoints;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Endpoints;

/// <summary>The endpoints feed: rows follow the state, and only what changed is sent.</summary>
public sealed class EndpointFeedTests
{
    private const string Web =
        """
        {"id":"/shop/web","cmd":"true","cpus":0.1,"mem":32,"labels":{"HAPROXY_GROUP":"external"},
         "portDefinitions":[{"port":0,"name":"http","labels":{"VIP_0":"web:80"}}],
         "healthChecks":[{"protocol":"MESOS_TCP","portIndex":0}]}
        """;

    [Fact]
    public async Task Snapshot_HasServicesNodesAndTasks()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", Web);
        var launched = await agent.RunNextAsync();
        await server.UntilRunningAsync("/shop/web");

        var snapshot = await ReadAsync(server);
        Assert.True(snapshot.Reset);
        Assert.Equal("marathon", snapshot.Cluster!.Framework);
        Assert.Equal(server.Host.HttpAddress, $"{snapshot.Cluster.Servers[0].Address}:{snapshot.Cluster.Servers[0].Port}");
        var service = Assert.Single(snapshot.Services!);
        Assert.Equal(("/shop/web", "app", true, 1), (service.Id, service.Kind, service.Current, service.HealthChecks));
        Assert.Equal("external", service.Labels["HAPROXY_GROUP"]);
        var port = Assert.Single(service.Ports);
        Assert.Equal(("http", "tcp", "web:80"), (port.Name, port.Protocol, port.Labels!["VIP_0"]));
        Assert.True(port.ServicePort > 0);
        Assert.Equal("host", Assert.Single(service.Networks).Mode);
        Assert.Equal("127.0.0.1", Assert.Single(snapshot.Nodes!).Address);
        var task = Assert.Single(snapshot.Tasks!);
        Assert.Equal((launched.TaskId, "TASK_RUNNING", service.ConfigVersion), (task.Id, task.State, task.ConfigVersion));
        Assert.Null(task.Healthy);
        Assert.InRange(Assert.Single(task.Ports).HostPort, 31000, 31099);
    }

    [Fact]
    public async Task Changes_AreAllThatIsSent_AndALongPollWaitsForThem()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", Web);
        var launched = await agent.RunNextAsync();
        await server.UntilRunningAsync("/shop/web");
        var before = await ReadAsync(server);
        Assert.Null((await ReadAsync(server, $"?since={before.Cursor}")).Tasks);

        var waiting = ReadAsync(server, $"?since={before.Cursor}&wait=30");
        var healthy = TestAgent.Status(launched.TaskId, TaskState.TaskRunning, 2);
        healthy.Health.Add(new HealthResult { Check = 0, Alive = true });
        await agent.SendAsync(healthy);
        var change = await waiting;
        Assert.False(change.Reset);
        Assert.Null(change.Services);
        Assert.True(Assert.Single(change.Tasks!).Healthy);

        // Scaling makes a new version of the definition, but nothing of the endpoints is different.
        await server.SendAsync("PUT", "/v2/apps/shop/web?force=true", """{"instances":2}""");
        await agent.RunNextAsync(launched.TaskId);
        await Eventually.TrueAsync(async () => (await ReadAsync(server, $"?since={change.Cursor}")).Tasks is { Count: 1 }, "the second task is there");
        Assert.Null((await ReadAsync(server, $"?since={change.Cursor}")).Services);

        await server.SendAsync("DELETE", "/v2/apps/shop/web?force=true");
        await agent.SendAsync(TestAgent.Status(launched.TaskId, TaskState.TaskKilled, 3));
        await Eventually.TrueAsync(
            async () => (await ReadAsync(server, $"?since={change.Cursor}")).RemovedTasks?.Contains(launched.TaskId) == true, "the task is gone");
        AssertAsDerivedAnew(server);
    }

    [Fact]
    public async Task OldConfiguration_StaysUntilItsTasksAreGone()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a","cmd":"true","cpus":0.1,"mem":32}""");
        var old = await agent.RunNextAsync();
        await server.UntilRunningAsync("/a");
        await server.SendAsync("PUT", "/v2/apps/a?force=true", """{"cmd":"false"}""");
        var fresh = await agent.RunNextAsync(old.TaskId);
        await Eventually.TrueAsync(async () => (await ReadAsync(server)).Services!.Count == 2, "both configurations are there");
        var both = await ReadAsync(server);
        Assert.Equal([false, true], both.Services!.OrderBy(service => service.ConfigVersion).Select(service => service.Current));
        AssertAsDerivedAnew(server);
        await agent.SendAsync(TestAgent.Status(old.TaskId, TaskState.TaskKilled, 2));
        await Eventually.TrueAsync(async () => (await ReadAsync(server)).Services!.Count == 1, "the old configuration is gone");
        Assert.Equal(fresh.TaskId, Assert.Single((await ReadAsync(server)).Tasks!).Id);
        AssertAsDerivedAnew(server);
    }

    [Fact]
    public async Task CursorOfAnotherProcess_GetsASnapshot()
    {
        await using var server = await RunningServer.StartAsync();
        var before = await ReadAsync(server);
        await server.RestartAsync();
        Assert.True((await ReadAsync(server, $"?since={before.Cursor}")).Reset);
        Assert.True((await ReadAsync(server, "?since=nonsense")).Reset);
    }

    [Theory]
    [InlineData("61")]
    [InlineData("-1")]
    [InlineData("soon")]
    public async Task WrongWait_IsRefusedByName(string wait)
    {
        await using var server = await RunningServer.StartAsync();
        var (status, body) = await server.SendAsync("GET", "/pacer/endpoints?wait=" + wait);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("wait", body.GetProperty("message").GetString());
    }

    private static async Task<EndpointUpdate> ReadAsync(RunningServer server, string query = "") =>
        JsonSerializer.Deserialize(await server.Http.GetStringAsync("/pacer/endpoints" + query), EndpointJson.Default.EndpointUpdate)!;

    // Following changes must lead to what the state says as a whole.
    private static void AssertAsDerivedAnew(RunningServer server)
    {
        var state = server.Host.Loop.State;
        var anew = EndpointTable.Of(state);
        var followed = JsonSerializer.Deserialize(server.Http.GetStringAsync("/pacer/endpoints").GetAwaiter().GetResult(), EndpointJson.Default.EndpointUpdate)!;
        if (server.Host.Loop.State != state)
        {
            return; // it went on meanwhile
        }
        Assert.Equal(anew.Tasks.OrderBy(task => task.Id), followed.Tasks!.OrderBy(task => task.Id));
        Assert.Equal(anew.Services.Select(service => (service.Key, service.Current)).Order(), followed.Services!.Select(service => (service.Key, service.Current)).Order());
        Assert.Equal(anew.Nodes.Select(node => node.Id).Order(), followed.Nodes!.Select(node => node.Id).Order());
    }
}

internal static class RunningTasks
{
    public static Task UntilRunningAsync(this RunningServer server, string app) =>
        Eventually.TrueAsync(async () => (await server.TaskStatesAsync(app)).Contains("TASK_RUNNING"), $"a task of {app} runs");
}
