using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

public sealed class ExampleTests
{
    private static readonly Dictionary<string, string?> FirstLines = new()
    {
        ["hello"] = "hello 1 from ",
        ["args"] = null,
        ["environment"] = "Good morning from /examples/environment, label blue, in /",
        ["fetch"] = File.ReadLines("/etc/os-release").First(),
        ["user"] = "nobody",
        ["scaled"] = "one of three, on port ",
        ["upgrade"] = "version 1",
        ["health"] = "alive",
    };

    [Fact]
    public async Task Examples_EachOfThem_RunsAndPrintsWhatItPromises()
    {
        var files = Directory.GetFiles(Path.Combine(PacerProgram.Repository, "examples"), "*.json")
            .Where(file => Path.GetFileName(file) is not ("group.json" or "pod.json")).ToArray(); // have tests of their own
        Assert.Equal(FirstLines.Keys.Order(), files.Select(file => Path.GetFileNameWithoutExtension(file)).Order());
        await using var cluster = await Cluster.StartAsync();
        foreach (var file in files)
        {
            var name = Path.GetFileNameWithoutExtension(file);
            if (name == "user" && !Environment.IsPrivilegedProcess)
            {
                continue; // another user's processes need root
            }
            (await cluster.PacerAsync("app", "add", file)).Expect(0);
            var app = name == "hello" ? "/hello" : "/examples/" + name;
            var tasks = (await cluster.PacerAsync("task", "list", app, "-q")).Expect(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(name switch { "scaled" => 3, "upgrade" => 2, _ => 1 }, tasks.Length);
            if (FirstLines[name] is { } expected)
            {
                var log = "";
                await Api.Until(async () => (log = (await cluster.PacerAsync("task", "log", tasks[0], "--lines", "all")).Expect(0).Output).Length > 0, $"{name} prints");
                Assert.StartsWith(expected, log);
            }
        }
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task Group_ItsCommandsInTheDocument_AllWork()
    {
        var lines = File.ReadLines(Path.Combine(PacerProgram.Repository, "docs", "groups.md"))
            .Where(line => line.StartsWith("    pacer ", StringComparison.Ordinal))
            .Select(line => line.Trim()["pacer ".Length..].Replace("'", "").Replace("examples/group.json", Path.Combine(PacerProgram.Repository, "examples/group.json")));
        await using var cluster = await Cluster.StartAsync();
        var counts = new List<int>();
        foreach (var line in lines)
        {
            (await cluster.PacerAsync(line.Split(' '))).Expect(0);
            counts.Add((await cluster.Api.TasksAsync("TASK_RUNNING")).Count);
        }
        Assert.Equal([3, 3, 6, 6, 6, 0], counts);
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task Pod_ItsCommandsInTheDocument_AllWork()
    {
        var lines = File.ReadLines(Path.Combine(PacerProgram.Repository, "docs", "pods.md"))
            .Where(line => line.StartsWith("    pacer ", StringComparison.Ordinal))
            .Select(line => line.Trim()["pacer ".Length..].Replace("'", "").Replace("examples/pod.json", Path.Combine(PacerProgram.Repository, "examples/pod.json")));
        await using var cluster = await Cluster.StartAsync();
        var outputs = new Dictionary<string, string>();
        foreach (var line in lines)
        {
            var words = line.Split(' ');
            outputs[words[1]] = (await cluster.PacerAsync(words)).Expect(0).Output;
            if (words[1] == "add")
            {
                await PageIsServedAsync(cluster);
            }
        }
        Assert.Contains("1/1", outputs["list"]);
        Assert.Contains(" |-server", outputs["list"]);
        Assert.Equal(2, outputs["show"].Split("\"specReference\"").Length - 1);
        Assert.StartsWith("Killed examples_pod.instance-", outputs["kill"]);
        await cluster.CheckMachineAsync();
    }

    private static async Task PageIsServedAsync(Cluster cluster)
    {
        var status = System.Text.Json.Nodes.JsonNode.Parse((await cluster.PacerAsync("pod", "show", "examples/pod")).Expect(0).Output)!;
        var server = status["instances"]![0]!["containers"]!.AsArray().Single(container => container!["name"]!.ToString() == "server")!;
        using var http = new HttpClient();
        Assert.Contains("20", await http.GetStringAsync($"http://127.0.0.1:{server["endpoints"]![0]!["allocatedHostPort"]}/"));
    }
}
