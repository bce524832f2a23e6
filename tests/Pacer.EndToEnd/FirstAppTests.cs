using Pacer.EndToEnd.Support;

namespace Pacer.EndToEnd;

/// <summary>What a newcomer does first: the two commands of the README, Ctrl-C, up again, down.</summary>
public sealed class FirstAppTests
{
    [Fact]
    [Trait("main-job", "yes")]
    public async Task Up_WithAFile_DeploysItSurvivesARestartAndGoesDownClean()
    {
        await using var cluster = await Cluster.StartAsync("examples/hello.json");
        await cluster.Up.WaitForAsync("pacer task log hello --follow");
        var task = Assert.Single(await cluster.Api.TasksAsync("TASK_RUNNING"));
        await cluster.CheckMachineAsync();
        await Api.Until(async () => (await cluster.PacerAsync("task", "log", "hello")).Expect(0).Output.Contains("hello 2 from " + task), "it says hello twice");
        var processes = cluster.Machine.ProcessesOf(task);

        Assert.Equal(0, await cluster.Up.TerminateAsync());
        Assert.Contains("1 container keeps running; 'pacer up' takes it over again, 'pacer down' stops it.", cluster.Up.Text);
        Assert.Equal([task], cluster.Machine.RunningTasks());

        await cluster.StartAgainAsync();
        await cluster.Api.WaitForRunningAsync("/hello", 1);
        Assert.Equal([task], await cluster.Api.TasksAsync("TASK_RUNNING"));
        Assert.Equal(processes[0], cluster.Machine.ProcessesOf(task)[0]);

        var down = (await cluster.PacerAsync("down", "--data-dir", cluster.DataDirectory)).Expect(0);
        Assert.Contains("Stopped 'pacer up'", down.Output);
        Assert.Contains("Stopped 1 container", down.Output);
        Assert.Empty(cluster.Machine.Leftovers());

        await cluster.StartAgainAsync(); // definitions are kept
        await Api.Until(async () => await cluster.Api.TasksAsync("TASK_RUNNING") is [var next] && next != task, "a new task took its place", cluster.Api.DescribeAsync);
        await cluster.CheckMachineAsync();
    }

    [Fact]
    public async Task Up_TheSameFileAgain_ChangesNothing()
    {
        await using var cluster = await Cluster.StartAsync("examples/hello.json");
        await cluster.Up.WaitForAsync("Ctrl-C");
        var task = Assert.Single(await cluster.Api.TasksAsync("TASK_RUNNING"));
        await cluster.Up.TerminateAsync();

        await cluster.StartAgainAsync();
        await cluster.Up.WaitForAsync("Bringing /hello up to date");
        await cluster.Up.WaitForAsync("Ctrl-C");

        Assert.Equal([task], await cluster.Api.TasksAsync("TASK_RUNNING"));
    }

    [Fact]
    public async Task Up_WithoutIsolation_SaysSoInOneLineAndWorks()
    {
        await using var cluster = await Cluster.StartAsync("--isolation", "process", "examples/hello.json");
        await cluster.Up.WaitForAsync("note: .*isolation.*");
        await cluster.Up.WaitForAsync("Ctrl-C");
        await cluster.CheckMachineAsync();

        cluster.Up.KillAtOnce();
        var task = Assert.Single(cluster.Machine.RunningTasks());
        await cluster.StartAgainAsync();
        await cluster.Api.WaitForRunningAsync("/hello", 1);
        Assert.Equal([task], await cluster.Api.TasksAsync("TASK_RUNNING"));
    }

    [Fact]
    public async Task Up_LaterStarts_AnswerPingWithinASecond()
    {
        await using var cluster = await Cluster.StartAsync();
        var fastest = TimeSpan.MaxValue;
        for (var attempt = 0; attempt < 5 && fastest > TimeSpan.FromSeconds(1); attempt++)
        {
            await cluster.Up.TerminateAsync();
            var since = System.Diagnostics.Stopwatch.StartNew();
            var starting = cluster.StartAgainAsync();
            await Api.Until(async () => (await cluster.Api.SendAsync(HttpMethod.Get, "ping")).Status == System.Net.HttpStatusCode.OK, "pong");
            fastest = since.Elapsed < fastest ? since.Elapsed : fastest;
            await starting;
        }
        Assert.True(fastest < TimeSpan.FromSeconds(1), $"the fastest of five starts took {fastest.TotalMilliseconds} ms");
    }
}
