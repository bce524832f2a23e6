using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

/// <summary>Pacer's own endpoints about nodes and placement, with real agents.</summary>
public sealed class NodeTests(TwoNodes cluster) : Scenario<TwoNodes>(cluster)
{
    private async Task<JsonNode> NodeAsync(string hostname) =>
        (await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray().Single(node => node!["hostname"]!.ToString() == hostname)!;

    private async Task<string> PathAsync(string hostname) => $"/v2/nodes/{(await NodeAsync(hostname))["id"]}";

    [Fact]
    public async Task Drain_OfANode_MovesItsTasksToTheOther()
    {
        await Cluster.DeployAsync(App("/moved", more: "\"instances\":4"));
        var node = await PathAsync("node1");
        var drained = (await Cluster.SendAsync("PUT", node + "/drain", """{"deadlineSeconds":120}""")).Expect(HttpStatusCode.OK);
        Assert.Equal(2, (int)drained.Body!["drain"]!["instancesLeft"]!);
        await Waiting.UntilAsync(async () => (int)(await NodeAsync("node1"))["drain"]!["instancesLeft"]! == 0, "node1 is empty");
        Assert.All((await Cluster.TasksAsync("/moved")).Where(t => t["state"]!.ToString() == "TASK_RUNNING"), task => Assert.Equal("node2", task["host"]!.ToString()));
        Assert.Equal(4, (await Cluster.RunningAsync("/moved")).Length);

        (await Cluster.SendAsync("DELETE", node + "/drain")).Expect(HttpStatusCode.OK);
        Assert.Null((await NodeAsync("node1"))["drain"]);
    }

    [Fact]
    public async Task Cordon_IsShownAndExplained_AndTakenBack()
    {
        var nodes = new[] { await PathAsync("node1"), await PathAsync("node2") };
        foreach (var node in nodes)
        {
            Assert.True((bool)(await Cluster.SendAsync("PUT", node + "/cordon")).Expect(HttpStatusCode.OK).Body!["cordoned"]!);
        }
        await Cluster.CreateAsync(App("/held"));
        var why = (await Cluster.SendAsync("GET", "/v2/why/held")).Expect(HttpStatusCode.OK).Body!;
        Assert.Equal(1, (int)why["waiting"]!);
        Assert.Equal(["1 of 1 instances of /held wait for a place.", "2 nodes closed to new work: node1 is cordoned."], why["text"]!.AsArray().Select(t => t!.ToString()));
        await Cluster.QueuedAsync("/held", item => item["processedOffersSummary"]!["rejectSummaryLastOffers"]!.AsArray()
            .Any(step => step!["reason"]!.ToString() == "AgentMaintenance" && (int)step["declined"]! == 2));
        foreach (var node in nodes)
        {
            (await Cluster.SendAsync("DELETE", node + "/cordon")).Expect(HttpStatusCode.OK);
        }
        await Cluster.RunningAsync("/held", 1);
    }

    [Fact]
    public async Task Plan_TellsStepsAndNodes_AndChangesNothing()
    {
        var plan = (await Cluster.SendAsync("POST", "/v2/plan", App("/planned", more: "\"instances\":2"))).Expect(HttpStatusCode.OK).Body!;
        Assert.True((bool)plan["ends"]!);
        var steps = plan["steps"]!.AsArray();
        Assert.Equal(["StartApplication", "ScaleApplication"], steps.Select(step => step!["actions"]![0]!["action"]!.ToString()));
        Assert.Equal(["node1", "node2"], steps[1]!["starts"]!.AsArray().Select(move => move!["hostname"]!.ToString()));
        Assert.Empty((await Cluster.SendAsync("GET", "/v2/apps")).Body!["apps"]!.AsArray());

        var tooBig = (await Cluster.SendAsync("POST", "/v2/plan", """{"id":"/big","cmd":"sleep 1","cpus":64}""")).Expect(HttpStatusCode.OK).Body!;
        Assert.False((bool)tooBig["ends"]!);
        Assert.Equal("2 nodes with too little CPU: 64 asked for, at most 8 free (node1).", tooBig["waiting"]![0]!["text"]![1]!.ToString());
    }

    [Fact]
    public async Task Requests_ThatMakeNoSense_AreRefusedWithAReason()
    {
        var node = await PathAsync("node1");
        (await Cluster.SendAsync("PUT", node + "/drain", """{"deadlineSeconds":-1}""")).Expect(HttpStatusCode.UnprocessableEntity);
        (await Cluster.SendAsync("PUT", node + "/drain", """{"dead":1}""")).Expect(HttpStatusCode.UnprocessableEntity);
        (await Cluster.SendAsync("PUT", node + "/drain", "[]")).Expect(HttpStatusCode.UnprocessableEntity);
        (await Cluster.SendAsync("PUT", "/v2/nodes/nobody/drain")).Expect(HttpStatusCode.NotFound);
        (await Cluster.SendAsync("DELETE", node)).Expect(HttpStatusCode.Conflict);
        (await Cluster.SendAsync("GET", "/v2/why/nothing")).Expect(HttpStatusCode.NotFound);
        (await Cluster.SendAsync("POST", "/v2/plan", """{"id":"/x"}""")).Expect(HttpStatusCode.UnprocessableEntity);
    }
}
