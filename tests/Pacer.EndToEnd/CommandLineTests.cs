using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>Every command against a running cluster.</summary>
public sealed class CommandLineTests
{
    private const string Sleeper = """{"id":"/s","cmd":"echo started; echo oops >&2; exec sleep 100000","cpus":0.01,"mem":32}""";

    [Fact]
    public async Task App_FromAddToRemove_DoesWhatItSays()
    {
        await using var cluster = await Cluster.StartAsync();
        var added = (await cluster.PacerWithInputAsync(Sleeper, "app", "add", "-")).Expect(0);
        Assert.EndsWith("/s: 1/1 running\nAdded /s\n", added.Output);
        (await cluster.PacerWithInputAsync(Sleeper, "app", "add", "-")).Expect(2);

        Assert.Matches(@"/s +32 +0\.01 +1/1 +N/A +--- ", (await cluster.PacerAsync("app", "list")).Expect(0).Output);
        Assert.Equal("/s", (string)JsonNode.Parse((await cluster.PacerAsync("app", "list", "--json")).Expect(0).Output)!["apps"]![0]!["id"]!);
        Assert.Equal("/s", (string)JsonNode.Parse((await cluster.PacerAsync("app", "show", "s")).Expect(0).Output)!["id"]!);

        (await cluster.PacerAsync("app", "scale", "s", "3")).Expect(0);
        Assert.Equal(3, (await cluster.Api.TasksAsync("TASK_RUNNING")).Count);
        (await cluster.PacerAsync("app", "update", "s", "mem=33", "labels={\"a\":\"b\"}")).Expect(0);
        var app = JsonNode.Parse((await cluster.PacerAsync("app", "show", "s")).Expect(0).Output)!;
        Assert.Equal(33, (double)app["mem"]!);
        Assert.Equal("b", (string)app["labels"]!["a"]!);
        Assert.Equal(32, (double)JsonNode.Parse((await cluster.PacerAsync("app", "show", "s", "--version", "-1")).Expect(0).Output)!["mem"]!);

        var before = await cluster.Api.TasksAsync("TASK_RUNNING");
        (await cluster.PacerAsync("app", "restart", "s")).Expect(0);
        Assert.Empty(before.Intersect(await cluster.Api.TasksAsync("TASK_RUNNING")));
        (await cluster.PacerAsync("app", "stop", "s")).Expect(0);
        Assert.Empty(await cluster.Api.TasksAsync("TASK_RUNNING"));
        (await cluster.PacerAsync("app", "remove", "s")).Expect(0);
        (await cluster.PacerAsync("app", "show", "s")).Expect(5);
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task Task_LogExecAndKill_ReachTheContainer()
    {
        await using var cluster = await Cluster.StartAsync();
        (await cluster.PacerWithInputAsync(Sleeper.Replace("echo started", "seq 30"), "app", "add", "-")).Expect(0);
        var id = Assert.Single(await cluster.Api.TasksAsync("TASK_RUNNING"));

        await Api.Until(async () => (await cluster.PacerAsync("task", "log", "s", "--lines", "1")).Output == "30\n"
            && (await cluster.PacerAsync("task", "log", "s", "--file", "stderr")).Output.Length > 0, "the command has written");
        Assert.Equal(string.Concat(Enumerable.Range(21, 10).Select(n => $"{n}\n")), (await cluster.PacerAsync("task", "log", "s")).Expect(0).Output);
        Assert.Equal("29\n30\n", (await cluster.PacerAsync("task", "log", "s", "--lines", "2")).Expect(0).Output);
        Assert.StartsWith("1\n2\n", (await cluster.PacerAsync("task", "log", "s", "--lines", "all")).Expect(0).Output);
        Assert.Equal("oops\n", (await cluster.PacerAsync("task", "log", "s", "--file", "stderr")).Expect(0).Output);
        (await cluster.PacerAsync("task", "log", "s", "--file", "nothing-here")).Expect(5);
        (await cluster.PacerAsync("task", "log", "nobody")).Expect(5);

        var exec = (await cluster.PacerAsync("task", "exec", "s", "--", "sh", "-c", "echo out; echo err >&2; exit 7")).Expect(7);
        Assert.Equal(("out\n", "err\n"), (exec.Output, exec.Error));
        var text = string.Concat(Enumerable.Range(0, 50_000).Select(n => $"line {n}\n"));
        Assert.Equal(text, (await cluster.PacerWithInputAsync(text, "task", "exec", "-i", "s", "--", "cat")).Expect(0).Output);
        var missing = await cluster.PacerAsync("task", "exec", "s", "--", "/no/such/program");
        Assert.NotEqual(0, missing.ExitCode);
        Assert.DoesNotContain("   at ", missing.Error);

        (await cluster.PacerAsync("task", "kill", "s")).Expect(0);
        await Api.Until(async () => await cluster.Api.TasksAsync("TASK_RUNNING") is [var next] && next != id, "a new task took its place");
        (await cluster.PacerAsync("task", "kill", "s", "--scale")).Expect(0);
        Assert.Equal(0, (int)(await cluster.Api.GetAsync("v2/apps/s"))["app"]!["instances"]!);
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task Task_LogFollow_PrintsWhatComes()
    {
        await using var cluster = await Cluster.StartAsync();
        (await cluster.PacerWithInputAsync("""{"id":"/f","cmd":"n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done","cpus":0.01,"mem":32}""", "app", "add", "-")).Expect(0);

        using var following = PacerProcess.Start("task", "log", "f", "--follow", "--lines", "all", "--server", cluster.Api.Url);
        await following.WaitForAsync("(?m)^1$[\\s\\S]*^12$");
    }

    [Fact]
    public async Task Deployment_ThatCannotFinish_IsExplainedWatchedStoppedAndRolledBack()
    {
        await using var cluster = await Cluster.StartAsync();
        var greedy = """{"id":"/greedy","cmd":"sleep 1000","cpus":1000,"mem":32}""";
        var refused = (await cluster.PacerWithInputAsync(greedy, "app", "add", "-", "--timeout", "1")).Expect(4);
        Assert.Contains("InsufficientCpus on 1 of 1 node", refused.Error);
        var id = Regex.Match(refused.Error, "deployment ([0-9a-f-]{36})").Groups[1].Value;
        Assert.Contains(id, (await cluster.PacerAsync("deployment", "list")).Expect(0).Output);
        (await cluster.PacerAsync("deployment", "watch", id[..8], "--timeout", "0.5")).Expect(4);
        (await cluster.PacerAsync("app", "scale", "greedy", "2")).Expect(2); // locked
        (await cluster.PacerAsync("deployment", "rollback", id[..8])).Expect(0);
        (await cluster.PacerAsync("app", "show", "greedy")).Expect(5);

        (await cluster.PacerWithInputAsync(greedy, "app", "add", "-", "--no-wait")).Expect(0);
        id = (string)(await cluster.Api.GetAsync("v2/deployments"))[0]!["id"]!;
        (await cluster.PacerAsync("deployment", "stop", id)).Expect(0);
        Assert.Equal("", (await cluster.PacerAsync("deployment", "list")).Expect(0).Output);
        (await cluster.PacerAsync("app", "remove", "greedy", "--force")).Expect(0);
    }

    [Fact]
    public async Task Deployment_OfTasksThatFailToStart_TellsWhyAndWhereToLook()
    {
        await using var cluster = await Cluster.StartAsync();
        var crashing = """{"id":"/crash","cmd":"sleep 1000","cpus":0.01,"mem":32,"fetch":[{"uri":"file:///no/such/file"}]}""";

        var refused = (await cluster.PacerWithInputAsync(crashing, "app", "add", "-", "--timeout", "3")).Expect(4);

        Assert.Matches(@"last failure: crash\.instance-\S+ TASK_FAILED: .*/no/such/file", refused.Error);
        Assert.Contains("--file stderr", refused.Error);
    }

    [Fact]
    public async Task NodeAndEvents_AreShown()
    {
        await using var cluster = await Cluster.StartAsync("--attribute", "rack=r1", "--hostname", "here", "--region", "eu", "--zone", "a", "--cpus", "3");
        using var events = PacerProcess.Start("event", "follow", "--type", "status_update_event", "--server", cluster.Api.Url);
        (await cluster.PacerWithInputAsync(Sleeper, "app", "add", "-")).Expect(0);

        Assert.Matches(@"here +\S+ +\S+ +connected +0\.01/3 +32/\d+ +1 +eu +a +rack=r1\n", (await cluster.PacerAsync("node", "list")).Expect(0).Output);
        (await cluster.PacerAsync("task", "kill", "s")).Expect(0);
        await events.WaitForAsync(@"status_update_event  /s  s\.instance-\S+  TASK_KILLED");
        Assert.Equal("/s\n", (await cluster.PacerAsync("[suggest:11]", "app show /s")).Expect(0).Output);
    }

    [Fact]
    public async Task UnknownField_IsNamedWithASuggestion()
    {
        await using var cluster = await Cluster.StartAsync();

        var added = (await cluster.PacerWithInputAsync("""{"id":"/w","cmd":"sleep 1000","cpus":0.01,"mem":32,"instnces":2}""", "app", "add", "-")).Expect(0);

        Assert.Matches("warning: .*instnces.*instances", added.Error);
    }
}
