using System.Net;

namespace Pacer.Scenarios;

public sealed class PodPlacementScenarios(TwoNodes cluster) : PodScenario<TwoNodes>(cluster)
{
    [Fact(DisplayName = "SYS-POD-14: all containers of a pod that is tied to one host run there")]
    public async Task SYS_POD_14()
    {
        var pod = Pod("/pod", Container("one", "exec sleep 1000"), Container("two", "exec sleep 1000"))
            .Replace("\"scaling\"", """
                "scheduling":{"placement":{"constraints":[{"fieldName":"hostname","operator":"LIKE","value":"node2"}]}},"scaling"
                """, StringComparison.Ordinal);
        await DeployAsync(pod);
        var instance = Instances(await StableAsync("/pod")).Single();
        Assert.Equal("node2", instance["agentHostname"]!.ToString());
        Assert.All(Containers(instance), container => Assert.Equal("TASK_RUNNING", container["status"]!.ToString()));
        Assert.All(TaskIds(instance), id => Assert.True(Directory.Exists(Path.Combine(Cluster.Nodes[1].Options.WorkDir, "sandboxes", id))));
    }

    [Fact(DisplayName = "UNREACH-13: an unreachable instance that is wiped vanishes, and a new one starts")]
    public async Task UNREACH_13()
    {
        var pod = Pod("/pod", Container("one", "exec sleep 1000")).Replace("\"scaling\"", """
            "scheduling":{"unreachableStrategy":{"inactiveAfterSeconds":3600,"expungeAfterSeconds":7200}},"scaling"
            """, StringComparison.Ordinal);
        await DeployAsync(pod);
        var before = Instances(await StableAsync("/pod")).Single();
        await Cluster.Nodes.Single(node => node.Name == before["agentHostname"]!.ToString()).StopAsync();
        await Waiting.UntilAsync(async () => Instances(await StatusAsync("/pod")) is [{ } lost]
            && lost["message"]?.ToString() == "pod instance has become unreachable", "the instance is unreachable");
        (await Cluster.SendAsync("DELETE", "/v2/pods/pod::instances?wipe=true", $"[\"{Id(before)}\"]")).Expect(HttpStatusCode.OK);
        await Waiting.UntilAsync(async () => Instances(await StatusAsync("/pod")) is [{ } now] && Id(now) != Id(before)
            && now["status"]!.ToString() == "STABLE", "another instance runs");
    }
}
