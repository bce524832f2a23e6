using System.Text.Json.Nodes;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>kill -9 of anything at any moment: nothing is lost, doubled or leaked, and exits are told as they were.</summary>
public sealed class SurvivalTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(25);

    [Fact]
    [Trait("main-job", "yes")]
    public async Task KillNine_OfTheWholeProcess_ExitsMeanwhileAreReportedAsTheyWere()
    {
        await using var cluster = await Cluster.StartAsync();
        await cluster.Api.PostAppAsync("""{"id":"/stays","cmd":"exec sleep 100000","cpus":0.01,"mem":32,"instances":2}""");
        await cluster.Api.PostAppAsync("""{"id":"/ends","cmd":"while [ ! -e end ]; do sleep 0.05; done; exit 42","cpus":0.01,"mem":32,"backoffSeconds":300}""");
        await cluster.Api.WaitUntilSettledAsync();
        var before = await cluster.Api.TasksAsync("TASK_RUNNING");
        var ending = before.Single(id => id.StartsWith("ends.", StringComparison.Ordinal));

        await cluster.CheckMachineAsync(); // running commands, not only containers about to run them
        cluster.Up.KillAtOnce();
        Assert.Equal(before, cluster.Machine.RunningTasks());
        await File.WriteAllTextAsync($"{cluster.DataDirectory}/agent/sandboxes/{ending}/end", "");
        await Api.Until(() => Task.FromResult(!cluster.Machine.RunningTasks().Contains(ending)), "the task ended while nobody watched");
        await cluster.StartAgainAsync();

        JsonNode? failure = null;
        await Api.Until(async () => (failure = (await cluster.Api.GetAsync("v2/apps/ends"))["app"]!["lastTaskFailure"]) is not null, "the failure is known", cluster.Api.DescribeAsync);
        Assert.Equal(ending, (string)failure!["taskId"]!);
        Assert.Equal("TASK_FAILED", (string)failure["state"]!);
        Assert.Contains("42", (string)failure["message"]!);
        await cluster.Api.WaitForRunningAsync("/stays", 2);
        Assert.Equal(before.Where(id => id != ending), (await cluster.Api.TasksAsync("TASK_RUNNING")).Where(id => id.StartsWith("stays.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task KillNine_OfTheWholeProcessAtRandomMomentsUnderLoad_NothingIsLostDoubledOrLeaked()
    {
        await using var cluster = await Cluster.StartAsync();
        var random = Seeded();
        var until = DateTime.UtcNow + Budget;
        for (var round = 0; DateTime.UtcNow < until; round++)
        {
            await ChangeAsync(cluster.Api, random, round);
            await Task.Delay(random.Next(0, 400)); // the random moment itself, no wait for anything
            cluster.Up.KillAtOnce();
            await cluster.StartAgainAsync();
            await cluster.Api.WaitUntilSettledAsync();
            await cluster.CheckMachineAsync();
        }
    }

    [Fact]
    public async Task KillNine_OfServerAndAgentInTurn_NothingIsLostDoubledOrLeaked()
    {
        var data = Directory.CreateTempSubdirectory("pacer-e2e-").FullName;
        var (http, link) = ($"127.0.0.1:{Cluster.FreePort()}", $"127.0.0.1:{Cluster.FreePort()}");
        PacerProcess StartServer() => PacerProcess.Start("server", "--http", http, "--agent-listen", link, "--data-dir", data + "/server");
        var ports = Cluster.PortRange();
        PacerProcess StartAgent() => PacerProcess.Start("agent", "--join", link, "--data-dir", data + "/node", "--ports", ports);
        var server = StartServer();
        var agent = StartAgent();
        var machine = new Machine(data + "/node");
        using var api = new Api("http://" + http);
        try
        {
            await agent.WaitForAsync("has joined");
            var random = Seeded();
            var until = DateTime.UtcNow + Budget;
            for (var round = 0; DateTime.UtcNow < until; round++)
            {
                await ChangeAsync(api, random, round);
                await Task.Delay(random.Next(0, 400));
                if (random.Next(2) == 0)
                {
                    server.KillAtOnce();
                    server.Dispose();
                    server = StartServer();
                }
                else
                {
                    agent.KillAtOnce();
                    agent.Dispose();
                    agent = StartAgent();
                }
                await api.WaitUntilSettledAsync();
                await Api.Until(async () => (await api.TasksAsync("TASK_RUNNING")).SequenceEqual(machine.RunningTasks()), "the machine runs what the API says",
                    async () => $"machine: {string.Join(", ", machine.RunningTasks())}\n{await api.DescribeAsync()}");
            }
        }
        finally
        {
            var ended = await PacerProgram.RunAsync(null, "", "down", "--data-dir", data + "/node");
            await server.TerminateAsync();
            server.Dispose();
            agent.Dispose();
            ended.Expect(0);
            Assert.Empty(machine.Leftovers());
            Directory.Delete(data, true);
        }
    }

    /// <summary>Apps that come, go, grow, shrink and end by themselves.</summary>
    private static async Task ChangeAsync(Api api, Random random, int round)
    {
        if (round == 0)
        {
            await api.PostAppAsync("""{"id":"/load/still","cmd":"exec sleep 100000","cpus":0.01,"mem":32,"instances":3}""");
            await api.WaitUntilSettledAsync();
            return;
        }
        var (path, body) = random.Next(4) switch
        {
            0 => ("v2/apps/load/still?force=true", $$"""{"instances":{{random.Next(0, 8)}}}"""),
            1 => ("v2/apps/load/still?force=true", $$$"""{"labels":{"round":"{{{round}}}"}}"""),
            2 => ($"v2/apps/load/extra{round % 3}?force=true", """{"cmd":"exec sleep 100000","cpus":0.01,"mem":32,"instances":2}"""),
            _ => ($"v2/apps/load/extra{random.Next(3)}", (string?)null),
        };
        await api.SendAsync(body is null ? HttpMethod.Delete : HttpMethod.Put, path, body); // 404 for one that is not there is fine
    }

    private static Random Seeded()
    {
        var seed = Environment.GetEnvironmentVariable("PACER_TEST_SEED") is { Length: > 0 } given ? int.Parse(given) : Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"PACER_TEST_SEED={seed}");
        return new Random(seed);
    }
}
