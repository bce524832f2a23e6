using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Three nodes on one machine: own work directories, port ranges and attributes.</summary>
public sealed class ThreeAgentsTests
{
    [Fact]
    public async Task ThreeAgents_SpreadLoseOneAndGetItBack_NothingIsDoubled()
    {
        var data = Directory.CreateTempSubdirectory("pacer-e2e-").FullName;
        using var server = PacerProcess.Start("server", "--http", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0", "--agent-timeout", "2", "--data-dir", data + "/server");
        var url = await server.WaitForAsync(@"The server is up: (http://\S+)");
        var link = await server.WaitForAsync(@"--join (\S+:\d+)");
        using var api = new Api(url);
        PacerProcess StartAgent(int number) => PacerProcess.Start(
            "agent", "--join", link, "--data-dir", $"{data}/{number}", "--hostname", $"node{number}", "--attribute", $"rack=r{number}",
            "--ports", $"{29000 + number * 100}-{29099 + number * 100}", "--cpus", "2", "--mem", "1000");
        var agents = Enumerable.Range(1, 3).ToDictionary(number => number, StartAgent);
        var machines = Enumerable.Range(1, 3).ToDictionary(number => number, number => new Machine($"{data}/{number}"));
        try
        {
            await Api.Until(async () => (await api.GetAsync("v2/nodes"))["nodes"]!.AsArray().Count == 3, "three nodes");

            // One on each rack; it may be away for a while without being replaced.
            await api.PostAppAsync(
                """{"id":"/spread","cmd":"exec sleep 100000","cpus":0.01,"mem":32,"instances":3,"constraints":[["rack","UNIQUE"]],"portDefinitions":[{"port":0}],"unreachableStrategy":{"inactiveAfterSeconds":600,"expungeAfterSeconds":1200}}""");
            // Replaced elsewhere as soon as its node is lost.
            await api.PostAppAsync("""{"id":"/moves","cmd":"exec sleep 100000","cpus":0.01,"mem":32,"instances":2,"constraints":[["hostname","UNLIKE","node1"]]}""");
            await api.WaitUntilSettledAsync();
            var tasks = (await api.TasksAsync()).Where(task => (string)task["appId"]! == "/spread").ToDictionary(task => (string)task["host"]!, task => task);
            Assert.Equal(["node1", "node2", "node3"], tasks.Keys.Order());
            foreach (var number in machines.Keys)
            {
                Assert.InRange((int)tasks[$"node{number}"]["ports"]![0]!, 29000 + number * 100, 29099 + number * 100);
                Assert.Contains((string)tasks[$"node{number}"]["id"]!, machines[number].RunningTasks());
            }

            agents[2].KillAtOnce();
            var away = (string)tasks["node2"]["id"]!;
            await Api.Until(async () => (await api.TasksAsync("TASK_UNREACHABLE")).Contains(away), "the lost node's task is unreachable", api.DescribeAsync);
            await Api.Until(async () => (await api.TasksAsync()).Count(task =>
                (string)task["appId"]! == "/moves" && (string)task["state"]! == "TASK_RUNNING" && (string)task["host"]! == "node3") == 2, "the other app moved", api.DescribeAsync);
            Assert.Contains(away, machines[2].RunningTasks()); // it is only out of sight

            agents[2].Dispose();
            agents[2] = StartAgent(2);
            await Api.Until(async () => (await api.TasksAsync("TASK_RUNNING")).Contains(away), "it is back under the same id", api.DescribeAsync);
            await Api.Until(async () =>
            {
                var told = await api.TasksAsync("TASK_RUNNING");
                return told.Count == 5 && told.SequenceEqual(machines.Values.SelectMany(machine => machine.RunningTasks()).Order(StringComparer.Ordinal));
            }, "five tasks run and no more", async () => string.Join('\n', machines.Values.SelectMany(machine => machine.RunningTasks())) + "\n" + await api.DescribeAsync());
        }
        finally
        {
            foreach (var number in agents.Keys)
            {
                (await PacerProgram.RunAsync(null, "", "down", "--data-dir", $"{data}/{number}")).Expect(0);
                agents[number].Dispose();
            }
            await server.TerminateAsync();
            Assert.All(machines.Values, machine => Assert.Empty(machine.Leftovers()));
            Directory.Delete(data, true);
        }
    }
}
