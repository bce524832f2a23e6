using System.Net;

namespace Pacer.Scenarios;

public sealed class RoleScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "ROLE-02: an app with its group's role has tasks of that role")]
    public async Task ROLE_02()
    {
        await Cluster.DeployAsync(App("/dev/app", more: "\"role\":\"dev\""));
        await Cluster.DeployAsync(App("/metrics/app", more: "\"role\":\"metrics\""));
        Assert.Equal("metrics", Assert.Single(await Cluster.TasksAsync("/metrics/app"))["role"]!.ToString());
        Assert.Equal("dev", Assert.Single(await Cluster.TasksAsync("/dev/app"))["role"]!.ToString());
    }
}
