using System.Text;
using Pacer.Server.Storage;
using Pacer.Shell.Tests.Loop;
using Pacer.Shell.Tests.ServerLink;

namespace Pacer.Shell.Tests.Storage;

public sealed class StateBackupTests : IDisposable
{
    private readonly TempDirectory _dir = new();

    private string BackupFile => Path.Combine(_dir.Path, "pacer.backup");

    public void Dispose() => _dir.Dispose();

    [Fact]
    public async Task Backup_OfARunningServer_RestoresWhatWasThen()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0}""");
        StateBackup.Create(server.DataDir, BackupFile);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(BackupFile));
        await server.SendAsync("POST", "/v2/apps", """{"id":"/later","cmd":"true","instances":0}""");

        var inUse = Assert.Throws<BackupException>(() => StateBackup.Restore(server.DataDir, BackupFile));
        Assert.Contains("in use by process", inUse.Message);
        await server.Host.StopAsync(CancellationToken.None);
        StateBackup.Restore(server.DataDir, BackupFile);
        await server.RestartAsync();
        var apps = await server.GetJsonAsync("/v2/apps");
        Assert.Equal("/kept", Assert.Single(apps.GetProperty("apps").EnumerateArray().ToList()).GetProperty("id").GetString());
        Assert.True(File.Exists(Path.Combine(server.DataDir, StateBackup.Before)));

        // What was there before is a state too, and can be put back.
        await server.Host.StopAsync(CancellationToken.None);
        var before = Path.Combine(_dir.Path, "before");
        File.Copy(Path.Combine(server.DataDir, StateBackup.Before), before);
        StateBackup.Restore(server.DataDir, before);
        await server.RestartAsync();
        Assert.Equal(2, (await server.GetJsonAsync("/v2/apps")).GetProperty("apps").GetArrayLength());
    }

    [Fact]
    public async Task Restore_IntoAnEmptyDirectory_IsACluster_WithItsId()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0}""");
        StateBackup.Create(server.DataDir, BackupFile);
        var elsewhere = Path.Combine(_dir.Path, "elsewhere");
        StateBackup.Restore(elsewhere, BackupFile);
        using var store = SqliteStateStore.Open(elsewhere);
        Assert.Equal((await server.GetJsonAsync("/v2/info")).GetProperty("frameworkId").GetString(), store.ClusterId);
        Assert.Single(store.Load().Rebuild().RunSpecs);
    }

    [Fact]
    public async Task Restore_OfADamagedFile_ChangesNothing()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0,"labels":{"a":"bbbbbbbbbbbbbbbbbbbb"}}""");
        StateBackup.Create(server.DataDir, BackupFile);
        await server.Host.StopAsync(CancellationToken.None);
        var state = Path.Combine(server.DataDir, "state.db");
        var before = await File.ReadAllBytesAsync(state);
        var good = await File.ReadAllBytesAsync(BackupFile);

        var truncated = good[..(good.Length / 2)];
        var text = Encoding.UTF8.GetBytes("no backup at all, but a text that is longer than a header of SQLite is: more than a hundred bytes of it, certainly.");
        var scribbled = good.ToArray();
        scribbled.AsSpan(good.Length - 4096).Fill(0x5A);
        foreach (var (content, reason) in new[] { (truncated, "damaged"), (text, "not an SQLite database"), (scribbled, "can't be restored"), ([], "not Pacer's state") })
        {
            await File.WriteAllBytesAsync(BackupFile, content);
            var refused = Assert.Throws<BackupException>(() => StateBackup.Restore(server.DataDir, BackupFile));
            Assert.Contains(reason, refused.Message);
            Assert.Contains("Nothing was changed", refused.Message);
            Assert.Equal(before, await File.ReadAllBytesAsync(state));
            Assert.Empty(Directory.GetFiles(server.DataDir, "*restor*"));
        }
        Assert.Contains("There is no backup", Assert.Throws<BackupException>(() => StateBackup.Restore(server.DataDir, BackupFile + "x")).Message);
    }

    [Fact]
    public async Task Restore_OverADamagedStore_KeepsIt_AndWorks()
    {
        await using var server = await RunningServer.StartAsync();
        await server.SendAsync("POST", "/v2/apps", """{"id":"/kept","cmd":"true","instances":0}""");
        StateBackup.Create(server.DataDir, BackupFile);
        await server.Host.StopAsync(CancellationToken.None);
        await File.WriteAllTextAsync(Path.Combine(server.DataDir, "state.db"), "scribbled over");
        StateBackup.Restore(server.DataDir, BackupFile);
        Assert.Equal("scribbled over", await File.ReadAllTextAsync(Path.Combine(server.DataDir, StateBackup.Before)));
        await server.RestartAsync();
        Assert.Equal(1, (await server.GetJsonAsync("/v2/apps")).GetProperty("apps").GetArrayLength());
    }

    [Fact]
    public async Task Target_ThatIsSomethingElse_IsNotOverwritten()
    {
        await using var server = await RunningServer.StartAsync();
        await File.WriteAllTextAsync(BackupFile, "a diary");
        Assert.Contains("not a backup", Assert.Throws<BackupException>(() => StateBackup.Create(server.DataDir, BackupFile)).Message);
        Assert.Equal("a diary", await File.ReadAllTextAsync(BackupFile));
        Assert.Contains("is a directory", Assert.Throws<BackupException>(() => StateBackup.Create(server.DataDir, _dir.Path)).Message);
        Assert.Contains("does not exist", Assert.Throws<BackupException>(() => StateBackup.Create(server.DataDir, "/no/such/directory/file")).Message);
        Assert.Contains("belongs to the state", Assert.Throws<BackupException>(() => StateBackup.Create(server.DataDir, Path.Combine(server.DataDir, "state.db"))).Message);
        Assert.Contains("There is no state", Assert.Throws<BackupException>(() => StateBackup.Create(_dir.Path, Path.Combine(_dir.Path, "new"))).Message);

        File.Delete(BackupFile);
        StateBackup.Create(server.DataDir, BackupFile);
        StateBackup.Create(server.DataDir, BackupFile); // an older backup may be replaced
        Assert.Equal([BackupFile], Directory.GetFiles(_dir.Path));
    }

    [Fact]
    public async Task Backups_WhileTheServerIsWritingHard_AreAllWhole()
    {
        await using var server = await RunningServer.StartAsync();
        using var end = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !end.IsCancellationRequested; i++)
            {
                await server.SendAsync("POST", "/v2/apps", $$"""{"id":"/n{{i}}","cmd":"true","instances":0}""");
            }
        });
        var seen = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            await Eventually.TrueAsync(() => server.Host.Loop.State.RunSpecs.Count > seen.LastOrDefault(), "an app more");
            StateBackup.Create(server.DataDir, BackupFile);
            var elsewhere = Path.Combine(_dir.Path, $"copy{i}");
            StateBackup.Restore(elsewhere, BackupFile);
            using var store = SqliteStateStore.Open(elsewhere);
            seen.Add(store.Load().Rebuild().RunSpecs.Count);
        }
        await end.CancelAsync();
        await writing;
        Assert.Equal(seen.Order(), seen);
        Assert.True(seen[0] > 0);
    }

    [Theory]
    [InlineData("file:///var/backups/a.backup", "/var/backups/a.backup")]
    [InlineData("/var/backups/a%20b", "/var/backups/a%20b")]
    [InlineData("file:///var/a%20b", "/var/a b")]
    [InlineData("s3://bucket/key", null)]
    [InlineData("file://elsewhere/var/a", null)]
    [InlineData("relative", null)]
    [InlineData("/var/backups/", null)]
    public void Path_OfAUriOrPlain_IsRead(string text, string? path)
    {
        Assert.Equal(path is not null, StateBackup.TryPath(text, out var read));
        Assert.Equal(path, read);
    }
}
