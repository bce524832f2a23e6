namespace Pacer.Scenarios;

public sealed class LimitScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "LIMITS-02: a cpu limit above the request gives a higher quota than the request alone")]
    public async Task LIMITS_02()
    {
        await RequireContainersAsync();
        await Cluster.DeployAsync(App("/plain", "exec sleep 10021"));
        await Cluster.DeployAsync(App("/limited", "exec sleep 10022", "\"resourceLimits\":{\"cpus\":1}"));
        Assert.True((await TaskCgroup.OfAsync("sleep 10022")).CpuQuota > (await TaskCgroup.OfAsync("sleep 10021")).CpuQuota);
    }

    [Fact(DisplayName = "LIMITS-03: unlimited memory is far above a limit")]
    public async Task LIMITS_03()
    {
        await RequireContainersAsync();
        await Cluster.DeployAsync(App("/limited", "exec sleep 10031", "\"resourceLimits\":{\"mem\":64}"));
        await Cluster.DeployAsync(App("/unlimited", "exec sleep 10032", "\"resourceLimits\":{\"mem\":\"unlimited\"}"));
        var limited = (await TaskCgroup.OfAsync("sleep 10031")).MemoryLimit;
        Assert.Equal(64L * 1024 * 1024, limited);
        Assert.True((await TaskCgroup.OfAsync("sleep 10032")).MemoryLimit > 100 * limited);
    }

    private async Task RequireContainersAsync()
    {
        var nodes = (await Cluster.SendAsync("GET", "/v2/nodes")).Body!["nodes"]!.AsArray();
        if (!nodes[0]!["runtimes"]!.AsArray().Any(runtime => runtime!.ToString() == "mesos") || Environment.UserName != "root")
        {
            Assert.Skip("limits need root and a container runtime");
        }
    }
}
