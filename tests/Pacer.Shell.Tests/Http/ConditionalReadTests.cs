using System.Net;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Http;

public sealed class ConditionalReadTests
{
    private const string App = """{"id":"/a","cmd":"true","instances":0}""";

    private static readonly string[] Tagged =
    [
        "/v2/apps", "/v2/apps?embed=apps.counts", "/v2/apps/a", "/v2/apps/a/tasks", "/v2/apps/a/versions", "/v2/apps/*", "/v2/groups",
        "/v2/groups/versions", "/v2/groups/apps", "/v2/tasks", "/v2/deployments", "/v2/nodes", "/v2/info", "/v2/leader",
    ];

    [Fact]
    public async Task Read_WithTheTagItGave_IsNotModified_AndEmpty()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", App);
        await IdleAsync(server);
        foreach (var path in Tagged)
        {
            using var first = await GetAsync(server, path);
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            var tag = Tag(first);
            Assert.False(first.Headers.ETag!.IsWeak, path);
            Assert.Contains("Accept-Encoding", string.Join(',', first.Headers.Vary));
            using var again = await GetAsync(server, path, tag);
            Assert.True(again.StatusCode == HttpStatusCode.NotModified, path);
            Assert.Equal(tag, Tag(again));
            Assert.Empty(await again.Content.ReadAsByteArrayAsync());
            using var head = await GetAsync(server, path, tag, "HEAD");
            Assert.Equal(HttpStatusCode.NotModified, head.StatusCode);
            using var several = await GetAsync(server, path, $"\"other\", W/{tag}");
            Assert.Equal(HttpStatusCode.NotModified, several.StatusCode);
        }
    }

    [Fact]
    public async Task Tag_OfWhatDidNotChange_Stays_WhenSomethingElseDoes()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", App);
        await IdleAsync(server);
        using var app = await GetAsync(server, "/v2/apps/a");
        using var all = await GetAsync(server, "/v2/apps");
        await server.SendAsync("POST", "/v2/apps", """{"id":"/b","cmd":"true","instances":0}""");
        using var appAfter = await GetAsync(server, "/v2/apps/a", Tag(app));
        using var allAfter = await GetAsync(server, "/v2/apps", Tag(all));
        Assert.Equal(HttpStatusCode.NotModified, appAfter.StatusCode);
        Assert.Equal(HttpStatusCode.OK, allAfter.StatusCode);
        await server.SendAsync("PUT", "/v2/apps/a", """{"mem":64}""");
        using var changed = await GetAsync(server, "/v2/apps/a", Tag(app));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Contains("\"mem\":64", await changed.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Tag_OfAnApp_ChangesWithItsTasks()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a","cmd":"true","cpus":1,"mem":32}""");
        using var before = await GetAsync(server, "/v2/apps/a");
        await agent.RunNextAsync();
        await Eventually.TrueAsync(async () => (await server.TaskStatesAsync("/a")) is ["TASK_RUNNING"], "the task runs");
        using var after = await GetAsync(server, "/v2/apps/a", Tag(before));
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.Contains("\"tasksRunning\":1", await after.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Tag_OfAnotherRepresentation_IsAnother()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", App);
        var tags = new List<string>();
        foreach (var (path, header, value) in new[]
        {
            ("/v2/tasks", "Accept", "application/json"), ("/v2/tasks", "Accept", "text/plain"), ("/v2/tasks", "Accept-Encoding", "gzip"),
            ("/v2/tasks?status=running", "Accept", "*/*"), ("/v2/tasks?status=staging", "Accept", "*/*"),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add(header, value);
            using var response = await server.Http.SendAsync(request);
            tags.Add(Tag(response));
        }
        Assert.Equal(tags.Count, tags.Distinct().Count());
    }

    [Theory]
    [InlineData("/v2/queue")]
    [InlineData("/v2/apps?embed=apps.taskStats")]
    public async Task Answer_ThatTellsTheTime_HasNoTag(string path)
    {
        await using var server = await RunningServer.StartAsync();
        using var response = await GetAsync(server, path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Null(response.Headers.ETag);
    }

    [Fact]
    public async Task Refusal_HasNoTag()
    {
        await using var server = await RunningServer.StartAsync();
        using var unknown = await GetAsync(server, "/v2/apps/unknown", "*");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Null(unknown.Headers.ETag);
        using var group = await GetAsync(server, "/v2/apps/unknown/*");
        Assert.Equal(HttpStatusCode.NotFound, group.StatusCode);
        Assert.Null(group.Headers.ETag);
    }

    [Fact]
    public async Task Wait_ForAnotherTag_EndsWithTheChange()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", App);
        await IdleAsync(server);
        using var first = await GetAsync(server, "/v2/apps/a");
        var waiting = GetAsync(server, "/v2/apps/a?wait=60", Tag(first));
        await server.SendAsync("POST", "/v2/apps", """{"id":"/b","cmd":"true","instances":0}""");
        Assert.False(waiting.IsCompleted);
        await server.SendAsync("PUT", "/v2/apps/a", """{"mem":64}""");
        using var changed = await waiting;
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Contains("\"mem\":64", await changed.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Wait_WithoutAChange_IsNotModified()
    {
        await using var server = await RunningServer.StartAsync();
        using var first = await GetAsync(server, "/v2/apps");
        using var same = await GetAsync(server, "/v2/apps?wait=1", Tag(first));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        using var wrong = await GetAsync(server, "/v2/apps?wait=301");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("wait", await wrong.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Wait_ForAnIndex_EndsWithTheNextChange()
    {
        await using var server = await RunningServer.StartAsync();
        using var first = await GetAsync(server, "/v2/deployments");
        var index = first.Headers.GetValues("X-Pacer-Index").Single();
        var waiting = GetAsync(server, $"/v2/apps?wait=60&index={index}");
        await server.SendAsync("POST", "/v2/apps", App);
        using var changed = await waiting;
        Assert.Contains("\"/a\"", await changed.Content.ReadAsStringAsync());
        Assert.True(long.Parse(changed.Headers.GetValues("X-Pacer-Index").Single()) > long.Parse(index));
    }

    private static Task IdleAsync(RunningServer server) =>
        Eventually.TrueAsync(async () => (await server.GetJsonAsync("/v2/deployments")).GetArrayLength() == 0, "nothing is deployed");

    private static string Tag(HttpResponseMessage response) => response.Headers.ETag!.ToString();

    private static async Task<HttpResponseMessage> GetAsync(RunningServer server, string path, string? tag = null, string method = "GET")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (tag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }
        return await server.Http.SendAsync(request);
    }
}
