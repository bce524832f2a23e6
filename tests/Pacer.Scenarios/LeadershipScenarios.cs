using System.Net;

namespace Pacer.Scenarios;

/// <summary>What Marathon's suites ask of a change of leader, where one server gives up the lead and takes it again.</summary>
public sealed class LeadershipScenarios(OneNode cluster) : Scenario<OneNode>(cluster), IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pacer-scenarios-backup-").FullName;

    private string BackupFile => Path.Combine(_directory, "state");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact(DisplayName = "LEADER-04: a leader that is deleted says so")]
    public async Task LEADER_04() => Assert.Equal("Leadership abdicated", (await AbdicateAsync()).Body!["message"]!.ToString());

    [Fact(DisplayName = "LEADER-10: the next leader has written the backup that was asked for")]
    public async Task LEADER_10()
    {
        await RunAsync("/runs");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        Assert.True(new FileInfo(BackupFile).Length > 0);
    }

    [Fact(DisplayName = "LEADER-11: a restore brings back an app that was deleted after the backup")]
    public async Task LEADER_11()
    {
        await RunAsync("/deleted");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await RemoveAsync("/deleted");
        await AbdicateAsync($"?restore=file://{BackupFile}");
        await Cluster.RunningAsync("/deleted", 1);
    }

    [Fact(DisplayName = "LEADER-13: after a restore, an app created and deleted since the backup is unknown")]
    public async Task LEADER_13()
    {
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await RunAsync("/short");
        await RemoveAsync("/short");
        await AbdicateAsync($"?restore=file://{BackupFile}");
        Assert.Equal(HttpStatusCode.NotFound, (await Cluster.SendAsync("GET", "/v2/apps/short")).Status);
    }

    [Fact(DisplayName = "LEADER-14: a restore brings back the number of instances")]
    public async Task LEADER_14()
    {
        await RunAsync("/scaled");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await Cluster.ChangeAsync("PUT", "/v2/apps/scaled", """{"instances":2}""");
        await Cluster.RunningAsync("/scaled", 2);
        await AbdicateAsync($"?restore=file://{BackupFile}");
        Assert.Equal(1, (int)(await Cluster.GetAppAsync("/scaled"))["instances"]!);
        await Cluster.RunningAsync("/scaled", 1);
    }

    [Fact(DisplayName = "LEADER-16: an app keeps running while a backup is made")]
    public async Task LEADER_16()
    {
        var before = await RunAsync("/stays");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        Assert.Equal(before, await Cluster.RunningAsync("/stays", 1));
    }

    [Fact(DisplayName = "LEADER-17: another backup does not bring back what was deleted after the first")]
    public async Task LEADER_17()
    {
        await RunAsync("/gone");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await RemoveAsync("/gone");
        await AbdicateAsync($"?backup=file://{BackupFile}2");
        Assert.Equal(HttpStatusCode.NotFound, (await Cluster.SendAsync("GET", "/v2/apps/gone")).Status);
    }

    [Fact(DisplayName = "SYS-HA-04: an app deleted under a later leader stays deleted")]
    public async Task SYS_HA_04()
    {
        await RunAsync("/later");
        await AbdicateAsync();
        await AbdicateAsync();
        await RemoveAsync("/later");
        await AbdicateAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await Cluster.SendAsync("GET", "/v2/apps/later")).Status);
    }

    [Fact(DisplayName = "PROXY-06: a leader answers 404 to an unknown path")]
    public async Task PROXY_06() => Assert.Equal(HttpStatusCode.NotFound, (await Cluster.SendAsync("GET", "/no/such/path")).Status);

    [Fact(DisplayName = "JEPSEN-LEAD-01: with a leader that keeps abdicating, every app that was acknowledged exists")]
    public async Task JEPSEN_LEAD_01()
    {
        var acknowledged = new List<string>();
        using var end = new CancellationTokenSource();
        var adding = Task.Run(async () =>
        {
            for (var i = 0; !end.IsCancellationRequested; i++)
            {
                try
                {
                    if ((await Cluster.SendAsync("POST", "/v2/apps", App($"/added/n{i}", more: "\"instances\":0"))).Status == HttpStatusCode.Created)
                    {
                        acknowledged.Add($"/added/n{i}");
                    }
                }
                catch (HttpRequestException)
                {
                    // Nobody leads at the moment.
                }
            }
        });
        for (var i = 0; i < 3; i++)
        {
            await AbdicateAsync();
        }
        await end.CancelAsync();
        await adding;
        var apps = (await Cluster.SendAsync("GET", "/v2/apps")).Body!["apps"]!.AsArray().Select(app => app!["id"]!.ToString());
        Assert.NotEmpty(acknowledged);
        Assert.Subset(apps.ToHashSet(), acknowledged.ToHashSet());
        await Cluster.SendAsync("DELETE", "/v2/groups/added?force=true");
    }

    [Fact(DisplayName = "SYS-BACKUP-01: a backup has content, and the app keeps its task")]
    public async Task SYS_BACKUP_01()
    {
        var before = await RunAsync("/backed");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        Assert.True(new FileInfo(BackupFile).Length > 0);
        Assert.Equal(before, await Cluster.RunningAsync("/backed", 1));
    }

    [Fact(DisplayName = "SYS-BACKUP-02: after a restore the app is there and runs")]
    public async Task SYS_BACKUP_02()
    {
        var before = await RunAsync("/backed");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await AbdicateAsync($"?restore=file://{BackupFile}");
        Assert.Equal(before, await Cluster.RunningAsync("/backed", 1));
    }

    [Fact(DisplayName = "SYS-BACKUP-04: an app deleted before another backup is not found under the next leader")]
    public async Task SYS_BACKUP_04()
    {
        await RunAsync("/backed");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        await RemoveAsync("/backed");
        await AbdicateAsync($"?backup=file://{BackupFile}");
        Assert.Equal(HttpStatusCode.NotFound, (await Cluster.SendAsync("GET", "/v2/apps/backed")).Status);
    }

    private async Task<string[]> RunAsync(string app)
    {
        await Cluster.CreateAsync(App(app));
        return await Cluster.RunningAsync(app, 1);
    }

    private async Task RemoveAsync(string app)
    {
        await Cluster.SendAsync("DELETE", "/v2/apps" + app);
        await Waiting.UntilAsync(async () => (await Cluster.DeploymentsAsync()).Count == 0, $"{app} is removed");
    }

    /// <summary>Deletes the leader and waits for the next, which is told from the one before by its tag.</summary>
    private async Task<Answer> AbdicateAsync(string query = "")
    {
        var before = (await Cluster.SendAsync("GET", "/v2/leader")).Response.Headers.ETag;
        var answer = (await Cluster.SendAsync("DELETE", "/v2/leader" + query)).Expect(HttpStatusCode.OK);
        await Waiting.UntilAsync(async () =>
        {
            try
            {
                var leader = await Cluster.SendAsync("GET", "/v2/leader");
                return leader.Status == HttpStatusCode.OK && !Equals(leader.Response.Headers.ETag, before);
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "there is a leader again");
        return answer;
    }
}
