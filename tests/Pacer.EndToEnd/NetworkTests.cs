using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Tasks on networks of their own, from the API to the kernel.</summary>
public sealed class NetworkTests
{
    private const string Web = """
        {"id":"/web","cmd":"exec python3 -m http.server 8000","cpus":0.1,"mem":64,"instances":2,"networks":[{"mode":"container/bridge"}],
         "container":{"type":"MESOS","portMappings":[{"containerPort":8000,"name":"http"}]},
         "healthChecks":[{"protocol":"HTTP","gracePeriodSeconds":30,"intervalSeconds":1}]}
        """;

    [Fact]
    [Trait("main-job", "yes")]
    public async Task Bridge_HostPortZero_AnswersAtThePortThatTheApiNamesAndSurvivesKillNine()
    {
        SkipWithoutNetworks();
        await using var cluster = await Cluster.StartAsync();
        await cluster.Api.PostAppAsync(Web);
        await cluster.Api.WaitUntilSettledAsync();
        var before = await PlacesAsync(cluster);
        Assert.Equal(2, before.Select(place => place.Address).Distinct().Count());
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        foreach (var (port, _) in before)
        {
            Assert.Contains("Directory listing", await http.GetStringAsync($"http://127.0.0.1:{port}/"));
        }

        cluster.Up.KillAtOnce();
        Assert.Contains("Directory listing", await http.GetStringAsync($"http://127.0.0.1:{before[0].Port}/"));
        await cluster.StartAgainAsync();
        await cluster.Api.WaitForRunningAsync("/web", 2);
        Assert.Equal(before, await PlacesAsync(cluster));
        foreach (var (port, _) in before)
        {
            Assert.Contains("Directory listing", await http.GetStringAsync($"http://127.0.0.1:{port}/"));
        }
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task NetworkingPage_ItsExamples_Work()
    {
        SkipWithoutNetworks();
        await using var cluster = await Cluster.StartAsync("--network", $"lan=10.{110 + Environment.ProcessId % 40}.{Environment.ProcessId / 40 % 250}.0/24");
        var page = (await PageExamples.ReadAsync("networking.md")).Replace("31500", cluster.FirstPort.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.All(await PageExamples.RunAsync(cluster, page, 2), output => Assert.Contains("Directory listing", output));
    }

    [Fact]
    public async Task NamedNetwork_NoNodeHasIt_WaitsAndTheQueueSaysWhy()
    {
        await using var cluster = await Cluster.StartAsync();
        await cluster.Api.PostAppAsync("""{"id":"/a","cmd":"sleep 1000","cpus":0.01,"mem":32,"networks":[{"mode":"container","name":"nowhere"}]}""");
        await Api.Until(
            async () => (await cluster.Api.GetAsync("v2/queue")).ToJsonString().Contains("UnfulfilledConstraint", StringComparison.Ordinal), "the queue names the reason");
    }

    private static void SkipWithoutNetworks()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipUnless(File.Exists("/usr/sbin/nft") && File.Exists("/usr/bin/crun") && File.Exists("/usr/bin/python3"), "needs nftables, crun and python3");
    }

    private static async Task<List<(int Port, string Address)>> PlacesAsync(Cluster cluster) =>
        [.. (await cluster.Api.GetAsync("v2/apps/web"))["app"]!["tasks"]!.AsArray()
            .Select(task => ((int)task!["ports"]![0]!, (string)task["ipAddresses"]![0]!["ipAddress"]!)).Order()];
}
