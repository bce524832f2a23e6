using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pacer.Core.Cluster;
using Pacer.Core.Model;
using Pacer.Server.Events;
using Pacer.Shell.Tests.ServerLink;
using Pacer.Shell.Tests.Loop;

namespace Pacer.Shell.Tests.Events;

public sealed class EventStreamTests
{
    private static ClusterEvent Event(int number) => new ClusterEvent.AppTerminated(new Timestamp(number), new RunSpecId($"/app{number}"));

    [Fact]
    public async Task Reader_SlowerThanAllowed_IsCutOff_AndOthersGetEverything()
    {
        await using var hub = new EventHub(new ManualTime(), NullLogger<EventHub>.Instance);
        using var slow = hub.Subscribe(new HashSet<string>(), null);
        using var fast = hub.Subscribe(new HashSet<string>(), null);
        var received = 0;
        for (var i = 0; i <= EventHub.MaxOutstanding; i++)
        {
            hub.Publish(Event(i));
            await fast.Frames.WaitToReadAsync(TestContext.Current.CancellationToken);
            while (fast.Frames.TryRead(out _))
            {
                received++;
            }
        }
        await Eventually.TrueAsync(() => slow.Overflowed.IsCancellationRequested, "the slow reader is cut off");
        Assert.Equal(EventHub.MaxOutstanding + 1, received);
        Assert.Equal(1, hub.Readers);
    }

    [Fact]
    public async Task Reader_ComesBackWithItsLastId_MissesNothing()
    {
        await using var hub = new EventHub(new ManualTime(), NullLogger<EventHub>.Instance);
        string lastId;
        using (var first = hub.Subscribe(new HashSet<string>(), null))
        {
            hub.Publish(Event(1));
            lastId = Encoding.UTF8.GetString((await first.Frames.ReadAsync()).Bytes).Split("\r\n")[0]["id: ".Length..];
        }
        hub.Publish(Event(2));
        hub.Publish(Event(3));
        using var again = hub.Subscribe(new HashSet<string>(), lastId);
        Assert.Contains("/app2", Encoding.UTF8.GetString((await again.Frames.ReadAsync()).Bytes));
        Assert.Contains("/app3", Encoding.UTF8.GetString((await again.Frames.ReadAsync()).Bytes));
        using var stranger = hub.Subscribe(new HashSet<string>(), "other-1");
        hub.Publish(Event(4));
        var notice = Encoding.UTF8.GetString((await stranger.Frames.ReadAsync()).Bytes);
        Assert.Contains("event: event_stream_missed\r\n", notice);
        Assert.Contains("\"lastEventId\":\"other-1\",\"missedEvents\":null", notice);
        Assert.Contains("/app4", Encoding.UTF8.GetString((await stranger.Frames.ReadAsync()).Bytes));
    }

    [Fact]
    public async Task Reader_ThatComesBackTooLate_IsToldHowMuchItMissed_AndGetsTheRest()
    {
        await using var hub = new EventHub(new ManualTime(), NullLogger<EventHub>.Instance);
        string lastId;
        using (var first = hub.Subscribe(new HashSet<string>(), null))
        {
            hub.Publish(Event(0));
            lastId = Encoding.UTF8.GetString((await first.Frames.ReadAsync()).Bytes).Split("\r\n")[0]["id: ".Length..];
        }
        const int gone = 7;
        for (var i = 1; i <= EventHub.Kept + gone; i++)
        {
            hub.Publish(Event(i));
        }
        using var again = hub.Subscribe(new HashSet<string> { "app_terminated_event" }, lastId);
        Assert.Contains($"\"missedEvents\":{gone},", Encoding.UTF8.GetString((await again.Frames.ReadAsync()).Bytes));
        for (var i = gone + 1; i <= EventHub.Kept + gone; i++)
        {
            Assert.Contains($"/app{i}\"", Encoding.UTF8.GetString((await again.Frames.ReadAsync()).Bytes));
        }
    }

    [Fact]
    public async Task HealthChecks_OfAnApp_AreToldWhenTheyComeAndGo()
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events?event_type=add_health_check_event&event_type=remove_health_check_event");
        request.Headers.Add("Accept", "text/event-stream");
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await server.SendAsync("POST", "/v2/apps", """{"id":"/a","cmd":"true","instances":0,"healthChecks":[{"protocol":"COMMAND","command":{"value":"true"}}]}""");
        var (type, data) = await NextAsync(reader);
        Assert.Equal("add_health_check_event", type);
        Assert.Equal("/a", data.GetProperty("appId").GetString());
        Assert.Equal("COMMAND", data.GetProperty("healthCheck").GetProperty("protocol").GetString());
        Assert.True(Timestamp.TryParse(data.GetProperty("version").GetString(), out _));
        await server.SendAsync("DELETE", "/v2/apps/a");
        (type, data) = await NextAsync(reader);
        Assert.Equal("remove_health_check_event", type);
        Assert.Equal("/a", data.GetProperty("appId").GetString());
    }

    [Fact]
    public async Task Heartbeat_ComesEveryTenSeconds_ForFilteringReadersToo()
    {
        var time = new ManualTime();
        await using var hub = new EventHub(time, NullLogger<EventHub>.Instance);
        using var reader = hub.Subscribe(new HashSet<string> { "nothing" }, null);
        hub.Publish(Event(1));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("\r\n", Encoding.UTF8.GetString((await reader.Frames.ReadAsync()).Bytes));
    }

    [Fact]
    public async Task Launch_OverTheWholeServer_TellsMarathonsStory()
    {
        await using var server = await RunningServer.StartAsync();
        await using var agent = await TestAgent.ConnectAsync(server.Socket);
        await server.UntilNodeAsync("connected");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events");
        request.Headers.Add("Accept", "text/event-stream");
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream;charset=utf-8", response.Content.Headers.NonValidated["Content-Type"].ToString());
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        var seen = new List<string>();
        Assert.Equal("event_stream_attached", (await NextAsync(reader)).Type);
        await server.SendAsync("POST", "/v2/apps", """{"id":"/hello","cmd":"true","cpus":1,"mem":32}""");
        await agent.RunNextAsync();
        JsonElement data;
        do
        {
            (var type, data) = await NextAsync(reader);
            Assert.Equal(type, data.GetProperty("eventType").GetString());
            Assert.True(Timestamp.TryParse(data.GetProperty("timestamp").GetString(), out _));
            seen.Add(type);
            if (type == "status_update_event")
            {
                Assert.Equal("TASK_RUNNING", data.GetProperty("taskStatus").GetString());
                Assert.Equal("/hello", data.GetProperty("appId").GetString());
                Assert.Equal("node-agent-1", data.GetProperty("host").GetString());
            }
        }
        while (seen[^1] != "deployment_success");
        Assert.Equal("StartApplication", data.GetProperty("plan").GetProperty("steps")[0].GetProperty("actions")[0].GetProperty("action").GetString());
        foreach (var expected in new[]
        {
            "api_post_event", "group_change_success", "deployment_info", "instance_changed_event", "status_update_event", "deployment_step_success",
        })
        {
            Assert.Contains(expected, seen);
        }
    }

    [Fact]
    public async Task Filter_ByType_LeavesOutAllOthers()
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/events?event_type=deployment_info&event_type=group_change_success");
        request.Headers.Add("Accept", "text/event-stream");
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await server.SendAsync("POST", "/v2/apps", """{"id":"/hello","cmd":"true","cpus":1,"mem":32}""");
        var types = new[] { (await NextAsync(reader)).Type, (await NextAsync(reader)).Type };
        Assert.Equal(["deployment_info", "group_change_success"], types.Order());
    }

    private static async Task<(string Type, JsonElement Data)> NextAsync(StreamReader reader)
    {
        var type = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                type = line["event: ".Length..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return (type, JsonDocument.Parse(line["data: ".Length..]).RootElement);
            }
        }
        throw new EndOfStreamException("The event stream ended.");
    }
}
