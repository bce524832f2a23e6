namespace Pacer.Scenarios;

public sealed class CheckScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    [Fact(DisplayName = "CHECK-01: the result of a command check that succeeds is listed")]
    public async Task CHECK_01()
    {
        await Cluster.DeployAsync(App("/check", more: Check("exit 0")));
        await ResultAsync("/v2/apps/check/tasks", 0);
    }

    [Fact(DisplayName = "CHECK-03: the exit code of a command check that fails is listed, and the task runs on")]
    public async Task CHECK_03()
    {
        await Cluster.DeployAsync(App("/check", more: Check("exit 7")));
        await ResultAsync("/v2/tasks", 7);
        Assert.Single(await Cluster.RunningAsync("/check"));
    }

    private static string Check(string command) =>
        $"\"check\":{{\"exec\":{{\"command\":{{\"shell\":\"{command}\"}}}},\"intervalSeconds\":1,\"delaySeconds\":0}}";

    private Task ResultAsync(string path, int code) => Waiting.UntilAsync(
        async () => (await Cluster.SendAsync("GET", path)).Body!["tasks"]!.AsArray().Any(task => task!["checkResult"]?["command"]?["exitCode"]?.GetValue<int>() == code),
        $"exit code {code} is listed");
}
