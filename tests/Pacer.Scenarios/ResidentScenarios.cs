using System.Net;
using System.Text.Json.Nodes;

namespace Pacer.Scenarios;

public sealed class ResidentScenarios(OneNode cluster) : Scenario<OneNode>(cluster)
{
    // The first run leaves a file and ends; the next finds it.
    private const string WriteThenStay = "if [ -e data/f ]; then cat data/f > seen; exec sleep 1000; else printf kept > data/f; exit 1; fi";

    private const string Stay = "exec sleep 1000";

    [Fact(DisplayName = "RESIDENT-02: a resident app with a unique hostname is launched on what was reserved for it")]
    public async Task RESIDENT_02()
    {
        await Cluster.DeployAsync(Resident(Stay, "\"constraints\":[[\"hostname\",\"UNIQUE\"]]"));
        var volume = Volume(Assert.Single(await Cluster.TasksAsync("/resident")));
        Assert.Equal($"resident#data#{volume["uuid"]}", volume["persistenceId"]!.ToString());
        Assert.Equal("data", volume["containerPath"]!.ToString());
    }

    [Fact(DisplayName = "RESIDENT-03: a resident app shows the default residency")]
    public async Task RESIDENT_03()
    {
        await Cluster.CreateAsync(Resident("printf data > data/foo"));
        await Cluster.StatusAsync("/resident", "TASK_FINISHED");
        var residency = (await Cluster.GetAppAsync("/resident"))["residency"]!;
        Assert.Equal(3600, (int)residency["relaunchEscalationTimeoutSeconds"]!);
        Assert.Equal("WAIT_FOREVER", residency["taskLostBehavior"]!.ToString());
    }

    [Fact(DisplayName = "RESIDENT-05: a task that died is launched again as the same instance")]
    public async Task RESIDENT_05()
    {
        await Cluster.DeployAsync(Resident(WriteThenStay, FastBackoff));
        var instance = InstanceOf(await SecondRunAsync());
        await Cluster.Events.WaitAsync("status_update_event", e => e.Text("taskId") == instance + "._app.1" && e.Text("taskStatus") == "TASK_FAILED");
    }

    [Fact(DisplayName = "RESIDENT-06: the data is there after a relaunch")]
    public async Task RESIDENT_06()
    {
        await Cluster.DeployAsync(Resident(WriteThenStay, FastBackoff));
        await SeesAsync(await SecondRunAsync(), "kept");
    }

    [Fact(DisplayName = "RESIDENT-08: a suspended app runs nothing and keeps what it reserved")]
    public async Task RESIDENT_08()
    {
        await Cluster.DeployAsync(Resident(WriteThenStay, FastBackoff));
        var before = await SecondRunAsync();
        await ScaleAsync(0);
        var app = await Cluster.GetAppAsync("/resident");
        Assert.Equal(0, (int)app["tasksRunning"]! + (int)app["tasksStaged"]!);
        var suspended = Assert.Single(await Cluster.TasksAsync("/resident"));
        Assert.Equal("TASK_KILLED", suspended["state"]!.ToString());
        Assert.True(Directory.Exists(DataOf(suspended)));

        await ScaleAsync(1);
        var again = Assert.Single(await Cluster.RunningAsync("/resident", 1));
        Assert.Equal(InstanceOf(before), InstanceOf(again));
        await SeesAsync(again, "kept");
    }

    [Fact(DisplayName = "RESIDENT-09: scaled from none to five, exactly five tasks start")]
    public async Task RESIDENT_09()
    {
        await Cluster.DeployAsync(Resident(Stay, instances: 0));
        await ScaleAsync(5);
        Assert.Equal(5, (await Cluster.RunningAsync("/resident")).Length);
        Assert.Equal(5, (await Cluster.TasksAsync("/resident")).Select(task => Volume(task)["persistenceId"]!.ToString()).Distinct().Count());
    }

    [Fact(DisplayName = "RESIDENT-11: a restart makes no sixth instance")]
    public async Task RESIDENT_11()
    {
        var before = await RestartAsync();
        Assert.Equal(before.Select(InstanceOf).Order(), (await Cluster.TasksAsync("/resident")).Select(task => InstanceOf(task["id"]!.ToString())).Order());
    }

    [Fact(DisplayName = "RESIDENT-12: after a restart all five tasks have the new version")]
    public async Task RESIDENT_12()
    {
        var before = await RestartAsync();
        Assert.Empty((await Cluster.RunningAsync("/resident")).Intersect(before));
        await AllHaveTheVersionAsync();
    }

    [Fact(DisplayName = "RESIDENT-14: after a change all five run the new version")]
    public async Task RESIDENT_14()
    {
        await Cluster.DeployAsync(Resident(Stay, instances: 5));
        var before = await Cluster.RunningAsync("/resident");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/resident", """{"cmd":"exec sleep 1001"}"""));
        var after = await Cluster.RunningAsync("/resident");
        Assert.Equal(before.Select(InstanceOf).Order(), after.Select(InstanceOf).Order());
        Assert.Empty(after.Intersect(before));
        await AllHaveTheVersionAsync();
    }

    [Fact(DisplayName = "SYS-PV-01: a running app writes into its volume")]
    public async Task SYS_PV_01()
    {
        await Cluster.DeployAsync(Resident("printf written > data/f; " + Stay));
        var data = DataOf(Assert.Single(await Cluster.TasksAsync("/resident")));
        await Waiting.UntilAsync(async () => File.Exists(data + "/f") && await File.ReadAllTextAsync(data + "/f") == "written", "the volume has the data");
    }

    [Fact(DisplayName = "SYS-PV-03: a killed process is followed by a new task on the same host")]
    public async Task SYS_PV_03()
    {
        await Cluster.DeployAsync(Resident("while [ ! -e data/die ]; do sleep 0.1; done; rm data/die; kill -9 $$", FastBackoff));
        var before = Assert.Single(await Cluster.TasksAsync("/resident"));
        await File.WriteAllTextAsync(DataOf(before) + "/die", "");
        await Cluster.RunningAsync("/resident", 1, before["id"]!.ToString());
        Assert.Equal(before["host"]!.ToString(), Assert.Single(await Cluster.TasksAsync("/resident"))["host"]!.ToString());
    }

    [Fact(DisplayName = "SYS-PV-04: after that recovery the old data is there")]
    public async Task SYS_PV_04()
    {
        await Cluster.DeployAsync(Resident("cat data/f > seen; printf old > data/f; while [ ! -e data/die ]; do sleep 0.1; done; rm data/die; kill -9 $$", FastBackoff));
        var before = Assert.Single(await Cluster.TasksAsync("/resident"));
        await File.WriteAllTextAsync(DataOf(before) + "/die", "");
        await SeesAsync(Assert.Single(await Cluster.RunningAsync("/resident", 1, before["id"]!.ToString())), "old");
    }

    [Fact]
    public async Task Wipe_OfATask_GivesANewInstanceWithANewVolume()
    {
        await Cluster.DeployAsync(Resident(Stay));
        var before = Assert.Single(await Cluster.TasksAsync("/resident"));
        (await Cluster.SendAsync("DELETE", $"/v2/apps/resident/tasks/{before["id"]}?wipe=true")).Expect(HttpStatusCode.OK);
        var after = Assert.Single(await Cluster.RunningAsync("/resident", 1, before["id"]!.ToString()));
        Assert.NotEqual(InstanceOf(before["id"]!.ToString()), InstanceOf(after));
        await WipedAsync(before);
    }

    [Fact]
    public async Task Removal_OfTheApp_WipesItsVolumes()
    {
        await Cluster.DeployAsync(Resident(Stay));
        var task = Assert.Single(await Cluster.TasksAsync("/resident"));
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("DELETE", "/v2/apps/resident"));
        await WipedAsync(task);
    }

    [Fact]
    public async Task Agent_StartedAnew_KeepsVolumes_AndWipesWhatWasAskedForMeanwhile()
    {
        await Cluster.DeployAsync(Resident(WriteThenStay, FastBackoff));
        await SecondRunAsync();
        var task = Assert.Single(await Cluster.TasksAsync("/resident"));
        await Cluster.Nodes[0].StopAsync();
        await Cluster.Nodes[0].StartAsync();
        var running = Assert.Single(await Cluster.RunningAsync("/resident", 1));
        await SeesAsync(running, "kept");
        await ScaleAsync(0);
        await Cluster.Nodes[0].StopAsync();
        await Cluster.SendAsync("DELETE", "/v2/apps/resident?force=true");
        Assert.True(Directory.Exists(DataOf(task)));
        await Cluster.Nodes[0].StartAsync();
        await WipedAsync(task);
    }

    [Fact]
    public async Task HostVolume_IsSeenByTheApp_AndReadOnlyWhenSo()
    {
        var directory = Directory.CreateTempSubdirectory("pacer-volumes-test-");
        try
        {
            await File.WriteAllTextAsync(directory.FullName + "/in", "from the node");
            await Cluster.DeployAsync(App("/host", "cat there/in > seen; touch there/out || printf ' and read-only' >> seen; " + Stay, $$"""
                "container":{"type":"MESOS","volumes":[{"containerPath":"there","hostPath":"{{directory.FullName}}","mode":"RO"}]}
                """));
            await SeesAsync(Assert.Single(await Cluster.RunningAsync("/host", 1)), "from the node and read-only");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task VolumeList_TellsWhatEachVolumeIsFor_AndASuspendedOneIsWipedByItsTask()
    {
        await Cluster.DeployAsync(Resident(Stay, instances: 2));
        Assert.Equal(["in-use connected", "in-use connected"], await VolumeStatesAsync());
        await ScaleAsync(1);
        Assert.Equal(["in-use connected", "suspended connected"], await VolumeStatesAsync());
        var suspended = (await VolumesAsync()).Single(volume => volume["state"]!.ToString() == "suspended");
        Assert.Equal(("/resident", "data", 16, "root", "node1"), (suspended["app"]!.ToString(), suspended["name"]!.ToString(), (int)suspended["size"]!, suspended["type"]!.ToString(), suspended["hostname"]!.ToString()));

        await Cluster.Nodes[0].StopAsync();
        await Waiting.UntilAsync(async () => (await VolumeStatesAsync()).All(state => !state.EndsWith(" connected", StringComparison.Ordinal)), "the node is away");
        (await Cluster.SendAsync("POST", "/v2/tasks/delete?wipe=true", $$"""{"ids":["{{suspended["task"]}}"]}""")).Expect(HttpStatusCode.OK);
        Assert.Contains(await VolumeStatesAsync(), state => state.StartsWith("wiping ", StringComparison.Ordinal));
        await Cluster.Nodes[0].StartAsync();
        await Waiting.UntilAsync(async () => await VolumeStatesAsync() is ["in-use connected"], "the other is left");
        Assert.False(Directory.Exists(Path.Combine(Cluster.Nodes[0].Options.WorkDir, "volumes", suspended["id"]!.ToString().Split('#')[^1])));
    }

    private async Task<List<JsonNode>> VolumesAsync() =>
        [.. (await Cluster.SendAsync("GET", "/pacer/volumes")).Expect(HttpStatusCode.OK).Body!["volumes"]!.AsArray().Select(volume => volume!)];

    private async Task<List<string>> VolumeStatesAsync() =>
        [.. (await VolumesAsync()).Select(volume => $"{volume["state"]} {volume["nodeState"]}").Order(StringComparer.Ordinal)];

    private const string FastBackoff = "\"backoffSeconds\":1,\"maxLaunchDelaySeconds\":1";

    private static string Resident(string cmd, string more = "", int instances = 1) => App("/resident", cmd, $$"""
        "instances":{{instances}},"container":{"type":"MESOS","volumes":[{"containerPath":"data","mode":"RW","persistent":{"size":16} }] }
        """ + (more.Length > 0 ? "," + more : ""));

    private Task<string> SecondRunAsync() => Waiting.ForAsync(
        async () => await Cluster.RunningAsync("/resident") is [var one] && one.EndsWith("._app.2", StringComparison.Ordinal) ? one : null, "the second task runs");

    private async Task ScaleAsync(int instances) =>
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("PUT", "/v2/apps/resident", $$"""{ "instances":{{instances}} }"""));

    private async Task<string[]> RestartAsync()
    {
        await Cluster.DeployAsync(Resident(Stay, instances: 5));
        var before = await Cluster.RunningAsync("/resident");
        await Cluster.SucceedsAsync(await Cluster.ChangeAsync("POST", "/v2/apps/resident/restart"));
        Assert.Equal(5, (await Cluster.RunningAsync("/resident")).Length);
        return before;
    }

    private async Task AllHaveTheVersionAsync()
    {
        var version = (await Cluster.GetAppAsync("/resident"))["version"]!.ToString();
        Assert.All(await Cluster.TasksAsync("/resident"), task => Assert.Equal(version, task["version"]!.ToString()));
    }

    private async Task SeesAsync(string task, string content)
    {
        var seen = Path.Combine(Cluster.Nodes[0].Options.WorkDir, "sandboxes", task, "seen");
        await Waiting.UntilAsync(async () => File.Exists(seen) && await File.ReadAllTextAsync(seen) == content, $"{task} sees '{content}'");
    }

    private Task WipedAsync(JsonNode task) => Waiting.UntilAsync(() => Task.FromResult(!Directory.Exists(DataOf(task))), "the data is wiped");

    private string DataOf(JsonNode task) => Path.Combine(Cluster.Nodes[0].Options.WorkDir, "volumes", Volume(task)["uuid"]!.ToString(), "data");

    private static JsonNode Volume(JsonNode task) => Assert.Single(task["localVolumes"]!.AsArray())!;

    private static string InstanceOf(string task) => task[..task.LastIndexOf("._app", StringComparison.Ordinal)];
}
